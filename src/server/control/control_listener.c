#include "server/control/control_listener.h"

#include "net/unix/socket_file.h"
#include "net/unix/unix_listener.h"
#include "net/unix/unix_peer.h"
#include "os/log/log.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "server/control/control_authorization.h"
#include "server/control/session_eviction.h"
#include "server/listen/inherited_sockets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACCEPT_RETRY_NS = 1000000000 /* when no descriptor is free and no session can be closed */ };

/* ---- accepting ---- */

static void log_shortage(const struct control *control, const char *attempt, int error)
{
    log_limited(control->options.role->kind_shortage, clock_now_ms(), attempt, "reason",
                strerror(error), "advice",
                "raise the limit on open files (ulimit -n), or free some memory", NULL);
}

static void accept_session(struct control *control, int fd)
{
    struct unix_peer peer;
    if (!control_authorize(control, fd, &peer))
        return;
    struct control_session *session = control_session_open(control, fd, &peer);
    if (!session)
        log_shortage(control, control->options.role->no_session, ENOMEM);
    else if (control->count > CONTROL_SESSIONS_MAX)
        session_eviction_close_idle(control, session,
                                    "cannot keep the session: all sessions are in use; connect "
                                    "again later");
}

/* Closes a session so that another one can be accepted. An operator's connection closes any session
 * of observers before one of operators. Returns false if none can be closed. */
static bool make_room(const struct control *control)
{
    static const char why[] = "cannot keep the session: the server is out of descriptors; connect "
                              "again later";
    return (control->observers && session_eviction_close_any(control->observers, why)) ||
           session_eviction_close_idle(control, NULL, why);
}

static void on_connection(void *state, unsigned events)
{
    (void)events;
    struct control *control = state;
    int fd = unix_listener_accept(control->listener);
    if (fd >= 0) {
        accept_session(control, fd);
        return;
    }
    if (fd == -EAGAIN || fd == -EINTR || fd == -ECONNABORTED)
        return;
    /* No descriptor or no memory, and the connection still waits: without a pause the loop would
     * spin until something is freed. */
    log_shortage(control, control->options.role->no_connection, -fd);
    if (!make_room(control)) {
        loop_change(control->handler, 0);
        loop_timer_once(&control->retry, ACCEPT_RETRY_NS);
    }
}

static void on_retry(void *state)
{
    struct control *control = state;
    loop_change(control->handler, LOOP_READ);
}

/* ---- start and stop ---- */

static int open_listener(struct control *control)
{
    const struct control_options *options = &control->options;
    if (options->passed != 0) {
        control->listener = options->passed;
        /* Its file may be gone. Who may connect is as if this server had made one. */
        control->file.owner = identity_effective(&options->owner);
        return 0;
    }
    if (options->inherited != 0) {
        control->listener = options->inherited;
        control->file = options->inherited_file;
        return 0;
    }
    control->listener = unix_listener_open(control->path, options->mode, &options->owner);
    if (control->listener < 0)
        return control->listener;
    int error = socket_file_read(control->path, &control->file);
    if (error != 0)
        unix_listener_close_and_remove(control->listener, control->path);
    return error;
}

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
    error = open_listener(control);
    if (error)
        goto out_timer;
    control->handler = &control->handlers[0];
    error = loop_add(loop, control->handler, control->listener, LOOP_READ, on_connection, control);
    if (error)
        goto out_listener;
    *opened = control;
    return 0;

out_listener:
    if (options->passed == 0 && options->inherited == 0)
        unix_listener_close_and_remove(control->listener, path);
out_timer:
    loop_timer_close(&control->retry);
out_memory:
    if (options->passed != 0)
        unix_listener_close(options->passed);
    if (options->inherited != 0)
        unix_listener_close(options->inherited);
    free(path);
    free(control);
    return error;
}

void control_set_observers(struct control *control, struct control *observers)
{
    control->observers = observers;
}

int control_restore(struct control *control, bool *made)
{
    struct loop_handler *old = control->handler,
                        *new = &control->handlers[old == control->handlers];
    struct socket_file file;
    *made = false;
    if (control->options.passed != 0 || socket_file_is_at(control->path, &control->file))
        return 0;
    int listener =
        unix_listener_open_at_once(control->path, control->options.mode, &control->options.owner);
    if (listener < 0)
        return listener;
    int error = socket_file_read(control->path, &file);
    if (error == 0)
        error = loop_add(control->loop, new, listener, LOOP_READ, on_connection, control);
    if (error != 0) {
        unix_listener_close_and_remove(listener, control->path);
        return error;
    }
    /* Clients that connected before the file was removed still wait to be accepted. */
    for (int fd; (fd = unix_listener_accept(control->listener)) >= 0;)
        accept_session(control, fd);
    loop_remove(old);
    unix_listener_close(control->listener);
    control->listener = listener;
    control->handler = new;
    control->file = file;
    *made = true;
    return 0;
}

void control_leave(struct control *control, uint64_t until_ms)
{
    for (size_t i = 0; i < control->count; i++) {
        struct control_session *session = control->sessions[i];
        if (session->running && !session->answered)
            control_error(session,
                          "cannot keep the session: the server is upgraded; connect again");
        control_send(session);
        framed_stream_flush(session->stream, until_ms);
    }
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    loop_remove(control->handler);
    if (control->options.passed != 0)
        unix_listener_close(control->listener);
    else
        unix_listener_close_and_remove(control->listener, control->path);
    loop_timer_close(&control->retry);
    while (control->count > 0) {
        struct control_session *session = control->sessions[control->count - 1];
        if (session->resume)
            control_session_detach(session);
        else if (session->running && !session->answered)
            control_session_close_with_error(session, "cannot keep the session: the server is "
                                                      "stopping; connect again when it is running");
        else
            control_session_close(session);
    }
    free(control->path);
    free(control);
}

void control_hand_over(const struct control *control, struct handover_writer *writer)
{
    int socket = control->listener;
    struct inherited_listener entry = {
        .kind = INHERITED_CONTROL,
        .passed = control->options.passed != 0,
        .file = control->file,
        .socket_count = 1,
        .sockets = &socket,
    };
    snprintf(entry.text, sizeof entry.text, "%s", control->path);
    inherited_sockets_put(writer, &entry);
}
