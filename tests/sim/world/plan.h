#ifndef SIM_WORLD_PLAN_H
#define SIM_WORLD_PLAN_H

#include <stdbool.h>

/* What happens in a run, and when: the start, a time with faults, a time without, and the stop. */

/* Draws it. */
void plan_draw(void);

/* Whether the server was ready at any time. */
bool plan_was_ready(void);
/* Whether it was told to stop. */
bool plan_is_stopping(void);

#endif
