#ifndef SIM_WORLD_PLAN_H
#define SIM_WORLD_PLAN_H

#include <stdbool.h>

/* What happens in a run, and when: the start, a time with faults, a time without, and the stop. */

/* Draws it. broken is the name of an oracle's self-test, or NULL. */
void plan_draw(const char *broken);

/* Whether the server was ready at any time. */
bool plan_was_ready(void);

#endif
