#include "server/state/state_restore.h"

#include "os/file/state_file.h"
#include "os/log/log.h"
#include "os/process/clock.h"
#include "os/process/host.h"
#include "state/state_contents.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTENER_GONE = CONFIG_LISTEN_MAX };

/* A file that is being restored. */
struct restore {
    const struct state_restore_options *options;
    struct state_contents contents;
    uint8_t listeners[CONFIG_LISTEN_MAX]; /* by number in the file: the number now, or LISTENER_GONE
                                           */
    bool keeps_scopes;                    /* the interfaces have their numbers still */
    bool keeps_names;                     /* they are as certain as clients.names demands now */
    uint64_t wall_ms, now_ms;
    uint64_t expired, without_listener, without_place;
};

/* ---- a file that is not used ---- */

static void report(const struct state_restore_options *options, const char *why, const char *next)
{
    const char *path = options->config->state.file;
    int error = state_file_keep_aside(path);
    log_event(LOG_LEVEL_WARNING, "cannot restore the clients: started without any", "file", path,
              "reason", why, "kept", error == 0 ? "as a file that ends in .bad" : strerror(-error),
              "advice", next, NULL);
}

/* Returns why the clients of a file that is whole are not restored, or NULL; then *next says what
 * to do. */
static const char *check_use(const struct restore *restore, const char **next)
{
    const struct config *config = restore->options->config;
    const struct state_server *server = &restore->contents.server;
    *next = "nothing needs to be done: clients join again by their next datagram";
    if (restore->wall_ms > server->wall_ms &&
        restore->wall_ms - server->wall_ms > config->state.max_age_ms)
        return "it is older than state.max-age";
    if (config->admission.policy == POLICY_COOKIE && !server->clients_proven)
        return "its clients have not proven their addresses, which admission.policy demands now";
    return NULL;
}

/* ---- its clients ---- */

static void map_listeners(struct restore *restore)
{
    const struct listeners *listeners = restore->options->listeners;
    const struct state_server *server = &restore->contents.server;
    for (size_t i = 0; i < server->listener_count; i++) {
        char text[CONFIG_LISTEN_TEXT_BYTES];
        size_t now = 0;
        while (now < listeners->count && (listeners->list[now].transport != TRANSPORT_UDP ||
                                          strcmp(listeners_format_name(&listeners->list[now], text),
                                                 server->listeners[i]) != 0))
            now++;
        restore->listeners[i] = now < listeners->count ? (uint8_t)now : LISTENER_GONE;
    }
}

static void restore_name(struct restore *restore, const struct state_client *client,
                         uint8_t listener, uint32_t worker, uint64_t left_ms)
{
    const struct name_holder holder = {.key = client_key_of(listener, &client->source),
                                       .join_number = client->join_number,
                                       .worker = worker};
    name_decisions_restore(restore->options->names, &client->name, &holder,
                           restore->now_ms + left_ms);
}

/* Returns the worker that will receive the next datagram of a source, or -1 if only the kernel
 * knows it: elsewhere the client would be registered a second time. */
static int worker_of(const struct restore *restore, uint8_t listener, const struct addr *source)
{
    const struct listeners *listeners = restore->options->listeners;
    bool is_unicast = listener < listeners->unicast_count;
    (void)source;
    return is_unicast && listeners->worker_count > 1 ? -1 : 0;
}

/* Restores a client that was copied at copied_ms of the wall clock. */
static void restore_client(struct restore *restore, const struct state_client *client,
                           uint64_t copied_ms)
{
    const struct state_restore_options *options = restore->options;
    uint64_t down_ms = restore->wall_ms > copied_ms ? restore->wall_ms - copied_ms : 0;
    uint8_t listener = restore->listeners[client->listener];
    if (listener == LISTENER_GONE || (client->source.scope != 0 && !restore->keeps_scopes)) {
        restore->without_listener++;
        return;
    }
    if (client->left_ms <= down_ms) {
        restore->expired++;
        return;
    }
    const struct registry_restored restored = {
        .source = &client->source,
        .local = &client->local,
        .left_ms = client->left_ms - down_ms,
        .idle_ms = client->idle_ms + down_ms,
        .join_number = client->join_number,
        .age_s = client->age_s + (uint32_t)(down_ms / 1000),
        .received = client->received,
        .listener = listener,
        .frames = client->frames,
    };
    bool is_named = client->name.size > 0 && restore->keeps_names;
    int worker = worker_of(restore, listener, &client->source);
    if (worker < 0 || worker_restore(options->workers->list[worker], &restored, is_named,
                                     restore->now_ms) == UINT32_MAX) {
        restore->without_place++;
        return;
    }
    if (is_named)
        restore_name(restore, client, listener, (uint32_t)worker, restored.left_ms);
}

