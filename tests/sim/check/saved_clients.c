#include "sim/check/saved_clients.h"

#include "registry/names/client_names.h"
#include "sim/check/model_bounds.h"
#include "sim/check/model_places.h"
#include "sim/check/names.h"
#include "sim/check/roles.h"
#include "sim/check/saved_bounds.h"
#include "sim/check/saved_snapshots.h"
#include "sim/check/shards.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/os/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEP_SLOP_MS = 20 };

static uint64_t read_ms; /* when the file was read */

/* ---- the clients ---- */

/* The number of a listener in this start, or -1 if it is gone. */
static int listener_number(const char *text)
{
    for (size_t i = 0; i < setup.listener_count; i++)
        if (strcmp(setup.listeners[i].text, text) == 0)
            return setup.listeners[i].number;
    return -1;
}

/* A port of the server's own: its clients are not restored, or may not be. */
static enum chance is_own(const struct saved_record *record)
{
    const struct model_entry source = {.source = record->source};
    return !settings.cookie && model_may_be_own_source(&source) ? MAYBE : NO;
}

/* Whether a client may be restored at all: then *listener is its listener. */
static bool may_return(const struct saved_record *record, const struct saved_rest *rest,
                       int *listener)
{
    *listener = listener_number(record->listener);
    bool has_interface =
        record->source.scope == 0 || saved_whole.times.boots == simulated_host_boots();
    return *listener >= 0 && shards_worker_of(*listener, &record->source) != -1 && has_interface &&
           rest->left_most_ms + MODEL_SLOP_MS > 0;
}

/* How long ago the file was read: clients may have expired since then. */
static int64_t since_read_ms(void)
{
    return (int64_t)(event_queue_now_ms() - read_ms);
}

/* Whether a client must be restored if there is a place for it, and be there now. */
static bool must_return(const struct saved_record *record, const struct saved_rest *rest,
                        enum saved_use use)
{
    return use == SAVED_USE_ALL && record->is_sure && is_own(record) == NO &&
           rest->left_least_ms > MODEL_SLOP_MS + since_read_ms();
}

/* Whether its ttl may have passed since the file was read. */
static bool is_brief(const struct saved_rest *rest)
{
    return rest->left_least_ms <= MODEL_SLOP_MS + since_read_ms();
}

static int worker_expected(int listener, const struct saved_record *record)
{
    int worker = shards_worker_of(listener, &record->source);
    return worker >= 0 ? worker : 0;
}

/* Returns the worker of a client that is registered, or -1. */
static int find(int listener, const struct addr *source, struct client *client)
{
    int worker = shards_worker_of(listener, source);
    for (int i = 0; i < (int)roles_worker_count(); i++)
        if ((worker == SHARDS_UNDECIDED || i == worker) &&
            registry_find(roles_worker((size_t)i)->decider.registry, (uint8_t)listener, source,
                          simulated_clock_ms(), client))
            return i;
    return -1;
}

static void expect(const struct saved_record *record, const char *what, int64_t value,
                   int64_t least, int64_t most)
{
    char broken[32];
    snprintf(broken, sizeof broken, "state-%s", what);
    if (broken_is(broken))
        value += INT64_C(1) << 40;
    if (value < least || value > most)
        broken_promise("a client that is restored is as it was",
                       "port %d of %s: %s is %" PRId64 ", and must be from %" PRId64 " to %" PRId64,
                       record->source.port, record->listener, what, value, least, most);
}

static void check_local(const struct saved_record *record, const struct client *client)
{
    struct addr expected = record->local;
    if (!record->has_local)
        return;
    if (saved_whole.times.boots != simulated_host_boots())
        expected.scope = 0; /* the interfaces may have other numbers */
    if (!addr_equal(&client->local, &expected) || broken_is("state-local"))
        broken_promise("a client that is restored is as it was",
                       "port %d of %s: its local address is another one", record->source.port,
                       record->listener);
}

