#include "server/control/control_sessions.h"

#include "server/control/command_log.h"

#include "text/printable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the end of a session ---- */

static void leave_place(struct control_session *session)
{
    struct control *control = session->control;
    size_t place = 0;
    while (control->sessions[place] != session)
        place++;
    control->sessions[place] = control->sessions[--control->count];
}

/* Frees the stream at once if output is waiting: a peer that does not read must not keep the
 * descriptor open. */
void control_session_close(struct control_session *session)
{
    leave_place(session);
    if (session->broken || framed_stream_is_backed_up(session->stream))
        framed_stream_free(session->stream);
    else
        framed_stream_finish(session->stream);
    free(session);
}

static void resume_command(struct control_session *session)
{
    void (*resume)(void *) = session->resume;
    session->resume = NULL;
    resume(session->resume_state);
}

void control_session_detach(struct control_session *session)
{
    leave_place(session);
    framed_stream_free(session->stream);
    session->stream = NULL;
    session->detached = true;
    if (session->resume)
        resume_command(session);
}

void control_session_close_with_error(struct control_session *session, const char *why)
{
    control_error(session, "%s", why);
    control_answer_end(session);
    control_session_close(session);
}

/* ---- the end of a command ---- */

void control_end(struct control_session *session)
{
    if (session->detached) {
        free(session);
        return;
    }
    control_answer_end(session);
    session->lines = (struct control_lines){.line = NULL};
    session->running = false;
    session->last_used = ++session->control->uses;
    if (session->broken || session->input_ended)
        control_session_close(session);
    else if (!framed_stream_is_backed_up(session->stream))
        /* This may run the next command at once, so it is the last statement. */
        framed_stream_resume(session->stream);
}

void control_abort(struct control_session *session)
{
    if (session->detached) {
        free(session);
        return;
    }
    control_send(session);
    control_session_close(session);
}

void control_refuse(struct control_session *session, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    control_line_va(session, "error", format, arguments);
    va_end(arguments);
    control_end(session);
}

/* ---- running commands ---- */

void control_stop_lines(struct control_session *session)
{
    control_pause_lines(session);
    session->lines = (struct control_lines){.line = NULL};
}

void control_read_lines(struct control_session *session, const struct control_lines *lines)
{
    session->lines = *lines;
    control_resume_lines(session);
}

void control_pause_lines(struct control_session *session)
{
    if (!session->detached)
        framed_stream_pause(session->stream);
}

void control_resume_lines(struct control_session *session)
{
    if (!session->detached)
        framed_stream_resume(session->stream);
}

bool control_is_observer(const struct control_session *session)
{
    return session->control->options.role->access == COMMAND_FOR_OBSERVERS;
}

void control_command_help(void *state, struct control_session *session, char *arguments)
{
    (void)state;
    (void)arguments;
    const struct control_options *options = &session->control->options;
    control_ok(session);
    for (size_t i = 0; i < options->command_count; i++) {
        const struct control_command *command = &options->commands[i];
        if (!command_parser_permits(options->role->access, command))
            continue;
        control_line(session, "command", "%s%s%s — %s", command->name,
                     *command->arguments ? " " : "", command->arguments, command->help);
    }
    control_end(session);
}

static void refuse_observer(struct control_session *session, const struct control_command *command)
{
    const char *path = session->control->options.control_path;
    char shown[128];
    command_log_write_refused(session, command);
    printable_ascii(shown, sizeof shown, path, strlen(path));
    if (strcmp(path, CONFIG_CONTROL_OFF) == 0)
        control_refuse(session,
                       "cannot execute '%s': this socket is for observers, and there is no other; "
                       "restart udpsrv with a control.socket",
                       command->name);
    else
        control_refuse(session,
                       "cannot execute '%s': this socket is for observers; use the control socket "
                       "%s",
                       command->name, shown);
}

static void on_line(void *state, char *line, size_t size)
{
    struct control_session *session = state;
    if (session->lines.line != NULL) {
        session->lines.line(session->lines.state, line, size);
        return;
    }
    session->running = true;
    session->answered = false;
    framed_stream_pause(session->stream);
    char *arguments, wrong[COMMAND_PARSER_WRONG_BYTES];
    const struct control_options *options = &session->control->options;
    const struct command_set set = {options->commands, options->command_count,
                                    options->role->access};
    const struct control_command *command =
        command_parser_parse(&set, line, size, &arguments, wrong);
    if (!command) {
        control_refuse(session, "%s", wrong);
    } else if (!command_parser_permits(set.access, command)) {
        refuse_observer(session, command);
    } else {
        command_log_write(session, command, arguments);
        command->run(options->state, session, arguments);
    }
}

static void on_drained(void *state)
{
    struct control_session *session = state;
    if (session->resume)
        resume_command(session);
    else if (!session->running)
        framed_stream_resume(session->stream);
}

static void on_closed(void *state, int error)
{
    struct control_session *session = state;
    bool is_end = error == 0 || error == -EMSGSIZE || error == -EPROTO;
    if (session->lines.line != NULL && is_end) {
        session->input_ended = true;
        session->lines.ended(session->lines.state, error);
    } else if (session->running) {
        control_session_detach(session);
    } else if (error == -EMSGSIZE) {
        control_session_close_with_error(session, "cannot execute: the command line is too long; "
                                                  "send a shorter one in another session");
    } else if (error == -EPROTO) {
        control_session_close_with_error(session, "cannot execute: the last line has no newline; "
                                                  "send the whole line in another session");
    } else {
        session->broken = true;
        control_session_close(session);
    }
}

struct control_session *control_session_open(struct control *control, int fd,
                                             const struct unix_peer *peer)
{
    static const struct framed_stream_callbacks callbacks = {on_line, on_drained, on_closed};
    struct control_session *session = calloc(1, sizeof *session);
    struct framed_stream *stream =
        framed_stream_new(control->loop, fd, CONTROL_COMMAND_BYTES_MAX, &callbacks, session);
    if (!session || !stream) {
        if (stream)
            framed_stream_free(stream);
        free(session);
        return NULL;
    }
    session->control = control;
    session->stream = stream;
    session->peer = *peer;
    session->last_used = ++control->uses;
    control->sessions[control->count++] = session;
    return session;
}
