#ifndef OS_LOG_LOG_H
#define OS_LOG_LOG_H

#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

/* The process's log, one line an event. The only state of the whole program that is global: what
 * goes wrong must be sayable from anywhere.
 *
 * No call waits for a reader of the log: lines are queued, and one thread writes them in their
 * order, each with the time of its event (os/log/log_writer). Where the queue is full the oldest
 * lines are lost; these, and those that are refused where they go, are counted, and reported by a
 * line of their own as soon as one can be written: dropped=N. A line for the log daemon that has no
 * daemon to go to goes to standard error. Not for a signal's handler. */

/* Before the first call: text at level info to stderr. name is the program's, static. */
void log_setup(const char *name, enum config_log_level level, enum config_log_format format,
               enum config_log_target target);

/* Starts the thread that writes, after the giving up of privileges, which it is to have no more
 * than others. What was said before is queued until then. 0 or -errno. */
int log_start(void);

/* The last call, from the thread that has called log_start: writes what is queued, for a bounded
 * time (LOG_STOP_MS_MAX), after which a reader that stands still has lost it. Where log_start was
 * never called, too, as after a start that failed. */
void log_close(void);

/* One event: a sentence, then key and value pairs, closed by NULL:
 *     log_event(LOG_LEVEL_INFO, "listening", "address", text, NULL);
 * Values may hold any byte; they are escaped for the format in use. In JSON a value that is a plain
 * decimal number of at most 2^53 is a number, any other is a string. */
void log_event(enum config_log_level level, const char *sentence, ...) __attribute__((sentinel));

/* The same with its pairs in an array. */
struct log_pair {
    const char *key, *value;
};
void log_pairs(enum config_log_level level, const char *sentence, const struct log_pair *pairs,
               size_t count);

/* Complaints that could repeat without end. Each kind is said at most once per LOG_REPEAT_MS, and
 * then with suppressed=N, the number of calls since it was last said that said nothing; how many
 * events a call stands for is its caller's to tell. What is below the level in force isn't
 * counted. */
enum log_kind {
    LOG_KIND_REGISTRY_FULL,
    LOG_KIND_PREFIX_FULL,
    LOG_KIND_LIMITED,
    LOG_KIND_KERNEL_DROPS,
    LOG_KIND_REPLY_FAILED,
    LOG_KIND_COPY_FAILED,
    LOG_KIND_RECEIVE_FAILED,
    LOG_KIND_CONTROL_REFUSED,
    LOG_KIND_RELAY_LIMITED,
    LOG_KIND_RELAY_DROPPED,
    LOG_KIND_STREAM_SLOW,
    LOG_KIND_STREAM_REFUSED,
    LOG_KIND_CONTROL_DENIED,
    LOG_KIND_CONTROL_LOST,
    LOG_KIND_CONTROL_RESTORED,
    LOG_KINDS,
};
enum { LOG_REPEAT_MS = 30000 };

/* As log_event, at level warning, unless the kind was said less than LOG_REPEAT_MS before now_ms.
 */
void log_limited(enum log_kind kind, uint64_t now_ms, const char *sentence, ...)
    __attribute__((sentinel));

#endif
