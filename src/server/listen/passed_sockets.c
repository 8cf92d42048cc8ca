#include "server/listen/passed_sockets.h"

#include "net/interface/interface.h"
#include "net/socket/socket_descriptor.h"
#include "os/log/log.h"
#include "server/startup_error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages ---- */

static const char *entry_text(const struct passed_entry *entry, char text[CONFIG_LISTEN_TEXT_BYTES])
{
    struct config_listen listen = {.transport = entry->socket.transport,
                                   .addr = entry->socket.addr};
    bool is_known = entry->socket.addr.family != ADDR_NONE || entry->socket.path[0] != '\0';
    memcpy(listen.path, entry->socket.path, sizeof listen.path);
    return is_known ? config_listen_text(&listen, text) : "unknown";
}

static int report(const struct passed_sockets *passed, size_t i, const char *reason,
                  const char *advice)
{
    char address[CONFIG_LISTEN_TEXT_BYTES], name[MANAGER_NAME_BYTES], descriptor[16];
    snprintf(descriptor, sizeof descriptor, "%d", passed->list[i].socket.descriptor);
    manager_environment_name(passed->environment, (uint32_t)i, name);
    log_event(LOG_LEVEL_ERROR, "cannot use a socket that the service manager passed", "descriptor",
              descriptor, "name", name[0] != '\0' ? name : "none", "address",
              entry_text(&passed->list[i], address), "reason", reason, "advice", advice, NULL);
    return -EINVAL;
}

static int report_fault(const struct passed_sockets *passed, size_t i)
{
    static const struct {
        const char *reason, *advice;
    } faults[] = {
        [PASSED_SOCKET_NOT_OPEN] = {"LISTEN_FDS counts it, and no such descriptor is open",
                                    "leave LISTEN_FDS and LISTEN_PID to the service manager"},
        [PASSED_SOCKET_NO_SOCKET] =
            {"it is no socket",
             "keep only ListenDatagram= and ListenStream= in the socket unit of udpsrv"},
        [PASSED_SOCKET_NOT_LISTENING] = {"it is a stream socket that does not listen",
                                         "set Accept=no in the socket unit"},
        [PASSED_SOCKET_NOT_BOUND] = {"it is bound to no port",
                                     "name the port in ListenDatagram= of the socket unit"},
        [PASSED_SOCKET_CONNECTED] = {"it is connected, and receives from one peer only",
                                     "pass a socket that is only bound"},
        [PASSED_SOCKET_OTHER_KIND] = {"it is neither a UDP socket nor a stream socket",
                                      "use ListenDatagram= with an address and a port, or "
                                      "ListenStream=, in the socket unit"},
        [PASSED_SOCKET_DUAL_STACK] =
            {"it receives IPv4, too, and a listener of udpsrv has one protocol",
             "set BindIPv6Only=ipv6-only in the socket unit; for IPv4 add a line with 0.0.0.0"},
    };
    enum passed_socket_fault fault = passed->list[i].socket.fault;
    return report(passed, i, faults[fault].reason, faults[fault].advice);
}

/* ---- reading ---- */

static int read_one(const struct passed_sockets *passed, size_t i)
{
    char what[32];
    int descriptor = passed->environment->first_descriptor + (int)i;
    int error = passed_socket_read(&passed->list[i].socket, descriptor);
    if (error == 0 && passed->list[i].socket.fault != PASSED_SOCKET_USABLE)
        return report_fault(passed, i);
    if (error == 0)
        return 0;
    snprintf(what, sizeof what, "descriptor %d", descriptor);
    return startup_error_report("cannot read a socket that the service manager passed", what, error,
                                startup_error_advice(error, "look at its socket unit"));
}

static int report_bad_count(void)
{
    log_event(LOG_LEVEL_ERROR, "cannot read which sockets the service manager passed", "reason",
              "LISTEN_FDS or LISTEN_PID is no number, or too large", "advice",
              "leave LISTEN_FDS and LISTEN_PID to the service manager", NULL);
    return -EINVAL;
}

int passed_sockets_open(struct passed_sockets *passed,
                        const struct manager_environment *environment)
{
    size_t count = environment->descriptor_count;
    int first_error = 0;
    *passed = (struct passed_sockets){.environment = environment};
    if (environment->bad_descriptors)
        return report_bad_count();
    if (count == 0)
        return 0;
    passed->list = calloc(count, sizeof passed->list[0]);
    if (passed->list == NULL)
        return startup_error_report("cannot read which sockets the service manager passed",
                                    "memory", -ENOMEM, "free some memory");
    /* If one is not open, the count is wrong, and says nothing about the next ones. */
    for (bool is_open = true; is_open && passed->count < count; passed->count++) {
        int error = read_one(passed, passed->count);
        is_open = passed->list[passed->count].socket.fault != PASSED_SOCKET_NOT_OPEN;
        if (first_error == 0)
            first_error = error;
    }
    return first_error;
}

/* ---- finding ---- */

static bool is_for(const struct passed_socket *socket, const struct config_listen *listen)
{
    struct addr wanted = listen->addr;
    if (socket->transport != listen->transport)
        return false;
    if (listen->transport == TRANSPORT_UNIX)
        return strcmp(socket->path, listen->path) == 0;
    if (listen->zone[0] != '\0')
        wanted.scope = interface_index(listen->zone);
    return !addr_is_multicast(&wanted) && addr_equal(&wanted, &socket->addr);
}

