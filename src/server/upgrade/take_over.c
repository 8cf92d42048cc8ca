#include "server/upgrade/take_over.h"

#include "os/file/state_file_writer.h"
#include "os/log/log.h"
#include "server/upgrade/broadcast_handover.h"
#include "server/upgrade/client_takeover.h"
#include "server/upgrade/hand_over.h"
#include "server/upgrade/socket_takeover.h"
#include "server/workers/handover/worker_handover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A record that this process can read: what reads it, and what it is, for messages. */
struct row {
    enum handover_type type;
    int (*take)(struct server *server, struct handover_reader *reader);
    const char *what;
};

static int take_server(struct server *server, struct handover_reader *reader)
{
    uint32_t version = handover_get32(reader);
    if (version != HANDOVER_VERSION)
        return -EPROTONOSUPPORT;
    server->commands.queries.started_ms = handover_get64(reader);
    server->started_wall_ms = handover_get64(reader);
    return 0;
}

static int take_sockets(struct server *server, struct handover_reader *reader)
{
    return inherited_sockets_take_over(&server->inherited, reader);
}

/* Of operators, observers or metrics. */
static int take_one_socket(struct server *server, struct handover_reader *reader)
{
    return inherited_sockets_take_over_one(&server->inherited, reader);
}

static int take_state_lock(struct server *server, struct handover_reader *reader)
{
    const char *path = handover_get_text(reader);
    int lock = handover_get_descriptor(reader);
    if (path == NULL || lock < 0)
        return -EPROTO;
    const char *own = server->config->state.file;
    if (own != NULL && strcmp(own, path) == 0)
        server->state_lock = lock;
    else
        state_file_writer_close_lock(lock);
    return 0;
}

static int take_manager(struct server *server, struct handover_reader *reader)
{
    int socket = handover_get_descriptor(reader);
    if (socket < 0)
        return -EPROTO;
    service_manager_take_over(&server->manager, socket);
    return 0;
}

static int take_offload(struct server *server, struct handover_reader *reader)
{
    return kernel_offload_take_over(&server->offload, reader);
}

static uint8_t find_listener(const struct listeners *listeners, const char *name)
{
    char own[CONFIG_LISTEN_TEXT_BYTES];
    for (size_t i = 0; i < listeners->count; i++)
        if (strcmp(listeners_format_name(&listeners->list[i], own), name) == 0)
            return (uint8_t)i;
    return NO_LISTENER;
}

static int take_listeners(struct server *server, struct handover_reader *reader)
{
    uint8_t *numbers = server->successor.listeners;
    size_t count = handover_get8(reader);
    if (count > CONFIG_LISTEN_MAX)
        return -EPROTO;
    memset(numbers, NO_LISTENER, CONFIG_LISTEN_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *name = handover_get_text(reader);
        if (name == NULL)
            return -EPROTO;
        numbers[i] = find_listener(&server->sockets.listeners, name);
    }
    return 0;
}

/* Of a worker that this process does not have, another one sends the replies. */
static int take_replies(struct server *server, struct handover_reader *reader)
{
    size_t worker = handover_get32(reader) % server->workers.count;
    return worker_take_over_replies(server->workers.list[worker], reader,
                                    server->successor.listeners);
}

static int take_streams(struct server *server, struct handover_reader *reader)
{
    return worker_take_over_streams(server->workers.list[0], reader, server->successor.listeners);
}

static int take_broadcasts(struct server *server, struct handover_reader *reader)
{
    return broadcasts_take_over(server->jobs, &server->workers, reader);
}

static int take_publishes(struct server *server, struct handover_reader *reader)
{
    int error = publish_queue_take_over(server->publishes, reader);
    return error != 0 ? error : publish_gaps_take_over(&server->gaps, reader);
}

static int report(const char *what, int error)
{
    log_event(LOG_LEVEL_ERROR, "cannot take over from the running server", "on", what, "reason",
              error == -EPROTO ? "it hands over something else than this version can read"
              : error == -EPROTONOSUPPORT ? "it hands over in a form of another version"
                                          : strerror(-error),
              "advice", "restart udpsrv in place of an upgrade", NULL);
    return error;
}

/* Reads all records of a package. Unknown ones are those of another version. */
static int read_all(struct server *server, struct handover_reader *reader, const struct row *rows,
                    size_t count)
{
    uint8_t type;
    while ((type = handover_next(reader)) != 0 && type != HANDOVER_END) {
        size_t i = 0;
        while (i < count && rows[i].type != type)
            i++;
        if (i == count)
            return report("a record", -EPROTO);
        int error = rows[i].take(server, reader);
        if (error == 0 && !handover_is_at_end(reader))
            error = -EPROTO;
        if (error != 0)
            return report(rows[i].what, error);
    }
    return type == HANDOVER_END ? 0 : report("the end of a package", -EPROTO);
}

int take_over_first(struct server *server, struct handover_reader *reader)
{
    static const struct row rows[] = {
        {HANDOVER_SERVER, take_server, "the server"},
        {HANDOVER_SOCKETS, take_sockets, "the sockets"},
        {HANDOVER_CONTROL, take_one_socket, "the control sockets"},
        {HANDOVER_METRICS, take_one_socket, "the socket of the metrics"},
        {HANDOVER_STATE_LOCK, take_state_lock, "the lock of the state file"},
        {HANDOVER_MANAGER, take_manager, "the socket to the service manager"},
        {HANDOVER_MEMORY, client_takeover_get_memory, "the memory of the clients"},
        {HANDOVER_OFFLOAD, take_offload, "the offload"},
    };
    return read_all(server, reader, rows, sizeof rows / sizeof rows[0]);
}

int take_over_second(struct server *server, struct handover_reader *reader)
{
    static const struct row rows[] = {
        {HANDOVER_LISTENERS, take_listeners, "the listeners"},
        {HANDOVER_CLIENTS, client_takeover_get, "the clients"},
        {HANDOVER_REPLIES, take_replies, "replies that wait"},
        {HANDOVER_STREAMS, take_streams, "the connections"},
        {HANDOVER_BROADCASTS, take_broadcasts, "the broadcasts"},
        {HANDOVER_PUBLISHES, take_publishes, "the publish streams"},
    };
    int error = read_all(server, reader, rows, sizeof rows / sizeof rows[0]);
    return error != 0
               ? error
               : socket_takeover_grow(&server->workers, &server->sockets.listeners, server->config);
}
