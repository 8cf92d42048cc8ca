#ifndef OS_PROCESS_FORCED_EXIT_H
#define OS_PROCESS_FORCED_EXIT_H

#include <stdbool.h>

/* Ends a program of the terminal by SIGTERM and SIGHUP while it is blocked in a write, as to a
 * terminal that is stopped and nobody reads: its loop, where signals arrive otherwise, does not run
 * then. A thread of its own waits for that. Weighed against: O_NONBLOCK would hold for all who
 * share the terminal, and stdio loses what such a write refuses; a signal's handler would need
 * every write to be prepared for EINTR. */

enum { FORCED_EXIT_MS = 500 };

/* From now on a SIGTERM or SIGHUP that is blocked, and that no loop takes within FORCED_EXIT_MS,
 * ends the process: the terminal's mode is put back (terminal_abandon), and the exit status is 128
 * and the signal. Once a process; a second call does nothing. Where no thread can be started, the
 * program goes on without. */
void forced_exit_start(void);

/* A loop has taken this signal, and the program ends because of it: by force, where that takes
 * longer than FORCED_EXIT_MS. Any signal but SIGTERM and SIGHUP is left alone. */
void forced_exit_begin(int signal);

/* While held, no signal ends the process by force, however long it waits: for what has to be
 * written first. */
void forced_exit_hold(bool held);

#endif
