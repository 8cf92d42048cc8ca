#include "server/upgrade/hand_over.h"

#include "server/upgrade/broadcast_handover.h"
#include "server/upgrade/client_takeover.h"
#include "server/upgrade/socket_takeover.h"
#include "server/workers/handover/worker_handover.h"

#include <errno.h>

static void put_server(const struct server *server, struct handover_writer *writer)
{
    handover_begin(writer, HANDOVER_SERVER);
    handover_put32(writer, HANDOVER_VERSION);
    handover_put64(writer, server->commands.queries.started_ms);
    handover_put64(writer, server->started_wall_ms);
    handover_end(writer);
}

static void put_sockets(const struct server *server, struct handover_writer *writer)
{
    handover_begin(writer, HANDOVER_SOCKETS);
    startup_sockets_hand_over(&server->sockets, writer);
    handover_end(writer);
}

static void put_control(const struct control_socket *control, struct handover_writer *writer)
{
    if (control->control == NULL)
        return;
    handover_begin(writer, HANDOVER_CONTROL);
    control_socket_hand_over(control, writer);
    handover_end(writer);
}

static void put_metrics(const struct server *server, struct handover_writer *writer)
{
    if (server->metrics == NULL)
        return;
    handover_begin(writer, HANDOVER_METRICS);
    metrics_server_hand_over(server->metrics, writer);
    handover_end(writer);
}

static void put_state_lock(const struct server *server, struct handover_writer *writer)
{
    int lock = state_snapshots_lock(server->snapshots);
    if (lock < 0)
        return;
    handover_begin(writer, HANDOVER_STATE_LOCK);
    handover_put_text(writer, server->config->state.file);
    handover_put_descriptor(writer, lock);
    handover_end(writer);
}

static void put_manager(const struct server *server, struct handover_writer *writer)
{
    int socket = service_manager_socket(&server->manager);
    if (socket < 0)
        return;
    handover_begin(writer, HANDOVER_MANAGER);
    handover_put_descriptor(writer, socket);
    handover_end(writer);
}

static void put_offload(const struct server *server, struct handover_writer *writer)
{
    if (server->offload.program == NULL)
        return;
    handover_begin(writer, HANDOVER_OFFLOAD);
    kernel_offload_hand_over(&server->offload, writer);
    handover_end(writer);
}

/* Ends a package. Returns 0 or -errno. */
static int end(struct handover_writer *writer)
{
    handover_begin(writer, HANDOVER_END);
    handover_end(writer);
    return writer->failed ? -ENOMEM : 0;
}

int hand_over_first(const struct server *server, struct handover_writer *writer)
{
    put_server(server, writer);
    put_sockets(server, writer);
    put_control(&server->control, writer);
    put_control(&server->observers, writer);
    put_metrics(server, writer);
    put_state_lock(server, writer);
    put_manager(server, writer);
    handover_begin(writer, HANDOVER_MEMORY);
    client_takeover_put_memory(server, writer);
    handover_end(writer);
    put_offload(server, writer);
    return end(writer);
}

static void put_listeners(const struct server *server, struct handover_writer *writer)
{
    const struct listeners *listeners = &server->sockets.listeners;
    char name[CONFIG_LISTEN_TEXT_BYTES];
    handover_begin(writer, HANDOVER_LISTENERS);
    handover_put8(writer, (uint8_t)listeners->count);
    for (size_t i = 0; i < listeners->count; i++)
        handover_put_text(writer, listeners_format_name(&listeners->list[i], name));
    handover_end(writer);
}

static void put_traffic(const struct server *server, struct handover_writer *writer)
{
    const struct workers *workers = &server->workers;
    for (size_t i = 0; i < workers->count; i++) {
        handover_begin(writer, HANDOVER_REPLIES);
        handover_put32(writer, (uint32_t)i);
        worker_hand_over_replies(workers->list[i], writer);
        handover_end(writer);
    }
    handover_begin(writer, HANDOVER_STREAMS);
    worker_hand_over_streams(workers->list[0], writer);
    handover_end(writer);
}

static void put_broadcasts(const struct server *server, bool copies_clients,
                           struct handover_writer *writer)
{
    handover_begin(writer, HANDOVER_BROADCASTS);
    broadcasts_hand_over(server->jobs, &server->workers, !copies_clients, writer);
    handover_end(writer);
}

static void put_publishes(const struct server *server, struct handover_writer *writer)
{
    handover_begin(writer, HANDOVER_PUBLISHES);
    publish_queue_hand_over(server->publishes, writer);
    publish_gaps_hand_over(&server->gaps, writer);
    handover_end(writer);
}

/* The counters include what the kernel has dropped, which is read with them; and so the number that
 * was read comes after them. */
int hand_over_second(const struct server *server, bool copies_clients, struct shared_memory *copy,
                     struct handover_writer *writer)
{
    put_listeners(server, writer);
    handover_begin(writer, HANDOVER_CLIENTS);
    int error = client_takeover_put(server, copies_clients, copy, writer);
    handover_end(writer);
    put_traffic(server, writer);
    put_broadcasts(server, copies_clients, writer);
    put_publishes(server, writer);
    return error != 0 ? error : end(writer);
}
