#ifndef OS_LOG_LOG_H
#define OS_LOG_LOG_H

#include "config/config.h"

#include <stddef.h>
#include <stdint.h>

/* The log of the process, one line for each event. Its state is global, so that every function can
 * log.
 *
 * No call waits for a reader of the log: lines are queued, and one thread writes them in order,
 * each with the time of its event (os/log/log_writer). If the queue is full, the oldest lines are
 * lost; these, and lines that can't be written, are counted, and a line with dropped=N reports them
 * as soon as one can be written. If there is no log daemon, its lines are written to standard
 * error. Do not call it from a signal handler. */

/* Sets the level, the format and the target. Without it: text at level info to standard error. name
 * is the name of the program, which must stay valid. */
void log_setup(const char *name, enum config_log_level level, enum config_log_format format,
               enum config_log_target target);

/* Starts the thread that writes. Call it after privileges were dropped, so that this thread does
 * not keep them. Lines that were logged before are queued until then. Returns 0 or -errno. */
int log_start(void);

/* The last call, from the thread that called log_start. Writes the queued lines, for at most
 * LOG_STOP_MS_MAX; those that a blocked reader has not taken by then are lost. Also for a process
 * that has not called log_start, because its start failed. */
void log_close(void);

/* Logs one event: a sentence, then pairs of key and value, ended by NULL:
 *     log_event(LOG_LEVEL_INFO, "listening", "address", text, NULL);
 * Values may contain any byte and are escaped for the format. In JSON, a value that is a decimal
 * number of at most 2^53 is written as a number, any other as a string. */
void log_event(enum config_log_level level, const char *sentence, ...) __attribute__((sentinel));

/* The same with the pairs in an array, from which nothing is kept. */
struct log_pair {
    const char *key, *value;
};
void log_pairs(enum config_log_level level, const char *sentence, const struct log_pair *pairs,
               size_t count);

/* From then on the last line of level error is kept, whatever the level of the log is, for a
 * process that has to report to another one why its start has failed. log_last_error copies it, in
 * the form of a text line; a general text if there was none. Returns text. */
enum { LOG_LAST_ERROR_BYTES = 1500 };
void log_keep_last_error(void);
const char *log_last_error(char text[LOG_LAST_ERROR_BYTES]);

/* Rate-limited warnings, for conditions that could repeat without end. Each kind is logged at most
 * once per LOG_REPEAT_MS, with suppressed=N, the number of calls since its last line that logged
 * nothing. If one call stands for several events, the caller adds their number to the line. Calls
 * while warnings are not logged (level error) are not counted. */
enum log_kind {
    LOG_KIND_REGISTRY_FULL,
    LOG_KIND_PREFIX_FULL,
    LOG_KIND_RATE_LIMITED,
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
    LOG_KIND_CONTROL_SOCKET_LOST,
    LOG_KIND_CONTROL_SOCKET_RESTORED,
    LOG_KIND_OBSERVERS_REFUSED,
    LOG_KIND_OBSERVERS_DENIED,
    LOG_KIND_OBSERVERS_SOCKET_LOST,
    LOG_KIND_OBSERVERS_SOCKET_RESTORED,
    LOG_KIND_OBSERVER_COMMAND_REFUSED,
    LOG_KIND_METRICS_REFUSED,
    LOG_KIND_OFFLOAD_COUNTERS,
    LOG_KIND_OFFLOAD_COPIES,
    LOG_KIND_OFFLOAD_INTERFACES,
    LOG_KINDS,
};
enum { LOG_REPEAT_MS = 30000 };

/* Logs as log_event does, at level warning, unless the kind was logged less than LOG_REPEAT_MS
 * before now_ms. */
void log_limited(enum log_kind kind, uint64_t now_ms, const char *sentence, ...)
    __attribute__((sentinel));

#endif
