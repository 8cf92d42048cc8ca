#include "server/workers/file_limit.h"

#include "os/process/host.h"
#include "server/send/send_socket_set.h"

#include <stdbool.h>

enum {
    WORKER_FILES = 6, /* epoll, the mailbox, the timers of sweep, broadcast, sending, the memory of
                         the registry */
    LISTENER_FILES = 1 + SEND_SOCKET_SET_FILES_MAX, /* in one worker */
    /* Of the observers' socket: its sessions (CONTROL_SESSIONS_MAX of
     * server/control/control_state), itself, its timers, the watch of its file, and a connection
     * that is being accepted. */
    OBSERVER_FILES = 72,
    /* Of the metrics: HTTP_CONNECTIONS_MAX of server/metrics/http_connections, the listening
     * socket, two timers, a connection that is being accepted, a file that is being read. */
    METRICS_FILES = 40,
    /* Of the offload: its tables (OFFLOAD_TABLES of net/offload/offload_program), its program, and
     * a link for each interface (CONFIG_INTERFACES_MAX). */
    OFFLOAD_FILES = 28,
    SERVER_FILES = 128, /* the operators' connections, files that are read, the log */
};

static size_t count_listeners(const struct config *config, enum transport transport)
{
    size_t count = 0;
    for (size_t i = 0; i < config->server.listen_count; i++)
        count += config->server.listen[i].transport == transport;
    return count;
}

uint32_t file_limit_raise(size_t count, const struct config *config)
{
    size_t unix_sockets = count_listeners(config, TRANSPORT_UNIX); /* each file has a watch, too */
    size_t observers = config_has_observers(config) ? OBSERVER_FILES : 0;
    size_t metrics = config_has_metrics(config) ? METRICS_FILES : 0;
    size_t offload = config->offload.mode != CONFIG_OFFLOAD_OFF ? OFFLOAD_FILES : 0;
    size_t others = SERVER_FILES + observers + metrics + offload + unix_sockets +
                    count * (WORKER_FILES + LISTENER_FILES * config->server.listen_count);
    bool has_streams = unix_sockets > 0 || count_listeners(config, TRANSPORT_TCP) > 0;
    size_t streams = has_streams ? config->server.stream_max : 0;
    size_t allowed = host_raise_file_limit(others + streams);
    if (streams == 0 || allowed >= others + streams)
        return config->server.stream_max;
    size_t left = allowed > others ? allowed - others : 0;
    size_t quarter = allowed > unix_sockets ? (allowed - unix_sockets) / 4 : 0;
    return (uint32_t)(left > quarter ? left : quarter);
}
