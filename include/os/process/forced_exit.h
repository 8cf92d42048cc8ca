#ifndef OS_PROCESS_FORCED_EXIT_H
#define OS_PROCESS_FORCED_EXIT_H

#include <stdbool.h>

/* Ends a terminal program at SIGTERM and SIGHUP even while it is blocked in a write to the terminal
 * (one that is stopped or not read), when its event loop, which handles signals otherwise, does not
 * run. A thread waits for that case. O_NONBLOCK would apply to all programs that share the
 * terminal, and stdio loses data when such a write fails; with a signal handler every write would
 * have to handle EINTR. */

enum { FORCED_EXIT_MS = 500 };

/* Starts the thread. From then on a blocked SIGTERM or SIGHUP that no loop takes within
 * FORCED_EXIT_MS ends the process: the terminal's mode is restored
 * (raw_mode_leave_without_output), and the exit status is 128 plus the signal. A second call does
 * nothing. If the thread cannot be started, the program continues without it. */
void forced_exit_start(void);

/* Call it when the loop has taken this signal and the program begins to end because of it. If that
 * takes longer than FORCED_EXIT_MS, the process is ended. Signals other than SIGTERM and SIGHUP are
 * ignored. */
void forced_exit_begin(int signal);

/* Postpones the forced exit while held is true, for output that has to be written first. */
void forced_exit_hold(bool held);

#endif
