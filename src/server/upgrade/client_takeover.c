#include "server/upgrade/client_takeover.h"

#include "os/process/memory.h"
#include "registry/registry_memory.h"
#include "server/config/worker_capacity.h"
#include "server/state/handed_clients.h"
#include "server/workers/worker_sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Which of both forms a record of the second package has. */
enum { IS_SHARED = 0, IS_COPY = 1 };

struct state_sources client_takeover_sources(const struct server *server)
{
    return (struct state_sources){
        .config = server->config,
        .names_key = &server->names_key,
        .listeners = &server->sockets.listeners,
        .workers = (struct workers *)&server->workers,
        .names = name_decisions_table(server->names),
        .jobs = server->jobs,
        .subscriptions = server->subscriptions,
        .rules = &server->rules,
    };
}

struct state_restore_options client_takeover_restore_options(struct server *server)
{
    return (struct state_restore_options){
        .config = server->config,
        .names_key = &server->names_key,
        .listeners = &server->sockets.listeners,
        .workers = &server->workers,
        .names = server->names,
        .jobs = server->jobs,
    };
}

/* ---- the first package ---- */

static uint64_t names_id(const struct server *server)
{
    uint64_t id = 0;
    _Static_assert(sizeof id == NAMES_KEY_ID_BYTES, "it is the same number");
    if (server->config->clients.names == NAMES_KEYED)
        names_key_id(&server->names_key, (uint8_t *)&id);
    return id;
}

/* Returns the number of the layouts of the registries, of what they share, and of names. */
static uint64_t layout_of(const struct config *config, size_t worker_count)
{
    uint64_t layouts[CONFIG_WORKERS_MAX + 2];
    for (size_t i = 0; i < worker_count; i++)
        layouts[i] = registry_layout(worker_capacity(config, worker_count, i));
    layouts[worker_count] = shared_capacity_layout();
    layouts[worker_count + 1] =
        client_names_layout(config->clients.names_max, config->clients.names == NAMES_KEYED);
    return handover_layout(layouts, worker_count + 2);
}

static void fill_setting(struct clients_setting *setting, const struct server *server)
{
    const struct listeners *listeners = &server->sockets.listeners;
    const struct config *config = server->config;
    *setting = (struct clients_setting){
        .layout = layout_of(config, listeners->worker_count),
        .worker_count = listeners->worker_count,
        .clients_max = config->clients.max,
        .names_max = config->clients.names != NAMES_OFF ? config->clients.names_max : 0,
        .names = (uint8_t)config->clients.names,
        .names_id = names_id(server),
        .is_by_source = listeners->choice != WORKER_CHOICE_BY_KERNEL,
        .listener_count = listeners->count,
    };
    for (size_t i = 0; i < listeners->count; i++) {
        setting->transports[i] = (uint8_t)listeners->list[i].transport;
        listeners_format_name(&listeners->list[i], setting->listeners[i]);
    }
}

void client_takeover_put_memory(const struct server *server, struct handover_writer *writer)
{
    struct clients_setting setting;
    fill_setting(&setting, server);
    clients_setting_hand_over(&setting, writer);
    workers_put_memory(&server->workers, writer);
    admission_updates_put_memory(server->admission, writer);
    name_decisions_put_memory(server->names, writer);
}

int client_takeover_get_memory(struct server *server, struct handover_reader *reader)
{
    if (server->handed == NULL)
        server->handed = malloc(sizeof *server->handed);
    return server->handed != NULL ? handed_clients_take_over(server->handed, reader) : -ENOMEM;
}

void client_takeover_decide(struct server *server)
{
    struct clients_setting setting;
    if (server->handed == NULL)
        return;
    fill_setting(&setting, server);
    handed_clients_decide(server->handed, &setting);
}

void client_takeover_end(struct server *server)
{
    if (server->handed != NULL)
        handed_clients_close(server->handed);
    free(server->handed);
    server->handed = NULL;
}

