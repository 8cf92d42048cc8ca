#ifndef SIM_WORLD_PLAN_H
#define SIM_WORLD_PLAN_H

#include <stdbool.h>

/* What happens in a run, and when: the start, a time with faults, a time without, and the stop; and
 * how often the server is started. */

/* Draws the plan. */
void plan_draw(void);
/* Prints how long the time with faults is, and the names of what a run can leave out. */
void plan_describe(void);

/* Called after the server has ended. The first returns whether it is to be started again; the
 * second lets some time pass and draws the next start. */
bool plan_has_next_start(void);
void plan_start_again(bool has_crashed);
/* The server has ended, and nothing is expected of it any more. */
void plan_server_ended(void);
/* How many times the server was started. */
unsigned plan_starts(void);

/* Whether the server was ready in this start. */
bool plan_was_ready(void);
/* Whether the server was asked to stop. */
bool plan_is_stopping(void);

#endif
