#ifndef OS_LOG_LOG_WRITER_H
#define OS_LOG_LOG_WRITER_H

#include "os/log/log_sink.h"

/* The queue of the log, and the thread that writes it: the only one that may wait for a reader of
 * the log. The queue is static memory of LOG_QUEUE_BYTES; where a line finds no room, the oldest
 * ones are lost, and counted. Weighed against: a write of the caller's own after poll(2) does
 * wait, on a terminal that has room for less than a line; O_NONBLOCK would hold for every process
 * that shares the descriptor. */

enum {
    LOG_QUEUE_BYTES = 256 << 10, /* some 2,000 lines */
    LOG_STOP_MS_MAX = 300,       /* the end waits so long at most for what is queued */
};

/* Makes the line that says that so many are lost: all of it but wall_ms. The text is written to
 * text. Called by the writer. */
typedef void log_writer_note(struct log_line *line, char text[LOG_TEXT_BYTES], uint64_t lost);

/* Queues a copy of the line, from any thread. Never waits for a reader. Before the start of the
 * writer, too: it is then written after the start, or by the stop. */
void log_writer_put(const struct log_line *line);

/* Starts the writer, with the rights that its caller has at that time; name as in struct log_sink,
 * static. 0 or -errno. */
int log_writer_start(const char *name, log_writer_note *note);

/* Writes what is queued, for at most LOG_STOP_MS_MAX, and ends the writer; one that still waits for
 * its reader is left behind, and nothing is written any more. Without a start it starts one for
 * that, and where that is impossible, writes what needs no waiting. */
void log_writer_stop(const char *name, log_writer_note *note);

#endif
