#include "server/control/control_socket_file.h"

#include "os/file/file.h"
#include "os/log/log.h"
#include "os/process/clock.h"
#include "server/run_as_user.h"
#include "server/startup_error.h"

#include <errno.h>
#include <string.h>

enum {
    CHECK_MS_MAX = 1000, /* if clients.sweep is longer, since operators wait for the socket */
};

static bool is_off(const char *configured)
{
    return configured != NULL && strcmp(configured, CONFIG_CONTROL_OFF) == 0;
}

int control_socket_find_path(const struct control_role *role, const struct config *config,
                             char path[CONTROL_PATH_BYTES])
{
    const char *configured = control_role_settings(role, config).path;
    path[0] = '\0';
    if (configured == NULL)
        return control_path_default(path, CONTROL_PATH_BYTES);
    if (strlen(configured) >= CONTROL_PATH_BYTES)
        return -ENAMETOOLONG;
    if (!is_off(configured))
        strcpy(path, configured);
    return 0;
}

static const char *advice(const struct control_role *role, int error)
{
    switch (error) {
    case -EADDRINUSE:
        return role->in_use;
    case -EALREADY:
        return "another udpsrv is starting there, or another process holds its .lock file";
    case -EPERM:
        return role->not_owned;
    case -EROFS:
    case -EACCES:
        return role->not_writable;
    default:
        return role->bad_place;
    }
}

/* ---- recreating a removed socket ---- */

static void check_later(void *state)
{
    struct control_socket *socket = state;
    uint32_t wait_ms = socket->sweep_ms < CHECK_MS_MAX ? socket->sweep_ms : CHECK_MS_MAX;
    loop_timer_once(&socket->check_timer, (uint64_t)wait_ms * 1000000);
}

/* The check is delayed, so that it does not interfere with a process that removes the directory and
 * all files in it. */
static void watch(struct control_socket *socket)
{
    file_watch_close(&socket->watch);
    int error = file_watch_open(socket->loop, &socket->watch, socket->path, check_later, socket);
    /* Without a watch (the permission may be missing) the file is checked regularly. */
    if (error != 0)
        check_later(socket);
}

static void check(void *state)
{
    struct control_socket *socket = state;
    const struct control_role *role = socket->role;
    bool made = false;
    int error = control_path_make_directory(socket->path, &socket->owner);
    if (error == 0)
        error = control_restore(socket->control, &made);
    if (error != 0) {
        log_limited(role->kind_lost, clock_now_ms(), role->lost, "socket", socket->path, "reason",
                    strerror(-error), "advice", advice(role, error), NULL);
        check_later(socket);
        return;
    }
    if (made)
        log_limited(role->kind_restored, clock_now_ms(), role->restored, "socket", socket->path,
                    "reason", "its file was removed", "advice", role->restored_advice, NULL);
    socket->restored += made;
    if (made || socket->watch.handler.loop == NULL)
        watch(socket);
}

void control_socket_check(struct control_socket *socket)
{
    if (socket->control != NULL && !socket->passed)
        check(socket);
}

void control_socket_set_sweep(struct control_socket *socket, uint32_t sweep_ms)
{
    socket->sweep_ms = sweep_ms;
}

/* ---- start and stop ---- */

/* Takes the socket that exists for the path, or else makes its directory. Returns 0 or -errno;
 * after an error none is taken. */
static int prepare(struct control_socket *socket, const struct existing_sockets *existing,
                   struct control_options *control)
{
    int error = loop_timer_open(socket->loop, &socket->check_timer, check, socket);
    if (error != 0)
        return error;
    struct inherited_listener *entry =
        inherited_sockets_find(existing->inherited, INHERITED_CONTROL, socket->path);
    int taken = entry != NULL ? entry->sockets[0]
                : existing->passed != NULL
                    ? passed_sockets_take_path(existing->passed, socket->path)
                    : 0;
    socket->passed = entry != NULL ? entry->passed : taken != 0;
    if (entry != NULL) {
        entry->sockets[0] = -1;
        control->inherited_file = entry->file;
    }
    if (socket->passed)
        control->passed = taken;
    else
        control->inherited = taken;
    return taken != 0 ? 0 : control_path_make_directory(socket->path, &socket->owner);
}

static int open_control(struct control_socket *socket, uint32_t mode, gid_t group,
                        const struct control_socket_options *options)
{
    struct control_options control = {
        .path = socket->path,
        .mode = mode,
        .owner = {socket->owner.uid, group != (gid_t)-1 ? group : socket->owner.gid},
        .role = socket->role,
        .commands = options->commands,
        .command_count = options->command_count,
        .state = options->state,
        .control_path = options->control_path,
    };
    int error = control_socket_find_path(options->role, options->config, socket->path);
    if (error == 0)
        error = prepare(socket, options->existing, &control);
    if (error == 0)
        error = control_open(&socket->control, socket->loop, &control);
    return error == 0
               ? 0
               : startup_error_report(socket->role->open_failed, socket->path, error,
                                      startup_error_advice(error, advice(socket->role, error)));
}

int control_socket_open(struct control_socket *socket, struct loop *loop,
                        const struct control_socket_options *options)
{
    const struct config *config = options->config;
    const struct control_settings settings = control_role_settings(options->role, config);
    gid_t group;
    *socket = (struct control_socket){.role = options->role,
                                      .loop = loop,
                                      .owner = *options->identity,
                                      .sweep_ms = config->clients.sweep_ms};
    int error = user_find_control_group(&group, options->role, config);
    if (error != 0 || is_off(settings.path))
        return error;
    error = open_control(socket, settings.mode, group, options);
    if (error == 0 && !socket->passed)
        watch(socket);
    return error;
}

void control_socket_warn(const struct control_socket *socket)
{
    bool owns_file = socket->control != NULL && !socket->passed;
    int error = owns_file ? file_check_removable(socket->path) : 0;
    if (error != 0)
        log_event(LOG_LEVEL_WARNING, socket->role->not_removable, "socket", socket->path, "reason",
                  strerror(-error), "advice", "make server.user the owner of its directory", NULL);
}

void control_socket_hand_over(const struct control_socket *socket, struct handover_writer *writer)
{
    control_hand_over(socket->control, writer);
}

const char *control_socket_name(const struct control_socket *socket)
{
    return socket->control != NULL ? socket->path : CONFIG_CONTROL_OFF;
}

void control_socket_close(struct control_socket *socket)
{
    file_watch_close(&socket->watch);
    loop_timer_close(&socket->check_timer);
    control_close(socket->control);
    socket->control = NULL;
}

void control_socket_leave(struct control_socket *socket, uint64_t until_ms)
{
    if (socket->control != NULL)
        control_leave(socket->control, until_ms);
}
