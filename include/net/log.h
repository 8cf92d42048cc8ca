#ifndef NET_LOG_H
#define NET_LOG_H

#include "core/config.h"

#include <stddef.h>
#include <stdint.h>

/* The process's log, one line an event, each written at once so that threads don't mix them. The
 * only state of the whole program that is global: what goes wrong must be sayable from anywhere.
 * Nobody waits for the reader of stderr: lines that he doesn't take are dropped, and the next one
 * that he takes says how many, as dropped=N. */

/* Before the first call: text at level info to stderr. name is the program's, static. */
void log_setup(const char *name, enum config_log_level level, enum config_log_format format,
               enum config_log_target target);

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
void log_complaint(enum log_kind kind, uint64_t now_ms, const char *sentence, ...)
    __attribute__((sentinel));

#endif
