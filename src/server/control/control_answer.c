#include "server/control/control_answer.h"

#include "server/control/control_state.h"

#include <stdio.h>
#include <string.h>

static void flush(struct control_session *session)
{
    if (!session->detached && !session->broken && session->used > 0)
        session->broken = !framed_stream_write(session->stream, session->buffer, session->used);
    session->used = 0;
}

static void put(struct control_session *session, const char *bytes, size_t size)
{
    if (size > sizeof session->buffer - session->used)
        flush(session);
    memcpy(session->buffer + session->used, bytes, size);
    session->used += size;
    session->answered = true;
}

void control_bytes(struct control_session *session, const char *line, size_t size)
{
    if (size <= sizeof session->buffer) {
        put(session, line, size);
        return;
    }
    flush(session);
    if (!session->detached && !session->broken)
        session->broken = !framed_stream_write(session->stream, line, size);
    session->answered = true;
}

size_t control_unsent_bytes(const struct control_session *session)
{
    return session->used + (session->detached ? 0 : framed_stream_unsent_bytes(session->stream));
}

void control_line_va(struct control_session *session, const char *key, const char *format,
                     va_list arguments)
{
    char line[CONTROL_LINE_BYTES_MAX];
    size_t head = (size_t)snprintf(line, sizeof line, "%s ", key);
    if (head >= sizeof line)
        head = sizeof line - 1;
    int tail = vsnprintf(line + head, sizeof line - head, format, arguments);
    size_t size = head + (tail < 0 ? 0 : (size_t)tail);
    if (size >= sizeof line)
        size = sizeof line - 1;
    for (char *newline = line; (newline = memchr(newline, '\n', size - (size_t)(newline - line)));)
        *newline = ' ';
    line[size] = '\n';
    put(session, line, size + 1);
}

void control_ok(struct control_session *session)
{
    put(session, "ok\n", 3);
}

void control_error(struct control_session *session, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    control_line_va(session, "error", format, arguments);
    va_end(arguments);
}

void control_line(struct control_session *session, const char *key, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    control_line_va(session, key, format, arguments);
    va_end(arguments);
}

void control_send(struct control_session *session)
{
    flush(session);
}

void control_answer_end(struct control_session *session)
{
    put(session, ".\n", 2);
    flush(session);
}

bool control_peer_has_closed(const struct control_session *session)
{
    return session->detached || session->broken;
}

bool control_write_later(struct control_session *session, void (*resume)(void *state), void *state)
{
    flush(session);
    if (control_peer_has_closed(session) || !framed_stream_is_backed_up(session->stream))
        return false;
    control_call_later(session, resume, state);
    return true;
}

void control_call_later(struct control_session *session, void (*resume)(void *state), void *state)
{
    session->resume = resume;
    session->resume_state = state;
}