static size_t count_for(const struct passed_sockets *passed, const struct config_listen *listen)
{
    size_t found = 0;
    for (size_t i = 0; i < passed->count; i++)
        found += is_for(&passed->list[i].socket, listen);
    return found;
}

static bool is_at_path(const struct passed_socket *socket, const char *const *paths)
{
    for (; *paths != NULL; paths++)
        if (socket->transport == TRANSPORT_UNIX && strcmp(socket->path, *paths) == 0)
            return true;
    return false;
}

/* Returns the listener of a socket, or NULL. */
static const struct config_listen *listener_of(const struct passed_socket *socket,
                                               const struct config *config)
{
    for (size_t i = 0; i < config->server.listen_count; i++)
        if (is_for(socket, &config->server.listen[i]))
            return &config->server.listen[i];
    return NULL;
}

/* ---- checking ---- */

size_t passed_sockets_workers(const struct passed_sockets *passed, const struct config *config,
                              size_t wanted)
{
    size_t count = 0;
    for (size_t i = 0; i < config->server.listen_count && count == 0; i++)
        if (config->server.listen[i].transport == TRANSPORT_UDP)
            count = count_for(passed, &config->server.listen[i]);
    if (config->server.workers != CONFIG_WORKERS_AUTO || count == 0 || count > CONFIG_WORKERS_MAX)
        return wanted;
    if (count < wanted)
        log_event(LOG_LEVEL_WARNING, "fewer workers than server.workers = auto would start",
                  "reason", "each needs a socket of its own for each address that is passed",
                  "advice",
                  "repeat each ListenDatagram= in the socket unit, with ReusePort=yes, or set "
                  "server.workers = 1",
                  NULL);
    return count;
}

/* The second of two sockets of one stream listener, or at one path. */
static bool is_repeated(const struct passed_sockets *passed, size_t i)
{
    const struct passed_socket *socket = &passed->list[i].socket;
    for (size_t j = 0; j < i; j++) {
        const struct passed_socket *other = &passed->list[j].socket;
        if (other->transport == socket->transport && addr_equal(&other->addr, &socket->addr) &&
            strcmp(other->path, socket->path) == 0)
            return true;
    }
    return false;
}

/* A UDP socket of a listener: there is one for each worker, and they share the port. */
static int check_udp(const struct passed_sockets *passed, size_t i,
                     const struct config_listen *listen, size_t worker_count)
{
    char reason[128];
    size_t count = count_for(passed, listen);
    if (count != worker_count) {
        if (is_repeated(passed, i)) /* reported with the first one */
            return -EINVAL;
        snprintf(reason, sizeof reason,
                 "%zu of this address are passed, and the number of workers is %zu", count,
                 worker_count);
        return report(passed, i, reason,
                      "repeat its ListenDatagram= once for each worker, with ReusePort=yes, or set "
                      "server.workers to that number");
    }
    if (worker_count > 1 && !passed->list[i].socket.shares_port)
        return report(passed, i, "several workers need SO_REUSEPORT, which is not set",
                      "set ReusePort=yes in the socket unit, or server.workers = 1");
    return 0;
}

static int check_one(const struct passed_sockets *passed, size_t i, const struct config *config,
                     size_t worker_count, const char *const *paths)
{
    const struct passed_socket *socket = &passed->list[i].socket;
    const struct config_listen *listen = listener_of(socket, config);
    if (socket->transport == TRANSPORT_UDP && addr_is_multicast(&socket->addr))
        return report(passed, i, "udpsrv joins multicast groups by sockets of its own",
                      "remove it from the socket unit");
    if (listen == NULL && !is_at_path(socket, paths))
        return report(passed, i, "no listener and no control socket has this address",
                      "add it to server.listen, or set control.socket or control.observer-socket; "
                      "or remove it from the socket unit");
    if (socket->transport == TRANSPORT_UDP)
        return check_udp(passed, i, listen, worker_count);
    return is_repeated(passed, i) ? report(passed, i, "another one has the same address",
                                           "remove one of the two from the socket unit")
                                  : 0;
}

int passed_sockets_check(const struct passed_sockets *passed, const struct config *config,
                         size_t worker_count, const char *const *paths)
{
    int first_error = 0;
    for (size_t i = 0; i < passed->count; i++) {
        int error = check_one(passed, i, config, worker_count, paths);
        if (first_error == 0)
            first_error = error;
    }
    return first_error;
}

/* ---- taking over ---- */

size_t passed_sockets_take(struct passed_sockets *passed, const struct config_listen *listen,
                           int *sockets, size_t max)
{
    size_t taken = 0;
    for (size_t i = 0; i < passed->count && taken < max; i++) {
        struct passed_entry *entry = &passed->list[i];
        if (entry->taken || !is_for(&entry->socket, listen))
            continue;
        entry->taken = true;
        sockets[taken++] = entry->socket.descriptor;
    }
    return taken;
}

int passed_sockets_take_path(struct passed_sockets *passed, const char *path)
{
    struct config_listen at = {.transport = TRANSPORT_UNIX};
    int socket;
    if (strlen(path) >= sizeof at.path)
        return 0;
    strcpy(at.path, path);
    return passed_sockets_take(passed, &at, &socket, 1) == 1 ? socket : 0;
}

void passed_sockets_close(struct passed_sockets *passed)
{
    for (size_t i = 0; i < passed->count; i++)
        if (!passed->list[i].taken && passed->list[i].socket.fault != PASSED_SOCKET_NOT_OPEN)
            socket_close(passed->list[i].socket.descriptor);
    free(passed->list);
    *passed = (struct passed_sockets){.count = 0};
}
