#ifndef OS_LOG_LOG_SINK_H
#define OS_LOG_LOG_SINK_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a line of the log goes: standard error, or the socket of the local log daemon. syslog(3) is
 * not used: it waits without a limit while the daemon stands still, under a lock, and says nothing
 * at all where there is no daemon. A line that the socket does not take goes to standard error. */

enum {
    LOG_LINE_BYTES = 4096, /* a line is written whole or not at all, to a pipe too: PIPE_BUF */
    LOG_TEXT_BYTES = LOG_LINE_BYTES - 48, /* of it, all but the time, the level and the newline */
};

/* One line. The text holds no time, and in LOG_FORMAT_TEXT no level: the sink adds them. */
struct log_line {
    enum config_log_level level;
    enum config_log_format format;
    enum config_log_target target;
    uint64_t wall_ms; /* when it happened */
    size_t size;      /* at most LOG_TEXT_BYTES */
    const char *text;
};

/* "error" and so on. */
const char *log_level_name(enum config_log_level level);

/* Used by one thread at a time. */
struct log_sink {
    const char *name; /* of the program */
    const char *path; /* of the daemon's socket */
    /* While the daemon stands still, a line waits for it until this descriptor is readable, and
     * then for LOG_SINK_GRACE_MS more; after that every line goes to standard error. -1: nothing
     * waits: a line that would is not written. */
    int wake;
    bool given_up;
    int socket; /* -1: not connected */
    bool stream;
};

enum { LOG_SINK_GRACE_MS = 100 };

/* The socket's usual place. */
#define LOG_SINK_PATH "/dev/log"

/* It connects at the first line that is for the socket. */
void log_sink_init(struct log_sink *sink, const char *name, const char *path, int wake);
void log_sink_close(struct log_sink *sink);

/* Writes a line, however long that takes. 0, or -errno where neither took it. */
int log_sink_write(struct log_sink *sink, const struct log_line *line);

#endif