/* It was registered during all of the snapshot: all of it is known. */
static void check_client(const struct saved_record *record, const struct saved_rest *rest,
                         const struct client *client)
{
    int64_t passed_ms = since_read_ms();
    expect(record, "idle", (int64_t)client->idle_ms, rest->idle_least_ms - MODEL_SLOP_MS,
           rest->idle_most_ms + passed_ms + MODEL_SLOP_MS);
    expect(record, "age", (int64_t)client->age_s, rest->age_least_ms / 1000 - 2,
           (rest->age_most_ms + passed_ms) / 1000 + 2);
    expect(record, "received", client->received, (int64_t)record->received_least,
           (int64_t)record->received_most);
    if (record->frames != MAYBE)
        expect(record, "frames", client->frames, record->frames == YES, record->frames == YES);
    check_local(record, client);
}

/* Whether clients keep the names of the file. */
static bool keeps_names(void)
{
    if (setup.names_max == 0)
        return false;
    return !setup.has_keys ||
           (saved_whole.is_keyed &&
            memcmp(saved_whole.names_key, setup.names_key, sizeof saved_whole.names_key) == 0);
}

/* The model knows it again. */
static struct model_entry *restore(const struct saved_record *record, const struct saved_rest *rest,
                                   int listener, int worker)
{
    struct model_entry *entry = model_get(listener, &record->source);
    uint64_t now_ms = event_queue_now_ms();
    saved_entry_restore(entry, record, rest, read_ms);
    entry->worker = worker;
    entry->may_since_ms = entry->sure_since_ms = now_ms;
    entry->may_until_ms = read_ms + (uint64_t)(rest->left_most_ms + 1 + MODEL_SLOP_MS);
    entry->kept_until_ms = entry->may_until_ms + settings.sweep_ms + SWEEP_SLOP_MS;
    if (record->is_sure && rest->left_least_ms > 0)
        entry->sure_until_ms = read_ms + (uint64_t)rest->left_least_ms;
    model_add_occupying(entry);
    model_bounds_changed();
    if (keeps_names())
        names_restored(entry, record->claimed_ms);
    return entry;
}

struct found {
    enum saved_use use;
    uint32_t possible, sure; /* that may, and must, be restored if there is a place for all */
    uint32_t clients;        /* that are */
    uint32_t brief;          /* whose ttl may have passed in this moment */
    uint32_t possible_names;
};

static void count_record(const struct saved_record *record, struct found *found)
{
    struct saved_rest rest = saved_rest_of(record, &saved_whole.times, read_ms);
    int listener;
    if (!may_return(record, &rest, &listener))
        return;
    found->possible++;
    found->sure += must_return(record, &rest, found->use);
    found->brief += is_brief(&rest);
    for (size_t i = 0; i < MODEL_NAMES; i++)
        if (record->claimed_ms[i] != 0) {
            found->possible_names++;
            break;
        }
}

static void check_found(const struct saved_record *record, const struct found *found)
{
    if (found->use < SAVED_USE_SOME)
        broken_promise("clients that have not proven their addresses are not restored",
                       "port %d of %s is", record->source.port, record->listener);
    if (settings.cookie && (!record->has_cookie || broken_is("state-proven")))
        broken_promise("clients that have not proven their addresses are not restored",
                       "port %d of %s is, and has sent no cookie", record->source.port,
                       record->listener);
}

