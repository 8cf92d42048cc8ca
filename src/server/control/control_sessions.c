/* The operator's sessions: who is connected, whose line is read next, and what gives way when all
 * places are taken. */
#include "server/control/control_sessions.h"

#include "net/message/line_stream.h"
#include "net/socket/unix_socket.h"
#include "os/log/log.h"
#include "os/process/clock.h"
#include "server/control/command_parser.h"
#include "text/printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACCEPT_RETRY_NS = 1000000000, /* when descriptors ran out and no session could give way */
    SHOWN_BYTES = 64,             /* of a command's first argument, in the log */
};

struct control_session {
    struct control *control;
    struct line_stream *stream;
    struct unix_socket_peer peer;
    void (*resume)(void *state); /* of the command that waits for the output to drain */
    void *resume_state;
    uint64_t last_used; /* the control's count of uses, then */
    bool running;       /* a command that has not ended */
    bool answered;      /* it has had its first line */
    bool broken;        /* nothing more can be written; the stream will say that it is closed */
    bool gone;          /* it has lost its stream and its place; only its command still knows it */
    size_t used;
    char buffer[CONTROL_LINE_BYTES_MAX]; /* so that a listing isn't a system call a line */
};

struct control {
    struct loop *loop;
    /* Two, since a new listener is added before the old one goes. */
    struct loop_handler handlers[2], *handler;
    struct loop_timer retry;
    struct control_options options;
    char *path;
    struct unix_socket_file file; /* the socket's */
    int listener;
    uint64_t uses;
    size_t count;
    /* One place more than may be taken, so that a newcomer is a session like the others when it is
     * decided which one gives way. */
    struct control_session *sessions[CONTROL_SESSIONS_MAX + 1];
};

/* ---- Answers ---- */

