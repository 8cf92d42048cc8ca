#ifndef SERVER_CONTROL_CONTROL_ANSWER_H
#define SERVER_CONTROL_CONTROL_ANSWER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Writes the answer to a command: "ok" or an error, then lines of a key and a value. A command may
 * answer while it runs or later; control_end, control_refuse or control_abort of
 * server/control/control_sessions ends the answer. */

struct control_session;

/* The first line is one of these two. */
void control_ok(struct control_session *session);
void control_error(struct control_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Then lines of a key, which is one word, and a value, which may be empty. A line longer than
 * CONTROL_LINE_BYTES_MAX is truncated; a newline in the value becomes a blank. The caller escapes
 * other bytes that come from the network. */
void control_line(struct control_session *session, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with a list of arguments. */
void control_line_va(struct control_session *session, const char *key, const char *format,
                     va_list arguments) __attribute__((format(printf, 3, 0)));

/* Writes one line with its newline, of any length, which the caller has escaped. */
void control_bytes(struct control_session *session, const char *line, size_t size);

/* Returns how many bytes of output wait for the peer. */
size_t control_unsent_bytes(const struct control_session *session);

/* Sends what was written so far. For commands that take long to end; the answers of others are sent
 * at their end. */
void control_send(struct control_session *session);

/* Writes the last line of an answer and sends it. For server/control/control_sessions. */
void control_answer_end(struct control_session *session);

/* Whether the peer has closed the connection, so that the rest of a long answer is useless. The
 * command must nevertheless end the answer. */
bool control_peer_has_closed(const struct control_session *session);

/* For answers that are written in slices. Returns true if output waits for the peer: resume is
 * called once when it has drained or the peer has closed the connection. Returns false if the
 * caller can continue at once. */
bool control_write_later(struct control_session *session, void (*resume)(void *state), void *state);

/* For an answer that lasts. resume is called once: when output that waits for the peer has drained,
 * or when the peer closes the connection. */
void control_call_later(struct control_session *session, void (*resume)(void *state), void *state);

#endif
