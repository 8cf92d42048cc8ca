#ifndef OS_LOOP_SIGNALS_H
#define OS_LOOP_SIGNALS_H

#include "os/loop/event_loop.h"

#include <stdbool.h>

/* Signals as events of a loop (signalfd), and signals that the process ignores. Each array of
 * signals ends in 0. */

typedef void loop_signal_callback(void *state, int signal);

/* Blocks the signals in this thread and in the threads that it starts later; the loop passes each
 * one to caught. A loop has one set of signals. A SIGINT or SIGHUP that is ignored when the process
 * starts, as in the background of a script or under nohup(1), stays ignored. Returns 0 or -errno.
 */
int loop_signals_start(struct loop *loop, const int *signals, loop_signal_callback *caught,
                       void *state);

/* Restores the signal mask that the thread had before. A signal that is pending then has its usual
 * effect. Does nothing without loop_signals_start. */
void loop_signals_stop(struct loop *loop);

/* Blocks the signals before the loop exists, so that the loop later catches those that arrive
 * meanwhile. */
void loop_signals_block(const int *signals);

/* Whether one of the signals has arrived and was not yet caught: for long operations in the loop's
 * thread. */
bool loop_signals_are_pending(const int *signals);

/* Called before loop_signals_start and loop_signals_block: makes a signal be caught even if it was
 * ignored at the start, for a program in which it means something other than the end of a session.
 * The signal stays blocked until then. */
void loop_signals_unignore(int signal);

/* From then on, in the whole process, a write to a pipe or socket whose reader is gone fails with
 * EPIPE, and does not end the process: a daemon continues when the reader of its log has ended. */
void loop_ignore_broken_pipes(void);

/* From then on, in the whole process, a write beyond RLIMIT_FSIZE fails with EFBIG, and does not
 * end the process. The limit holds for files in memory, too. */
void loop_ignore_file_size_limit(void);

/* From then on, in the whole process, SIGHUP is ignored: a terminal that disconnects does not end
 * the process. */
void loop_ignore_hangups(void);

#endif
