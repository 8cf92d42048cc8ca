/* net/unix and net/socket/tcp_socket in memory. */
#include "net/socket/passed_socket.h"
#include "net/socket/tcp_socket.h"
#include "net/unix/notify_socket.h"
#include "net/unix/socket_file.h"
#include "net/unix/unix_listener.h"
#include "net/unix/unix_peer.h"
#include "sim/core/broken.h"
#include "sim/net/connection.h"
#include "sim/net/host.h"
#include "sim/os/files.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <string.h>

/* ---- the service manager: there is none (os/process/manager_environment) ---- */

int passed_socket_read(struct passed_socket *passed, int descriptor)
{
    *passed = (struct passed_socket){.descriptor = descriptor, .fault = PASSED_SOCKET_NOT_OPEN};
    return 0;
}

int notify_socket_open(const char *address)
{
    (void)address;
    return -ECONNREFUSED;
}

int notify_socket_send(int socket, const char *text)
{
    (void)socket;
    (void)text;
    return -ECONNREFUSED;
}

bool notify_socket_await_room(int socket, uint64_t until_ms)
{
    (void)socket;
    (void)until_ms;
    return false;
}

void notify_socket_close(int socket)
{
    (void)socket;
}

/* ---- TCP ---- */

int tcp_listen(const struct addr *addr, struct addr *bound)
{
    int error = faults_refuse_open();
    if (error != 0)
        return error;
    if (addr_is_link_local(addr) && host_name(addr->scope) == NULL)
        return -ENODEV;
    if (!addr_is_wildcard(addr) && !host_has(addr) && !broken_is("missing"))
        return -EADDRNOTAVAIL;
    if (acceptor_at(addr) != NULL)
        return -EADDRINUSE;
    *bound = *addr;
    return descriptor_open(&acceptor_new(addr)->object);
}

int tcp_listen_freebind(const struct addr *addr, struct addr *bound)
{
    int error = faults_refuse_open();
    if (error != 0)
        return error;
    if (addr_is_link_local(addr) && host_name(addr->scope) == NULL)
        return -ENODEV;
    const struct addr none = {.family = ADDR_NONE};
    *bound = *addr;
    return descriptor_open(&acceptor_new(broken_is("stream") ? &none : addr)->object);
}

int tcp_accept(int listener, struct addr *peer)
{
    return acceptor_accept((struct acceptor *)descriptor_object(listener, OBJECT_LISTENER), peer);
}

/* ---- Unix sockets ---- */

int unix_listener_open_at_once(const char *path, mode_t mode, const struct identity *owner)
{
    const struct addr none = {.family = ADDR_NONE};
    struct simulated_file *file = simulated_file_find(path);
    int error = faults_refuse_open();
    if (error != 0)
        return error;
    if (file != NULL && file->text != NULL)
        return -EEXIST;
    if (file != NULL && file->listener != NULL)
        return -EADDRINUSE;
    struct acceptor *listener = acceptor_new(&none);
    int fd = descriptor_open(&listener->object);
    if (fd < 0)
        return fd;
    if (file != NULL)
        simulated_file_remove(path);
    file = simulated_file_add_socket(path, &listener->object);
    file->mode = mode;
    file->owner = *owner;
    if (broken_is("socket-group"))
        file->owner.gid = (gid_t)-1;
    return fd;
}

int unix_listener_open(const char *path, mode_t mode, const struct identity *owner)
{
    return unix_listener_open_at_once(path, mode, owner);
}

void unix_listener_remove_stale(const char *path)
{
    struct simulated_file *file = simulated_file_find(path);
    if (broken_is("file"))
        return;
    if (file != NULL && file->text == NULL && file->listener == NULL)
        simulated_file_remove(path);
}

void unix_listener_close_and_remove(int listener, const char *path)
{
    descriptor_close(listener);
    unix_listener_remove_stale(path);
}

void unix_listener_close(int listener)
{
    descriptor_close(listener);
}

int unix_listener_accept(int listener)
{
    struct addr peer;
    return acceptor_accept((struct acceptor *)descriptor_object(listener, OBJECT_LISTENER), &peer);
}

void unix_listener_reject(int fd, const void *reason, size_t size)
{
    connection_server_write(connection_of(fd), reason, size);
    connection_of(fd)->to_server.begin = connection_of(fd)->to_server.end;
    descriptor_close(fd);
}

int unix_peer_authorize(int fd, mode_t mode, const struct identity *owner, struct unix_peer *peer)
{
    (void)fd;
    (void)mode;
    (void)owner;
    *peer = (struct unix_peer){.pid = 1234, .uid = 0, .gid = 0};
    return 0;
}

/* ---- files ---- */

int socket_file_read(const char *path, struct socket_file *file)
{
    const struct simulated_file *found = simulated_file_find(path);
    if (found == NULL)
        return -ENOENT;
    if (found->text != NULL)
        return -EEXIST;
    *file = (struct socket_file){.device = 1, .inode = found->inode};
    return 0;
}

bool socket_file_same(const struct socket_file *a, const struct socket_file *b)
{
    return a->device == b->device && a->inode == b->inode;
}

bool socket_file_is_at(const char *path, const struct socket_file *file)
{
    struct socket_file found;
    return socket_file_read(path, &found) == 0 && socket_file_same(&found, file);
}