/* ---- its counters ---- */

static uint64_t count_clients(const struct restore *restore)
{
    const struct workers *workers = restore->options->workers;
    uint64_t count = 0;
    for (size_t i = 0; i < workers->count; i++)
        count += worker_clients_count(workers->list[i]);
    return count;
}

/* Each worker was copied at another time, and a crash may have followed. So clients that are
 * neither restored nor have ended by the counters have expired; and a reply that waited has no
 * count. */
static void balance(const struct restore *restore, struct stats *sum)
{
    uint64_t restored = count_clients(restore);
    sum->streams_closed += restore->contents.end.streams;
    uint64_t ends = sum->left + sum->moved + sum->expired + sum->kicked + sum->streams_closed +
                    sum->streams_slow;
    if (sum->joined > restored + ends)
        sum->expired += sum->joined - restored - ends;
    else
        sum->joined = restored + ends;
    sum->received = stats_outcomes(sum);
}

/* The first worker continues the counts, the others have those of their clients. */
static void restore_counters(const struct restore *restore)
{
    struct workers *workers = restore->options->workers;
    struct stats sum = restore->contents.end.counters;
    balance(restore, &sum);
    jobs_restore(restore->options->jobs, restore->contents.server.last_job, sum.broadcasts);
    for (size_t i = 1; i < workers->count; i++) {
        const struct stats own = {.joined = worker_clients_count(workers->list[i])};
        worker_restore_counters(workers->list[i], &own);
        sum.joined -= own.joined;
    }
    worker_restore_counters(workers->list[0], &sum);
}

/* ---- all of it ---- */

static void log_restored(const struct restore *restore)
{
    char restored[24], expired[24], gone[24], full[24], age[24];
    const struct state_server *server = &restore->contents.server;
    uint64_t age_ms = restore->wall_ms > server->wall_ms ? restore->wall_ms - server->wall_ms : 0;
    snprintf(restored, sizeof restored, "%" PRIu64, count_clients(restore));
    snprintf(expired, sizeof expired, "%" PRIu64, restore->expired);
    snprintf(gone, sizeof gone, "%" PRIu64, restore->without_listener);
    snprintf(full, sizeof full, "%" PRIu64, restore->without_place);
    snprintf(age, sizeof age, "%" PRIu64, age_ms / 1000);
    log_event(LOG_LEVEL_INFO, "restored the clients", "clients", restored, "expired", expired,
              "without_listener", gone, "without_place", full, "age_s", age, NULL);
}

static void restore_contents(struct restore *restore)
{
    uint8_t boot_id[STATE_BOOT_ID_BYTES];
    struct state_client client;
    struct state_position position = state_first_client(&restore->contents);
    restore->keeps_scopes = host_boot_id(boot_id) == 0 &&
                            memcmp(boot_id, restore->contents.server.boot_id, sizeof boot_id) == 0;
    restore->keeps_names =
        restore->options->names != NULL && (restore->contents.server.names_proven ||
                                            restore->options->config->clients.names != NAMES_KEYED);
    map_listeners(restore);
    while (state_next_client(&restore->contents, &position, &client))
        restore_client(restore, &client, position.wall_ms);
    restore_counters(restore);
    log_restored(restore);
}

void state_restore(const struct state_restore_options *options)
{
    struct restore restore = {.options = options};
    struct state_file_fault fault;
    const char *path = options->config->state.file;
    uint8_t *bytes;
    size_t size;
    if (path == NULL)
        return;
    int error = state_file_read(path, &bytes, &size, &fault);
    if (error == -ENOENT)
        return;
    if (error != 0) {
        report(options, fault.why, fault.next);
        return;
    }
    /* The wall clock first, so that no client expires too early. */
    restore.wall_ms = clock_wall_ms();
    restore.now_ms = clock_now_ms();
    fault.why = state_contents_read(&restore.contents, bytes, size);
    fault.next = "nothing needs to be done: clients join again by their next datagram";
    if (fault.why == NULL)
        fault.why = check_use(&restore, &fault.next);
    if (fault.why != NULL)
        report(options, fault.why, fault.next);
    else
        restore_contents(&restore);
    free(bytes);
}