static void flush(struct control_session *session)
{
    if (!session->gone && !session->broken && session->used > 0)
        session->broken = !line_stream_write(session->stream, session->buffer, session->used);
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

__attribute__((format(printf, 3, 0))) static void put_line(struct control_session *session,
                                                           const char *word, const char *format,
                                                           va_list arguments)
{
    char line[CONTROL_LINE_BYTES_MAX];
    size_t head = (size_t)snprintf(line, sizeof line, "%s ", word);
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
    put_line(session, "error", format, arguments);
    va_end(arguments);
}

void control_line(struct control_session *session, const char *key, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_line(session, key, format, arguments);
    va_end(arguments);
}

void control_send(struct control_session *session)
{
    flush(session);
}

bool control_peer_has_left(const struct control_session *session)
{
    return session->gone || session->broken;
}

bool control_write_later(struct control_session *session, void (*resume)(void *state), void *state)
{
    flush(session);
    if (control_peer_has_left(session) || !line_stream_is_backed_up(session->stream))
        return false;
    session->resume = resume;
    session->resume_state = state;
    return true;
}

/* ---- A session's end ---- */

static void leave_place(struct control_session *session)
{
    struct control *control = session->control;
    size_t place = 0;
    while (control->sessions[place] != session)
        place++;
    control->sessions[place] = control->sessions[--control->count];
}

/* A peer that does not read what is written must not keep its descriptor. */
static void close_session(struct control_session *session)
{
    leave_place(session);
    if (session->broken || line_stream_is_backed_up(session->stream))
        line_stream_free(session->stream);
    else
        line_stream_finish(session->stream);
    free(session);
}

static void resume_command(struct control_session *session)
{
    void (*resume)(void *) = session->resume;
    session->resume = NULL;
    resume(session->resume_state);
}

/* Takes descriptor and place from a session whose command still runs; the command ends it, some
 * time. */
static void lose(struct control_session *session)
{
    leave_place(session);
    line_stream_free(session->stream);
    session->stream = NULL;
    session->gone = true;
    if (session->resume)
        resume_command(session);
}

static void dismiss(struct control_session *session, const char *why)
{
    control_error(session, "%s", why);
    put(session, ".\n", 2);
    flush(session);
    close_session(session);
}

void control_end(struct control_session *session)
{
    if (session->gone) {
        free(session);
        return;
    }
    put(session, ".\n", 2);
    flush(session);
    session->running = false;
    session->last_used = ++session->control->uses;
    if (session->broken)
        close_session(session);
    else if (!line_stream_is_backed_up(session->stream))
        line_stream_resume(
            session->stream); /* may read the next line at once: nothing comes behind */
}

void control_abort(struct control_session *session)
{
    if (session->gone) {
        free(session);
        return;
    }
    flush(session);
    close_session(session);
}

void control_refuse(struct control_session *session, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_line(session, "error", format, arguments);
    va_end(arguments);
    control_end(session);
}

/* ---- Commands ---- */

void control_help(void *state, struct control_session *session, char *arguments)
{
    (void)state;
    (void)arguments;
    const struct control_options *options = &session->control->options;
    control_ok(session);
    for (size_t i = 0; i < options->command_count; i++) {
        const struct control_command *command = &options->commands[i];
        control_line(session, "command", "%s%s%s — %s", command->name,
                     *command->arguments ? " " : "", command->arguments, command->help);
    }
    control_end(session);
}

static void log_line(const struct control_session *session, enum config_log_level level,
                     const char *name, const struct log_pair *said, size_t said_count)
{
    char uid[24], gid[24], pid[24];
    struct log_pair pairs[CONTROL_LOG_PAIRS_MAX + 4] = {{"name", name}};
    size_t count = 1;
    snprintf(uid, sizeof uid, "%lu", (unsigned long)session->peer.uid);
    snprintf(gid, sizeof gid, "%lu", (unsigned long)session->peer.gid);
    snprintf(pid, sizeof pid, "%ld", (long)session->peer.pid);
    for (size_t i = 0; i < said_count; i++)
        pairs[count++] = said[i];
    pairs[count++] = (struct log_pair){"uid", uid};
    pairs[count++] = (struct log_pair){"gid", gid};
    pairs[count++] = (struct log_pair){"pid", pid};
    log_pairs(level, "an operator's command", pairs, count);
}

void control_log(const struct control_session *session, const char *name,
                 const struct log_pair *pairs, size_t count)
{
    log_line(session, LOG_LEVEL_INFO, name, pairs, count);
}

/* Who has what done to whom: the first word behind the command. */
static void log_command(const struct control_session *session,
                        const struct control_command *command, const char *arguments)
{
    char on[SHOWN_BYTES];
    printable_ascii(on, sizeof on, arguments, strcspn(arguments, " \t"));
    if (command->log != COMMAND_LOGS_ITSELF)
        log_line(session, command->log == COMMAND_CHANGES ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
                 command->name, &(struct log_pair){"argument", on}, 1);
}

static void on_line(void *state, char *line, size_t size)
{
    struct control_session *session = state;
    session->running = true;
    session->answered = false;
    line_stream_pause(session->stream);
    char *arguments, wrong[COMMAND_PARSER_WRONG_BYTES];
    const struct control_options *options = &session->control->options;
    const struct control_command *command = command_parser_parse(
        options->commands, options->command_count, line, size, &arguments, wrong);
    if (command) {
        log_command(session, command, arguments);
        command->run(options->state, session, arguments);
    } else {
        control_refuse(session, "%s", wrong);
    }
}

static void on_drained(void *state)
{
    struct control_session *session = state;
    if (session->resume)
        resume_command(session);
    else if (!session->running)
        line_stream_resume(session->stream);
}

static void on_closed(void *state, int error)
{
    struct control_session *session = state;
    if (session->running) {
        lose(session);
    } else if (error == -EMSGSIZE) {
        dismiss(session, "cannot obey: a command line is too long; send less, in another session");
    } else if (error == -EPROTO) {
        dismiss(session,
                "cannot obey: the last line has no newline; send it whole, in another session");
    } else {
        session->broken = true;
        close_session(session);
    }
}

/* ---- Who may have a session ---- */

static bool is_idle(const struct control_session *session)
{
    return !session->running;
}

/* In the middle of a long answer that its peer doesn't read. */
static bool is_stuck(const struct control_session *session)
{
    return session->running && session->resume;
}

static struct control_session *longest(const struct control *control,
                                       bool (*is)(const struct control_session *))
{
    struct control_session *found = NULL;
    for (size_t i = 0; i < control->count; i++) {
        struct control_session *session = control->sessions[i];
        if (is(session) && (!found || session->last_used < found->last_used))
            found = session;
    }
    return found;
}

/* Frees a descriptor and a place: of the longest idle session, but rather of one whose peer doesn't
 * read than of the newcomer. False if all the others are at work. */
static bool make_room(const struct control *control, const struct control_session *newcomer,
                      const char *why)
{
    struct control_session *idle = longest(control, is_idle), *stuck = longest(control, is_stuck);
    if (stuck && (!idle || idle == newcomer))
        lose(stuck);
    else if (idle)
        dismiss(idle, why);
    return stuck || idle;
}

bool control_is_busy(const struct control_session *session)
{
    const struct control *control = session->control;
    size_t running = 0;
    for (size_t i = 0; i < control->count; i++)
        running += control->sessions[i]->running;
    return running > CONTROL_SESSIONS_MAX - CONTROL_SESSIONS_SPARE;
}

static void print_error(const char *what, int error)
{
    log_limited(LOG_KIND_CONTROL_REFUSED, clock_now_ms(), what, "reason", strerror(error), "advice",
                "raise the limit on open files (ulimit -n), or free some memory", NULL);
}

/* Whether a session is due to who connected; one who isn't let in is told so and leaves a line in
 * the log. */
static bool may_operate(struct control *control, int fd, struct unix_socket_peer *peer)
{
    static const char refusal[] =
        "error cannot serve you: you aren't let in; control.mode and control.group say who is\n.\n";
    int error = unix_socket_authorize(fd, control->options.mode, &control->file.owner, peer);
    if (error == 0)
        return true;
    char uid[24] = "-";
    if (error == -EACCES)
        snprintf(uid, sizeof uid, "%lu", (unsigned long)peer->uid);
    log_limited(LOG_KIND_CONTROL_DENIED, clock_now_ms(), "refused an operator's connection", "uid",
                uid, "reason", strerror(-error), "advice",
                "let him in by control.mode and control.group, or find out who he is", NULL);
    unix_socket_reject(fd, refusal, sizeof refusal - 1);
    return false;
}

static void admit(struct control *control, int fd)
{
    static const struct line_stream_callbacks callbacks = {on_line, on_drained, on_closed};
    struct unix_socket_peer peer;
    if (!may_operate(control, fd, &peer))
        return;
    struct control_session *session = calloc(1, sizeof *session);
    struct line_stream *stream =
        line_stream_new(control->loop, fd, CONTROL_COMMAND_BYTES_MAX, &callbacks, session);
    if (!session || !stream) {
        print_error("cannot serve an operator", ENOMEM);
        if (stream)
            line_stream_free(stream);
        free(session);
        return;
    }
    session->control = control;
    session->stream = stream;
    session->peer = peer;
    session->last_used = ++control->uses;
    control->sessions[control->count++] = session;
    if (control->count > CONTROL_SESSIONS_MAX)
        make_room(control, session, "cannot go on: all sessions are taken; connect again later");
}

static void on_connection(void *state, unsigned events)
{
    (void)events;
    struct control *control = state;
    int fd = unix_socket_accept(control->listener);
    if (fd >= 0) {
        admit(control, fd);
        return;
    }
    if (fd == -EAGAIN || fd == -EINTR || fd == -ECONNABORTED)
        return;
    /* Out of descriptors or memory, and the newcomer still waits: without a pause the loop would
     * spin until something gives way. */
    print_error("cannot accept an operator's connection", -fd);
    if (!make_room(control, NULL,
                   "cannot go on: the server is out of descriptors; connect again later")) {
        loop_change(control->handler, 0);
        loop_timer_once(&control->retry, ACCEPT_RETRY_NS);
    }
}

static void on_retry(void *state)
{
    struct control *control = state;
    loop_change(control->handler, LOOP_READ);
}

/* ---- Start and end ---- */

int control_open(struct control **opened, struct loop *loop, const struct control_options *options)
{
    struct control *control = calloc(1, sizeof *control);
    char *path = strdup(options->path);
    int error = -ENOMEM;
    if (!control || !path)
        goto out_memory;
    control->loop = loop;
    control->options = *options;
    control->path = path;
    error = loop_timer_open(loop, &control->retry, on_retry, control);
    if (error)
        goto out_memory;
    error = control->listener = unix_socket_listen(path, options->mode, &options->owner);
    if (error < 0)
        goto out_timer;
    error = unix_socket_file_read(path, &control->file);
    if (error)
        goto out_listener;
    control->handler = &control->handlers[0];
    error = loop_add(loop, control->handler, control->listener, LOOP_READ, on_connection, control);
    if (error)
        goto out_listener;
    *opened = control;
    return 0;

out_listener:
    unix_socket_unlisten(control->listener, path);
out_timer:
    loop_timer_close(&control->retry);
out_memory:
    free(path);
    free(control);
    return error;
}

int control_restore(struct control *control, bool *made)
{
    struct loop_handler *old = control->handler,
                        *new = &control->handlers[old == control->handlers];
    struct unix_socket_file file;
    *made = false;
    if (unix_socket_file_is(control->path, &control->file))
        return 0;
    int listener =
        unix_socket_listen_at_once(control->path, control->options.mode, &control->options.owner);
    if (listener < 0)
        return listener;
    int error = unix_socket_file_read(control->path, &file);
    if (error == 0)
        error = loop_add(control->loop, new, listener, LOOP_READ, on_connection, control);
    if (error != 0) {
        unix_socket_unlisten(listener, control->path);
        return error;
    }
    /* Who had connected before the file went still waits to be accepted. */
    for (int fd; (fd = unix_socket_accept(control->listener)) >= 0;)
        admit(control, fd);
    loop_remove(old);
    unix_socket_listener_close(control->listener);
    control->listener = listener;
    control->handler = new;
    control->file = file;
    *made = true;
    return 0;
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    loop_remove(control->handler);
    unix_socket_unlisten(control->listener, control->path);
    loop_timer_close(&control->retry);
    while (control->count > 0) {
        struct control_session *session = control->sessions[control->count - 1];
        if (session->resume)
            lose(session);
        else if (session->running && !session->answered)
            dismiss(session, "cannot go on: the server stops; connect again when it is back");
        else
            close_session(session);
    }
    free(control->path);
    free(control);
}
