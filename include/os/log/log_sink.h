#ifndef OS_LOG_LOG_SINK_H
#define OS_LOG_LOG_SINK_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes a line of the log to standard error, or to the socket of the local log daemon. syslog(3)
 * is not used: if the daemon is blocked it waits without a limit, under a lock, and without a
 * daemon it loses the line. A line that the socket does not accept is written to standard error. */

enum {
    LOG_LINE_BYTES = 4096, /* a line is written whole or not at all, also to a pipe: PIPE_BUF */
    LOG_TEXT_BYTES = LOG_LINE_BYTES - 48, /* without the time, the level and the newline */
};

/* One line. The sink adds the time, and in LOG_FORMAT_TEXT the level. */
struct log_line {
    enum config_log_level level;
    enum config_log_format format;
    enum config_log_target target;
    uint64_t wall_ms; /* the time of the event */
    size_t size;      /* at most LOG_TEXT_BYTES */
    const char *text;
};

/* Returns the name of a level, such as "error". */
const char *log_level_name(enum config_log_level level);

/* Used by one thread at a time. */
struct log_sink {
    const char *name; /* of the program */
    const char *path; /* of the daemon's socket */
    /* If the daemon is blocked, a line waits for it until this descriptor is readable, and then for
     * LOG_SINK_GRACE_MS more; after that every line is written to standard error. -1: nothing
     * waits, and a line that would have to wait is not written. */
    int wake;
    bool stderr_only; /* the daemon stayed blocked */
    int socket;       /* -1: not connected */
    bool stream;
};

enum { LOG_SINK_GRACE_MS = 100 };

/* The usual path of the daemon's socket. */
#define LOG_SINK_PATH "/dev/log"

/* It connects to the daemon with the first line for it. */
void log_sink_init(struct log_sink *sink, const char *name, const char *path, int wake);
void log_sink_close(struct log_sink *sink);

/* Writes a line. Blocks until that is done, except as described at `wake`. Returns 0, or -errno if
 * neither accepted it. */
int log_sink_write(struct log_sink *sink, const struct log_line *line);

#endif
