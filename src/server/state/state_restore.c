#include "server/state/state_restore.h"

#include "net/socket/socket_option.h"
#include "os/file/state_file_reader.h"
#include "os/log/log.h"
#include "os/process/clock.h"
#include "os/process/host.h"
#include "server/config/state_config.h"
#include "server/startup_error.h"
#include "state/state_contents.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTENER_GONE = CONFIG_LISTEN_MAX };

static const char JOIN_AGAIN[] =
    "nothing needs to be done: clients join again by their next datagram";

/* A file that is being restored. */
struct restore {
    const struct state_restore_options *options;
    struct state_file_reader *reader;
    struct state_contents contents;
    uint8_t listeners[CONFIG_LISTEN_MAX]; /* by number in the file: the number now, or LISTENER_GONE
                                           */
    bool is_same_boot; /* the interfaces have their numbers, and CLOCK_BOOTTIME went on */
    bool keeps_names;
    bool is_handed; /* by a process that goes on in this one: streams go on, too */
    struct state_time now;
    uint64_t expired, without_listener, without_worker, without_place;
};

/* ---- whether the file is used ---- */

/* How long ago a moment was that the file names. */
static uint64_t passed_ms(const struct restore *restore, const struct state_time *since)
{
    if (restore->is_same_boot && restore->now.boot_ms >= since->boot_ms)
        return restore->now.boot_ms - since->boot_ms;
    return restore->now.wall_ms > since->wall_ms ? restore->now.wall_ms - since->wall_ms : 0;
}

static bool is_same_boot(const struct state_server *server)
{
    uint8_t boot_id[HOST_BOOT_ID_BYTES];
    _Static_assert((int)HOST_BOOT_ID_BYTES == (int)STATE_BOOT_ID_BYTES, "it is the same number");
    return host_boot_id(boot_id) == 0 && memcmp(boot_id, server->boot_id, sizeof boot_id) == 0;
}

/* Under keyed a client has its name only if it has proven this server's key. */
static bool keeps_names(const struct restore *restore)
{
    const struct state_server *server = &restore->contents.server;
    uint8_t id[NAMES_KEY_ID_BYTES];
    _Static_assert((int)NAMES_KEY_ID_BYTES == (int)STATE_KEY_ID_BYTES, "it is the same number");
    if (restore->options->names == NULL)
        return false;
    if (restore->options->config->clients.names == NAMES_TRUSTED)
        return true;
    names_key_id(restore->options->names_key, id);
    return server->names == NAMES_KEYED && memcmp(id, server->key_id, sizeof id) == 0;
}

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

/* ---- its clients ---- */

/* Returns the number of the client's listener now; LISTENER_GONE if it does not exist any more, or
 * would not register the client. */
static uint8_t listener_of(const struct restore *restore, const struct state_client *client)
{
    const struct state_restore_options *options = restore->options;
    uint8_t now = restore->listeners[client->listener];
    bool has_interface = client->source.scope != 0 || addr_is_link_local(&client->local);
    bool is_own = options->config->admission.policy != POLICY_COOKIE &&
                  own_ports_has(&options->listeners->ports, client->source.port);
    if (now == LISTENER_GONE || is_own || (has_interface && !restore->is_same_boot) ||
        options->listeners->list[now].bound.family != client->source.family)
        return LISTENER_GONE;
    return now;
}

/* Returns the worker that will receive the next datagram of a source, or -1 if only the kernel
 * knows it: elsewhere the client would be registered a second time. */
static int worker_of(const struct restore *restore, uint8_t listener, const struct addr *source)
{
    const struct listeners *listeners = restore->options->listeners;
    bool is_only_first = listeners->worker_count == 1 || listener >= listeners->unicast_count;
    return is_only_first ? 0 : listeners_worker_of(listeners, source);
}

/* A record that comes later is newer: a name may have moved while the file was written. */
static void restore_name(struct restore *restore, const struct device_name *name,
                         const struct name_holder *holder, uint64_t left_ms)
{
    struct name_holder before;
    if (!name_decisions_restore(restore->options->names, name, holder,
                                restore->now.boot_ms + left_ms, &before) ||
        client_key_equal(&before.key, &holder->key))
        return;
    struct addr source = client_key_source(&before.key);
    worker_restore_remove(restore->options->workers->list[before.worker],
                          client_key_listener(&before.key), &source);
}

/* Returns the local address that a client sent to. An interface that another boot numbered is not
 * known; it only chooses the socket that sends, until the next datagram of the client. */
static struct addr local_of(const struct restore *restore, const struct state_client *client)
{
    struct addr local = client->local;
    if (!restore->is_same_boot)
        local.scope = 0;
    return local;
}