static void check_record(size_t i, struct found *found, uint32_t numbers[])
{
    const struct saved_record *record = &saved_whole.records[i];
    struct saved_rest rest = saved_rest_of(record, &saved_whole.times, read_ms);
    struct client client;
    int listener;
    numbers[i] = 0;
    if (!may_return(record, &rest, &listener))
        return;
    int worker = find(listener, &record->source, &client);
    bool is_found = worker >= 0 && !broken_now("state-lost", 5);
    bool is_sure = must_return(record, &rest, found->use);
    if (!is_found && is_sure && found->possible <= setup.clients_max)
        broken_promise("each client of the last snapshot is restored",
                       "port %d of %s is not; it has %" PRId64 " ms left", record->source.port,
                       record->listener, rest.left_least_ms);
    if (!is_found) {
        /* It may have expired since it was restored, and be removed by the next sweep; or there was
         * no place for it. */
        if (found->use >= SAVED_USE_SOME && is_brief(&rest)) {
            restore(record, &rest, listener, worker_expected(listener, record))->sure_until_ms = 0;
            model_bounds_changed();
        }
        return;
    }
    check_found(record, found);
    found->clients++;
    numbers[i] = restore(record, &rest, listener, worker)->number;
    if (is_sure)
        check_client(record, &rest, &client);
}

/* Nobody else is registered, and as many as there is place for. */
static void check_count(const struct found *found)
{
    uint32_t count = broken_is("state-other") + saved_count_registered(), sure = found->sure;
    if (count < found->clients || count > found->clients + found->brief)
        broken_promise("only clients of the last snapshot are restored",
                       "%" PRIu32 " are registered, and %" PRIu32 " of them were in it", count,
                       found->clients);
    if (sure > setup.clients_max)
        sure = setup.clients_max;
    if (count < sure)
        broken_promise("each client of the last snapshot is restored",
                       "%" PRIu32 " are registered, and at least %" PRIu32 " have a place", count,
                       sure);
}

/* ---- the names ---- */

static void check_name(size_t i, const struct found *found, const uint32_t numbers[])
{
    char text[8];
    struct device_name name;
    struct name_holder holder;
    snprintf(text, sizeof text, "lamp-%d", (int)i);
    device_name_set(&name, text, strlen(text));
    bool is_found = client_names_find(roles_names(), &name, &holder);
    int32_t record = saved_whole.holders[i];
    const struct model_entry *sure =
        record != SAVED_NO_RECORD && numbers[record] != 0 ? model_entry(numbers[record]) : NULL;
    bool has_place = found->possible_names <= setup.names_max;
    if (!keeps_names() || found->use != SAVED_USE_ALL || found->possible > setup.clients_max)
        sure = NULL;
    if (sure != NULL && has_place && (!is_found || broken_is("state-name")))
        broken_promise("a client that is restored has its name", "%s has no client", text);
    if (!is_found)
        return;
    struct addr source = client_key_source(&holder.key);
    const struct model_entry *entry = model_find(client_key_listener(&holder.key), &source);
    if (entry == NULL || entry->claimed_ms[i] == 0 || (sure != NULL && entry != sure))
        broken_promise("a name is restored to the client that had it", "%s is not (port %d)", text,
                       source.port);
    if (sure != NULL)
        names_restored_surely(i, entry);
}

static void check_names(const struct found *found, const uint32_t numbers[])
{
    uint32_t most = 0;
    if (roles_names() == NULL)
        return;
    for (uint32_t i = 1; i <= model_count(); i++)
        for (size_t name = 0; name < MODEL_NAMES; name++)
            if (model_entry(i)->claimed_ms[name] != 0) {
                most++;
                break;
            }
    if (client_names_count(roles_names()) > most)
        broken_promise("a name is restored to the client that had it",
                       "%" PRIu32 " names are there, and %" PRIu32 " clients may have one",
                       client_names_count(roles_names()), most);
    for (size_t i = 0; i + 1 < MODEL_NAMES; i++)
        check_name(i, found, numbers);
}

uint32_t saved_clients_check(enum saved_use use, uint64_t at_ms)
{
    struct found found = {.use = use};
    uint32_t *numbers = calloc(saved_whole.count + 1, sizeof *numbers);
    read_ms = at_ms;
    for (size_t i = 0; i < saved_whole.count; i++)
        count_record(&saved_whole.records[i], &found);
    for (size_t i = 0; i < saved_whole.count; i++)
        check_record(i, &found, numbers);
    check_count(&found);
    check_names(&found, numbers);
    free(numbers);
    return found.possible;
}
