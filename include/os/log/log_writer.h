#ifndef OS_LOG_LOG_WRITER_H
#define OS_LOG_LOG_WRITER_H

#include "os/log/log_sink.h"

/* The queue of the log, and the thread that writes it: the only thread that waits for a reader of
 * the log. The queue is static memory of LOG_QUEUE_BYTES; if it is full, the oldest lines are lost
 * and counted. A thread that logs could not write by itself: even after poll(2) a write can block
 * on a terminal that accepts less than a line, and O_NONBLOCK would apply to every process that
 * shares the descriptor. */

enum {
    LOG_QUEUE_BYTES = 256 << 10, /* about 2,000 lines of 128 bytes */
    LOG_STOP_MS_MAX = 300,       /* log_writer_stop waits at most that long */
};

/* Composes the line that reports lost lines, all but wall_ms. Its text is written to text. Called
 * by the writing thread. */
typedef void log_writer_note(struct log_line *line, char text[LOG_TEXT_BYTES], uint64_t lost);

/* Queues a copy of the line, from any thread; never waits for a reader. A line that is queued
 * before log_writer_start is written after it, or by log_writer_stop. */
void log_writer_put(const struct log_line *line);

/* Starts the writing thread, with the privileges that the caller has at that time; name as in
 * struct log_sink, must stay valid. Returns 0 or -errno. */
int log_writer_start(const char *name, log_writer_note *note);

/* Writes the queued lines, for at most LOG_STOP_MS_MAX, and ends the writing thread. A thread that
 * still waits for its reader is not joined, and nothing more is written. If no thread was started,
 * starts one for that; if that fails, writes what can be written without waiting. */
void log_writer_stop(const char *name, log_writer_note *note);

#endif