/* Registers a client of a listener that is there, with the rest of its ttl. */
static void register_client(struct restore *restore, const struct state_client *client,
                            uint8_t listener, uint64_t down_ms)
{
    const struct state_restore_options *options = restore->options;
    const struct addr local = local_of(restore, client);
    const struct registry_restored restored = {
        .source = &client->source,
        .local = &local,
        .left_ms = client->left_ms - down_ms,
        .idle_ms = client->idle_ms + down_ms,
        .join_number = client->join_number,
        .age_s = client->age_s + (uint32_t)(down_ms / 1000),
        .received = client->received,
        .listener = listener,
        .frames = client->frames,
    };
    bool is_named = client->name.size > 0 && restore->keeps_names, is_new;
    int worker = worker_of(restore, listener, &client->source);
    if (worker < 0) {
        restore->without_worker++;
        return;
    }
    if (worker_restore(options->workers->list[worker], &restored, is_named, restore->now.boot_ms,
                       &is_new) == UINT32_MAX) {
        restore->without_place++;
        return;
    }
    const struct name_holder holder = {.key = client_key_of(listener, &client->source),
                                       .join_number = client->join_number,
                                       .worker = (uint32_t)worker};
    if (!is_new && options->names != NULL)
        name_decisions_forget(options->names, &holder.key, holder.worker);
    if (is_named)
        restore_name(restore, &client->name, &holder, restored.left_ms);
}

