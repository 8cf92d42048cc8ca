#ifndef SIM_WORLD_STATE_SETTINGS_H
#define SIM_WORLD_STATE_SETTINGS_H

#include "sim/world/settings.h"

#include <stdio.h>

/* The settings of the state file, for world/settings, and how they and others change from one start
 * with it to the next one: settings_vary. */

/* Draws whether there is a state file, and then sometimes one worker or names. */
void state_settings_draw(void);
/* With clients that churn, there is a state file, and each can join again as soon as it has left.
 */
void state_settings_admit_churn(void);
void state_settings_draw_snapshots(struct settings *drawn);

/* Writes the section of the configuration. */
void state_settings_write(FILE *out, const struct settings *written);

#endif
