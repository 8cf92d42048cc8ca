#include "server/listen/stream_sockets.h"

#include "net/socket/socket_descriptor.h"
#include "net/socket/tcp_socket.h"
#include "net/unix/unix_listener.h"
#include "server/startup_error.h"

#include <errno.h>

enum {
    FILE_MODE = 0666, /* any user who can reach the path may be a client, as on a loopback port */
};

const char *stream_sockets_advice(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "another program uses it; stop that program or listen elsewhere (server.listen, -l)";
    case -EACCES:
    case -EPERM:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE, a Unix socket needs a "
               "directory that udpsrv may write; choose another one (server.listen, -l)";
    case -EADDRNOTAVAIL:
        return "no interface of this host has the address; `ip address` lists what is there "
               "(tentative: the "
               "kernel still looks for a duplicate), and server.missing-address = wait waits for "
               "it";
    case -EEXIST:
        return "a file is in the way, there or at its .lock; remove it or choose another path";
    case -ENOENT:
        return "the directory does not exist; create it or choose another path";
    case -ENODEV:
        return "no interface has that name; `ip link` lists those that are there, and "
               "server.missing-address = wait waits for it";
    default:
        return startup_error_advice(error, "see server.listen in udpsrv.conf(5)");
    }
}

/* Writes the address that is bound, with the index of its interface. */
static void set_text(struct listener *listener)
{
    struct config_listen bound = *listener->config;
    bound.addr = listener->bound;
    bound.zone[0] = '\0';
    config_listen_text(&bound, listener->text);
}

static int open_tcp(struct listener *listener, bool waits)
{
    struct addr wanted = listener->bound = listener->config->addr;
    int error = listeners_find_interface(listener);
    listener->missing = error != 0;
    if (error != 0 && (!waits || wanted.port == 0))
        return error;
    if (error != 0) {
        listeners_warn_of_waiting(listener, error);
        return socket_open_placeholder();
    }
    wanted.scope = listener->interface;
    int socket = tcp_listen(&wanted, &listener->bound);
    if (socket == -EADDRNOTAVAIL && waits) {
        socket = tcp_listen_freebind(&wanted, &listener->bound);
        listener->missing = socket >= 0;
        if (socket >= 0)
            listeners_warn_of_waiting(listener, -EADDRNOTAVAIL);
    }
    if (socket >= 0)
        set_text(listener);
    return socket;
}

/* Uses a TCP socket that was passed. Returns the descriptor or -errno. */
static int adopt_tcp(struct listener *listener, int socket, bool waits)
{
    listeners_find_interface(listener); /* it exists: a socket is bound to it */
    listener->bound = listener->config->addr;
    listener->bound.scope = listener->interface;
    int error = listeners_find_address(listener, waits);
    if (error != 0) {
        socket_close(socket);
        return error;
    }
    if (listener->missing)
        listeners_warn_of_waiting(listener, -EADDRNOTAVAIL);
    set_text(listener);
    return socket;
}

/* Takes the socket of the process before, with the file that it knows. Returns false if there is
 * none, or it is bound to an interface that has been replaced. */
static bool take(struct stream_sockets *streams, const struct listeners *listeners,
                 struct listener *listener, struct inherited_sockets *inherited)
{
    char text[CONFIG_LISTEN_TEXT_BYTES];
    struct inherited_listener *entry = inherited_sockets_find(
        inherited, INHERITED_STREAM, config_listen_text(listener->config, text));
    if (entry == NULL)
        return false;
    bool is_unix = listener->transport == TRANSPORT_UNIX;
    int error = is_unix ? 0 : listeners_find_interface(listener);
    if (error != 0 || entry->bound.scope != listener->interface)
        return false;
    listener->bound = entry->bound;
    listener->passed = entry->passed;
    listener->missing = entry->missing;
    listener->inherited = 1;
    if (!is_unix)
        set_text(listener);
    size_t i = streams->count++;
    streams->paths[i] = is_unix && !entry->passed ? listener->config->path : NULL;
    streams->files[i] = entry->file;
    streams->list[i] = (struct stream_listener){
        .socket = entry->sockets[0],
        .transport = listener->transport,
        .listener = (uint8_t)listeners->count,
    };
    entry->sockets[0] = -1;
    return true;
}

int stream_sockets_open(struct stream_sockets *streams, const struct listeners *listeners,
                        struct listener *listener, const struct config *config,
                        const struct existing_sockets *existing)
{
    const struct config_listen *listen = listener->config;
    bool is_unix = listen->transport == TRANSPORT_UNIX;
    bool waits = config->server.missing_address == MISSING_WAIT;
    int socket;
    if (take(streams, listeners, listener, existing->inherited))
        return 0;
    listener->passed =
        existing->passed != NULL && passed_sockets_take(existing->passed, listen, &socket, 1) == 1;
    if (listener->passed)
        socket = is_unix ? socket : adopt_tcp(listener, socket, waits);
    else
        socket = is_unix ? unix_listener_open(listen->path, FILE_MODE, &streams->owner)
                         : open_tcp(listener, waits);
    if (socket < 0)
        return socket;
    size_t i = streams->count++;
    streams->paths[i] = is_unix && !listener->passed ? listen->path : NULL;
    if (streams->paths[i] != NULL) /* a file that was removed in between is created again, like one
                    that is removed later */
        socket_file_read(listen->path, &streams->files[i]);
    streams->list[i] = (struct stream_listener){
        .socket = socket,
        .transport = listen->transport,
        .listener = (uint8_t)listeners->count,
    };
    return 0;
}

bool stream_sockets_file_exists(const struct stream_sockets *streams, size_t stream)
{
    return socket_file_is_at(streams->paths[stream], &streams->files[stream]);
}

int stream_sockets_create_file(struct stream_sockets *streams, size_t stream)
{
    const char *path = streams->paths[stream];
    int socket = unix_listener_open_at_once(path, FILE_MODE, &streams->owner);
    if (socket < 0)
        return socket;
    int error = socket_file_read(path, &streams->files[stream]);
    if (error == 0)
        return socket;
    unix_listener_close_and_remove(socket, path);
    return error;
}

void stream_sockets_remove_files(struct stream_sockets *streams)
{
    for (size_t i = 0; i < streams->count; i++)
        if (streams->paths[i] != NULL)
            unix_listener_close_and_remove(streams->list[i].socket, streams->paths[i]);
}

void stream_sockets_close(struct stream_sockets *streams)
{
    stream_sockets_remove_files(streams);
    for (size_t i = 0; i < streams->count; i++)
        if (streams->paths[i] == NULL)
            socket_close(streams->list[i].socket);
    streams->count = 0;
}

size_t stream_sockets_hand_over(const struct stream_sockets *streams,
                                const struct listeners *listeners, struct handover_writer *writer)
{
    size_t count = 0;
    for (size_t i = 0; i < streams->count; i++) {
        const struct listener *listener = &listeners->list[streams->list[i].listener];
        int socket = streams->list[i].socket;
        if (listener->transport != TRANSPORT_UNIX && socket_is_placeholder(socket))
            continue;
        struct inherited_listener entry = {
            .kind = INHERITED_STREAM,
            .bound = listener->bound,
            .passed = listener->passed,
            .missing = listener->missing,
            .interface = listener->interface,
            .file = streams->files[i],
            .socket_count = 1,
            .sockets = &socket,
        };
        config_listen_text(listener->config, entry.text);
        if (writer != NULL)
            inherited_sockets_put(writer, &entry);
        count++;
    }
    return count;
}