/* ---- the second package ---- */

/* A client that is gone has its name until the events before are shown; so these are delivered. */
void client_takeover_settle(struct server *server)
{
    do {
        subscriptions_flush(server->subscriptions);
        name_decisions_settle(server->names);
    } while (workers_settle(&server->workers, server->mailbox) ||
             !name_decisions_is_settled(server->names));
}

static void put_shared(const struct server *server, struct handover_writer *writer)
{
    for (size_t i = 0; i < server->workers.count; i++)
        worker_hand_over(server->workers.list[i], writer);
    name_decisions_hand_over(server->names, writer);
    subscriptions_hand_over(server->subscriptions, writer);
}

static int put_copy(const struct server *server, struct shared_memory *copy,
                    struct handover_writer *writer)
{
    const struct state_sources sources = client_takeover_sources(server);
    size_t size;
    int error = state_encode_all(&sources, copy, &size);
    if (error == 0 && copy->descriptor < 0)
        error = -EOPNOTSUPP;
    if (error != 0)
        return error;
    handover_put64(writer, copy->bytes);
    handover_put64(writer, size);
    handover_put_descriptor(writer, copy->descriptor);
    name_decisions_hand_over_key(server->names, writer);
    name_decisions_hand_over_formers(server->names, writer);
    return 0;
}

int client_takeover_put(const struct server *server, bool is_copy, struct shared_memory *copy,
                        struct handover_writer *writer)
{
    int error = 0;
    handover_put8(writer, is_copy ? IS_COPY : IS_SHARED);
    if (is_copy)
        error = put_copy(server, copy, writer);
    else
        put_shared(server, writer);
    reply_rotation_hand_over(server->reply, writer);
    admission_updates_hand_over(server->admission, writer);
    return error;
}

static int get_shared(struct server *server, struct handover_reader *reader)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < server->workers.count; i++)
        error = worker_take_over(server->workers.list[i], reader);
    if (error == 0)
        error = name_decisions_take_over(server->names, reader);
    if (error == 0)
        error = subscriptions_take_over(server->subscriptions, reader);
    if (error != 0 || !admission_updates_has_new_prefixes(server->admission))
        return error;
    for (size_t i = 0; i < server->workers.count; i++)
        worker_recount_prefixes(server->workers.list[i]);
    return 0;
}

static int map_copy(struct handover_reader *reader, struct shared_memory *copy, size_t *size)
{
    uint64_t bytes = handover_get64(reader), written = handover_get64(reader);
    int descriptor = handover_get_descriptor(reader);
    if (descriptor < 0)
        return -EPROTO;
    int error = written <= bytes ? memory_map_shared(copy, descriptor, bytes, 0) : -EPROTO;
    *size = written;
    if (error != 0)
        memory_close_shared(descriptor);
    return error;
}

static int get_copy(struct server *server, struct handover_reader *reader)
{
    const struct state_restore_options options = client_takeover_restore_options(server);
    struct shared_memory copy;
    size_t size;
    int error = map_copy(reader, &copy, &size);
    if (error != 0)
        return error;
    error = name_decisions_take_over_key(server->names, reader);
    if (error == 0)
        error = state_restore_handed(&options, copy.memory, size);
    if (error == 0)
        error = name_decisions_take_over_formers(server->names, reader);
    memory_release_shared(&copy);
    return error;
}

int client_takeover_get(struct server *server, struct handover_reader *reader)
{
    bool is_copy = handover_get8(reader) == IS_COPY;
    if (server->handed == NULL || is_copy == server->handed->keeps_memory)
        return -EPROTO;
    int error = is_copy ? get_copy(server, reader) : get_shared(server, reader);
    for (size_t i = 0; i < server->workers.count; i++)
        worker_sweep_soon(server->workers.list[i]);
    if (error == 0)
        error = reply_rotation_take_over(server->reply, reader);
    if (error == 0)
        error = admission_updates_take_over(server->admission, reader);
    return error;
}
