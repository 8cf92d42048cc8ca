#ifndef SIM_WORLD_OPERATORS_H
#define SIM_WORLD_OPERATORS_H

#include <stdbool.h>
#include <stdint.h>

/* Operators and observers: sessions of the control socket and of the observers' socket that send
 * drawn commands, and signals. Each command is answered once. */
void operators_draw(void);

/* The server has ended. operators_draw has them begin again. */
void operators_reset(void);

/* They send nothing more by themselves. */
void operators_end(void);
/* Whether all commands are answered. */
bool operators_are_idle(void);

/* Sends a broadcast, and returns its number; 0: there is no control socket, or no number left. */
uint32_t operators_broadcast(void);
/* Each one that is connected sends some broadcasts at once. */
void operators_broadcast_all(void);
/* Each one sends a command in the moment in which the server stops. */
void operators_hurry(void);
/* The server gets the signal to reload, with other settings. */
void operators_hang_up(void);
/* Whether operators act: in the time with faults. */
bool operators_may_reload(void);
bool operators_broadcast_has_ended(uint32_t number);
/* The queue was full. */
bool operators_broadcast_was_refused(uint32_t number);

/* Stops the server, by a command or a signal. */
void operators_stop(void);

/* Looks whether a reload by SIGHUP has ended: after each step. */
void operators_check_reload(void);

/* How many commands were answered. */
uint64_t operators_answers(void);

#endif
