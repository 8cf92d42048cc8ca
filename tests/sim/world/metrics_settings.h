#ifndef SIM_WORLD_METRICS_SETTINGS_H
#define SIM_WORLD_METRICS_SETTINGS_H

#include "sim/world/settings.h"

#include <stdio.h>

/* The section [metrics] of the drawn configuration. */

/* Draws metrics.listen into the setup. */
void metrics_settings_draw(void);

/* Draws metrics.allow, for the listener of the setup. */
void metrics_settings_draw_allow(struct settings *drawn);

/* Gives an allow list to settings for which the setup, with a listener that other hosts can reach,
 * demands one. */
void metrics_settings_complete(struct settings *drawn);

/* Writes the section, unless the run has no metrics. */
void metrics_settings_write(FILE *out, const struct settings *written);

/* How many blocks metrics.allow has, and the text of one of them. */
size_t metrics_settings_block_count(const struct settings *written);
const char *metrics_settings_block(const struct settings *written, size_t number);

/* Whether metrics.allow admits a TCP peer at that address. */
bool metrics_settings_allow(const struct settings *rules, const struct addr *peer);

#endif
