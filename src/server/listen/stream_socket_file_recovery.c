#include "server/listen/stream_socket_file_recovery.h"

#include "os/log/log.h"
#include "server/startup_error.h"

#include <errno.h>

static void log_created(const struct listener *listener)
{
    log_event(LOG_LEVEL_WARNING, "the file of a listener was created again", "address",
              listener->text, "reason", "it was removed or moved", "advice",
              "keep cleaners of temporary files away from it, or choose another place "
              "(server.listen, -l)",
              NULL);
}

static const char *advice(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "another program listens there; stop that program";
    case -EEXIST:
        return "a file is in the way, there or at its .lock; remove it";
    case -ENOENT:
        return "the directory does not exist; create it again";
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return "give server.user the directory that it is in, or restart udpsrv";
    default:
        return startup_error_advice(error, "udpsrv tries again each second");
    }
}

static void check_file(struct stream_socket_file_recovery *recovery, size_t stream,
                       struct socket_renewal *first_renewal, bool *added)
{
    struct stream_sockets *streams = &recovery->sockets->first_worker.streams;
    size_t i = streams->list[stream].listener;
    struct listener *listener = &recovery->sockets->listeners.list[i];
    bool exists = stream_sockets_file_exists(streams, stream);
    int socket = exists ? 0 : stream_sockets_create_file(streams, stream);
    listener->missing = socket < 0;
    if (socket == -EALREADY) /* another process holds the lock for a moment */
        return;
    if (socket < 0) {
        listeners_log_failed(listener->text, socket, advice(socket), &listener->logged_error);
        return;
    }
    listener->logged_error = 0;
    if (exists)
        return;
    socket_renewal_add(first_renewal, i, socket, NULL);
    *added = true;
    log_created(listener);
}

void stream_socket_file_recovery_check(struct stream_socket_file_recovery *recovery,
                                       struct socket_renewal *first_renewal, bool *added)
{
    const struct stream_sockets *streams = &recovery->sockets->first_worker.streams;
    for (size_t i = 0; i < streams->count; i++)
        if (streams->paths[i] != NULL)
            check_file(recovery, i, first_renewal, added);
}

static bool watch_file(struct stream_socket_file_recovery *recovery, size_t stream)
{
    const struct stream_sockets *streams = &recovery->sockets->first_worker.streams;
    const struct socket_file *file = &streams->files[stream];
    struct watched_file *watched = &recovery->files[stream];
    if (watched->watch.handler.loop != NULL && socket_file_same(&watched->file, file))
        return true;
    file_watch_close(&watched->watch);
    watched->file = *file;
    return file_watch_open(recovery->loop, &watched->watch, streams->paths[stream],
                           recovery->on_change, recovery->state) == 0 &&
           stream_sockets_file_exists(streams, stream);
}

bool stream_socket_file_recovery_watch(struct stream_socket_file_recovery *recovery)
{
    const struct stream_sockets *streams = &recovery->sockets->first_worker.streams;
    bool all_watched = true;
    for (size_t i = 0; i < streams->count; i++)
        if (streams->paths[i] != NULL && !watch_file(recovery, i))
            all_watched = false;
    return all_watched;
}

void stream_socket_file_recovery_close(struct stream_socket_file_recovery *recovery)
{
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        file_watch_close(&recovery->files[i].watch);
}
