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

static int find_path(struct control_socket *socket, const struct config *config)
{
    const char *configured = config->control.socket;
    if (configured == NULL)
        return control_path_default(socket->path, sizeof socket->path);
    if (strlen(configured) >= sizeof socket->path)
        return -ENAMETOOLONG;
    strcpy(socket->path, configured);
    return 0;
}

static const char *advice(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "another udpsrv uses it, or a unix: listener of this one; choose another path (-s)";
    case -EALREADY:
        return "another udpsrv is starting there, or another process holds its .lock file";
    case -EPERM:
        return "its directory must belong to the server's user, and no other user may write there "
               "(in "
               "/tmp: nor read); only root or a member can give the socket to control.group";
    case -EROFS:
    case -EACCES:
        return "choose a writable place (control.socket, -s), or turn the operator's socket off "
               "(control.socket = off)";
    default:
        return "choose another place (control.socket, -s), or turn it off (control.socket = off)";
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
    bool made = false;
    int error = control_path_make_directory(socket->path, &socket->owner);
    if (error == 0)
        error = control_restore(socket->control, &made);
    if (error != 0) {
        log_limited(LOG_KIND_CONTROL_SOCKET_LOST, clock_now_ms(),
                    "the operator's socket was removed and cannot be created again yet", "socket",
                    socket->path, "reason", strerror(-error), "advice", advice(error), NULL);
        check_later(socket);
        return;
    }
    if (made)
        log_limited(LOG_KIND_CONTROL_SOCKET_RESTORED, clock_now_ms(),
                    "the operator's socket was removed and is created again", "socket",
                    socket->path, "reason", "its file was removed", "advice",
                    "keep cleaners of temporary files away from it, or choose another place "
                    "(control.socket, -s)",
                    NULL);
    if (made || socket->watch.handler.loop == NULL)
        watch(socket);
}

void control_socket_check(struct control_socket *socket)
{
    if (socket->control != NULL)
        check(socket);
}

void control_socket_set_sweep(struct control_socket *socket, uint32_t sweep_ms)
{
    socket->sweep_ms = sweep_ms;
}

/* ---- start and stop ---- */

static int open_control(struct control_socket *socket, const struct config *config, gid_t group,
                        const struct control_socket_commands *commands)
{
    const struct control_options options = {
        .path = socket->path,
        .mode = config->control.mode,
        .owner = {socket->owner.uid, group != (gid_t)-1 ? group : socket->owner.gid},
        .commands = commands->table,
        .command_count = commands->count,
        .state = commands->state,
    };
    int error = find_path(socket, config);
    if (error == 0)
        error = control_path_make_directory(socket->path, &socket->owner);
    if (error == 0)
        error = loop_timer_open(socket->loop, &socket->check_timer, check, socket);
    if (error == 0)
        error = control_open(&socket->control, socket->loop, &options);
    return error == 0 ? 0
                      : startup_error_report("cannot open the operator's socket", socket->path,
                                             error, startup_error_advice(error, advice(error)));
}

int control_socket_open(struct control_socket *socket, struct loop *loop,
                        const struct config *config, const struct identity *identity,
                        const struct control_socket_commands *commands)
{
    gid_t group;
    *socket = (struct control_socket){
        .loop = loop, .owner = *identity, .sweep_ms = config->clients.sweep_ms};
    int error = user_find_control_group(&group, config);
    if (error != 0 || config_control_is_off(config))
        return error;
    error = open_control(socket, config, group, commands);
    if (error == 0)
        watch(socket);
    return error;
}

void control_socket_warn(const struct control_socket *socket)
{
    int error = socket->control != NULL ? file_check_removable(socket->path) : 0;
    if (error != 0)
        log_event(LOG_LEVEL_WARNING,
                  "the operator's socket cannot be removed when the server stops", "socket",
                  socket->path, "reason", strerror(-error), "advice",
                  "make server.user the owner of its directory", NULL);
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