static void restore_client(struct restore *restore, const struct state_client *client,
                           const struct state_time *copied)
{
    uint64_t down_ms = passed_ms(restore, copied);
    uint8_t listener = listener_of(restore, client);
    if (listener == LISTENER_GONE)
        restore->without_listener++;
    else if (client->left_ms <= down_ms)
        restore->expired++;
    else
        register_client(restore, client, listener, down_ms);
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
 * count, unless it is handed over as well. */
static void balance(const struct restore *restore, struct stats *sum)
{
    uint64_t streams = restore->contents.end.streams;
    uint64_t going_on = count_clients(restore) + (restore->is_handed ? streams : 0);
    if (!restore->is_handed)
        sum->streams_closed += streams;
    uint64_t ends = sum->left + sum->moved + sum->expired + sum->kicked + sum->streams_closed +
                    sum->streams_slow;
    if (sum->joined > going_on + ends)
        sum->expired += sum->joined - going_on - ends;
    else
        sum->joined = going_on + ends;
    if (!restore->is_handed)
        sum->received = stats_outcomes(sum);
}

/* The first worker continues the counts, the others have those of their clients. */
static void restore_counters(const struct restore *restore)
{
    struct workers *workers = restore->options->workers;
    struct stats sum = restore->contents.end.counters;
    balance(restore, &sum);
    jobs_restore(restore->options->jobs, restore->contents.end.last_job, sum.broadcasts);
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
    char restored[24], expired[24], gone[24], unknown[24], full[24], age[24];
    snprintf(restored, sizeof restored, "%" PRIu64, count_clients(restore));
    snprintf(expired, sizeof expired, "%" PRIu64, restore->expired);
    snprintf(gone, sizeof gone, "%" PRIu64, restore->without_listener);
    snprintf(unknown, sizeof unknown, "%" PRIu64, restore->without_worker);
    snprintf(full, sizeof full, "%" PRIu64, restore->without_place);
    snprintf(age, sizeof age, "%" PRIu64,
             passed_ms(restore, &restore->contents.server.begun) / 1000);
    log_event(LOG_LEVEL_INFO, "restored the clients", "clients", restored, "expired", expired,
              "without_listener", gone, "without_place", full, "without_worker", unknown, "age_s",
              age, NULL);
}

/* The file was whole when it was checked. */
static void restore_clients(struct restore *restore)
{
    struct state_contents *contents = &restore->contents;
    struct state_position position = state_contents_first(contents);
    struct state_client client;
    uint64_t read = 0;
    for (; state_contents_next(contents, &position, &client); read++)
        restore_client(restore, &client, &position.copied);
    if (read != contents->end.clients)
        log_event(LOG_LEVEL_WARNING, "cannot restore all clients", "file",
                  restore->options->config->state.file, "reason",
                  contents->error != 0 ? strerror(-contents->error) : "it was changed meanwhile",
                  "advice", JOIN_AGAIN, NULL);
}

/* Restores what a file has that is whole. Returns NULL, or why it is not used. */
static const char *restore_contents(struct restore *restore)
{
    const struct config *config = restore->options->config;
    if (!restore->is_handed)
        restore->is_same_boot = is_same_boot(&restore->contents.server);
    if (!restore->is_handed &&
        passed_ms(restore, &restore->contents.server.begun) > config->state.max_age_ms)
        return "it is older than state.max-age";
    restore->keeps_names = keeps_names(restore);
    map_listeners(restore);
    if (config->admission.policy == POLICY_COOKIE && !restore->contents.end.clients_proven)
        log_event(LOG_LEVEL_WARNING, "cannot restore the clients", "reason",
                  "they have not proven their addresses, which admission.policy demands now",
                  "advice", JOIN_AGAIN, NULL);
    else
        restore_clients(restore);
    restore_counters(restore);
    log_restored(restore);
    return NULL;
}

static void keep_aside(const char *path, const char *why, const char *next)
{
    log_event(LOG_LEVEL_WARNING, "cannot restore the clients", "file", path, "reason", why,
              "advice", next, NULL);
    int error = state_file_keep_aside(path);
    if (error != 0)
        log_event(LOG_LEVEL_WARNING, "cannot keep that file aside", "file", path, "reason",
                  strerror(-error), "advice", "let the user of the server write its directory",
                  NULL);
}

static int read_input(void *state, uint64_t offset, void *bytes, size_t size)
{
    struct restore *restore = state;
    restore->options->pause(restore->options->pause_state);
    return state_file_reader_read(restore->reader, offset, bytes, size);
}

static void restore_open_file(struct restore *restore, struct state_file_reader *reader)
{
    const struct state_input input = {.read = read_input, .state = restore, .size = reader->size};
    restore->reader = reader;
    const char *why = state_contents_read(&restore->contents, &input);
    if (why == NULL)
        why = restore_contents(restore);
    if (why != NULL)
        keep_aside(restore->options->config->state.file, why, JOIN_AGAIN);
}

/* Says at each start, also of a server that has no file yet, what the next one will not restore. */
static void warn_of_unknown_workers(const struct state_restore_options *options)
{
    const struct listeners *listeners = options->listeners;
    if (listeners->worker_count == 1 || listeners->choice != WORKER_CHOICE_BY_KERNEL)
        return;
    log_event(
        LOG_LEVEL_WARNING, "cannot restore clients with several workers", "file",
        options->config->state.file, "reason",
        "the kernel refuses that the server chooses the worker of a client "
        "(SO_ATTACH_REUSEPORT_CBPF)",
        "error", socket_option_error(-listeners->choice_error), "advice",
        "set server.workers = 1, or let the kernel accept that option (Linux 4.5, no filter of "
        "system calls); until then clients join again by their next datagram",
        NULL);
}

static struct restore *restore_new(const struct state_restore_options *options)
{
    struct restore *restore = calloc(1, sizeof *restore);
    if (restore == NULL)
        return NULL;
    restore->options = options;
    /* The wall clock first, so that no client expires too early. */
    restore->now.wall_ms = clock_wall_ms();
    restore->now.boot_ms = clock_now_ms();
    return restore;
}

int state_restore(const struct state_restore_options *options)
{
    const char *path = options->config->state.file;
    struct state_file_fault fault;
    struct state_file_reader reader;
    if (path == NULL)
        return 0;
    warn_of_unknown_workers(options);
    int error = state_file_reader_open(&reader, path, &fault);
    if (error == -ENOENT)
        return 0;
    if (error != 0 && fault.is_foreign) {
        state_config_log_unusable(options->config, fault.why, fault.next);
        return error;
    }
    if (error != 0) {
        keep_aside(path, fault.why, fault.next);
        return 0;
    }
    struct restore *restore = restore_new(options);
    if (restore != NULL)
        restore_open_file(restore, &reader);
    free(restore);
    state_file_reader_close(&reader);
    return restore != NULL ? 0
                           : startup_error_report("cannot restore the clients", "memory", -ENOMEM,
                                                  startup_error_advice(-ENOMEM, "try again"));
}

/* ---- an upgrade ---- */

struct handed_bytes {
    const uint8_t *bytes;
};

static int read_handed(void *state, uint64_t offset, void *bytes, size_t size)
{
    memcpy(bytes, ((const struct handed_bytes *)state)->bytes + offset, size);
    return 0;
}

int state_restore_handed(const struct state_restore_options *options, const void *bytes,
                         size_t size)
{
    struct handed_bytes handed = {bytes};
    const struct state_input input = {.read = read_handed, .state = &handed, .size = size};
    struct restore *restore = restore_new(options);
    if (restore == NULL)
        return -ENOMEM;
    restore->is_handed = restore->is_same_boot = true;
    const char *why = state_contents_read(&restore->contents, &input);
    if (why == NULL)
        restore_contents(restore);
    free(restore);
    return why == NULL ? 0 : -EPROTO;
}
