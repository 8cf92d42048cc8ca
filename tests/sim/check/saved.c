#include "sim/check/saved.h"

#include "base/stats.h"
#include "registry/names/client_names.h"
#include "sim/check/names.h"
#include "sim/check/roles.h"
#include "sim/check/saved_bounds.h"
#include "sim/check/shards.h"
#include "sim/check/totals.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/os/log.h"
#include "sim/os/process.h"
#include "sim/world/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NO_RECORD = -1, SWEEP_SLOP_MS = 20 };

/* What is known of a complete snapshot. */
struct snapshot {
    bool is_there;
    bool is_damaged; /* since it was written */
    struct saved_times times;
    struct saved_record *records;
    size_t count;
    int32_t holders[MODEL_NAMES]; /* the records that certainly have these names, or NO_RECORD */
    enum chance proven;           /* each client has proven its address */
    bool is_keyed;                /* and its name by this key */
    uint8_t names_key[sizeof setup.names_key];
    uint64_t job;             /* the highest id that is certainly not given again */
    struct stats least, most; /* the counters at its begin and its end */
    uint64_t streams;         /* the most that were connected */
    uint64_t registered;      /* at the begin, those whose ttl has passed included */
    bool is_final; /* of an orderly stop: then the counters are those of the final report */
    bool has_report;
};

static struct snapshot draft, whole, before;
static bool is_open; /* a snapshot is in progress */
static bool is_stopping, is_opened;
static int read_error;
static bool was_read, has_read_failed, was_kept, is_aside;
static uint64_t read_ms;            /* when the file was read */
static uint64_t failures;           /* of steps, in this start */
static uint64_t committed_begin_ms; /* the begin of the last one that this start has written */
static uint64_t last_job, restored_job;
static uint32_t holders_at_begin[MODEL_NAMES];
static unsigned applied_at_begin;

/* ---- a snapshot ---- */

static void clear(struct snapshot *snapshot)
{
    free(snapshot->records);
    *snapshot = (struct snapshot){.is_there = false};
}

/* Whether the server demands proofs now. */
static enum chance has_cookie_policy(void)
{
    if (settings_change && next_settings.cookie != settings.cookie)
        return MAYBE;
    return settings.cookie ? YES : NO;
}

static void sum_counters(struct stats *sum)
{
    *sum = (struct stats){.received = 0};
    for (size_t i = 0; i < roles_worker_count(); i++)
        stats_add(sum, &roles_worker(i)->stats);
}

static uint32_t count_registered(void)
{
    uint32_t registered = 0;
    for (size_t i = 0; i < roles_worker_count(); i++)
        registered += registry_count(roles_worker(i)->decider.registry);
    return registered;
}

/* Streams end with the workers, before the last snapshot: these are left of all that have joined.
 */
static uint64_t count_last_streams(const struct stats *sum, uint64_t registered)
{
    return sum->joined - registered - sum->left - sum->moved - sum->expired - sum->kicked -
           sum->streams_closed - sum->streams_slow;
}

static void note_wall(void)
{
    int64_t offset_ms = simulated_wall_offset_ms();
    if (offset_ms < draft.times.offset_least_ms)
        draft.times.offset_least_ms = offset_ms;
    if (offset_ms > draft.times.offset_most_ms)
        draft.times.offset_most_ms = offset_ms;
}

void saved_wall_leapt(void)
{
    if (is_open)
        note_wall();
}

/* The local address of a client is what the registry has before it is copied. */
static void note_local(struct model_entry *entry)
{
    struct client client;
    entry->saved.has_local =
        model_is_sure(entry) &&
        registry_find(roles_worker((size_t)entry->worker)->decider.registry,
                      (uint8_t)entry->listener, &entry->source, simulated_clock_ms(), &client);
    if (entry->saved.has_local)
        entry->saved.local = client.local;
}

void saved_begin(void)
{
    int64_t offset_ms = simulated_wall_offset_ms();
    clear(&draft);
    is_open = true;
    draft.times = (struct saved_times){.begin_ms = (int64_t)event_queue_now_ms(),
                                       .offset_least_ms = offset_ms,
                                       .offset_most_ms = offset_ms,
                                       .boots = simulated_host_boots()};
    /* The first client is copied a little later, and a reload may come before. */
    draft.proven = has_cookie_policy() == YES ? YES : MAYBE;
    draft.is_keyed = setup.has_keys;
    memcpy(draft.names_key, setup.names_key, sizeof draft.names_key);
    draft.job = last_job;
    draft.is_final = is_stopping;
    draft.registered = count_registered();
    applied_at_begin = settings_applied();
    sum_counters(&draft.least);
    draft.streams =
        draft.is_final ? count_last_streams(&draft.least, draft.registered) : totals_streams();
    names_holders(holders_at_begin);
    for (uint32_t i = 1; i <= model_count(); i++) {
        saved_entry_begin(model_entry(i));
        note_local(model_entry(i));
    }
}

static enum chance worse(enum chance a, enum chance b)
{
    return a < b ? a : b;
}

/* The bytes have clients that were copied under the policy of now. */
void saved_adding(void)
{
    if (!is_open)
        return;
    draft.proven = worse(draft.proven, has_cookie_policy());
    if (draft.proven == YES && settings_applied() != applied_at_begin)
        draft.proven = MAYBE;
    if (totals_streams() > draft.streams)
        draft.streams = totals_streams();
}

void saved_failed(int error)
{
    is_open = false;
    failures += error != 0;
}

static void add_records(void)
{
    uint32_t holders[MODEL_NAMES];
    names_holders(holders);
    draft.records = malloc((model_count() + 1) * sizeof *draft.records);
    for (size_t i = 0; i < MODEL_NAMES; i++)
        draft.holders[i] = NO_RECORD;
    for (uint32_t i = 1; i <= model_count(); i++) {
        if (!saved_entry_end(model_entry(i), &draft.times, &draft.records[draft.count]))
            continue;
        for (size_t name = 0; name < MODEL_NAMES; name++)
            if (holders[name] == i && holders_at_begin[name] == i)
                draft.holders[name] = (int32_t)draft.count;
        draft.count++;
    }
}

void saved_committed(void)
{
    is_open = false;
    draft.times.end_ms = (int64_t)event_queue_now_ms();
    if (totals_streams() > draft.streams)
        draft.streams = totals_streams();
    sum_counters(&draft.most);
    add_records();
    draft.is_there = true;
    if (is_aside)
        clear(&whole);
    clear(&before);
    before = whole;
    whole = draft;
    draft = (struct snapshot){.is_there = false};
    is_aside = false;
    committed_begin_ms = (uint64_t)whole.times.begin_ms;
}

void saved_opened(void)
{
    is_opened = true;
}

/* ---- the file ---- */

void saved_damaged(void)
{
    whole.is_damaged = true;
}

void saved_put_back(void)
{
    clear(&whole);
    whole = before;
    whole.records = malloc((before.count + 1) * sizeof *whole.records);
    if (before.count > 0)
        memcpy(whole.records, before.records, before.count * sizeof *whole.records);
}

void saved_read(int error)
{
    was_read = true;
    read_error = error;
    read_ms = event_queue_now_ms();
    if (error == -ENOENT && whole.is_there && !was_kept)
        broken_promise("the simulator itself", "the state file is missing");
}

void saved_read_failed(void)
{
    has_read_failed = true;
}

void saved_kept_aside(bool succeeded, bool aside)
{
    was_kept = true;
    is_aside = aside;
    if (succeeded && !aside)
        broken_promise("a state file that cannot be used is kept aside", "it is not");
}

void saved_job(uint64_t id)
{
    if (id <= restored_job || broken_now("state-job", 5))
        broken_promise("the ids of jobs go on after a restart",
                       "job %" PRIu64 " comes after job %" PRIu64 " of the state file", id,
                       restored_job);
    if (id > last_job)
        last_job = id;
}

/* ---- whether the file is used ---- */

/* Whether it is older than state.max-age. */
static enum chance is_too_old(void)
{
    bool is_same_boot = whole.times.boots == simulated_host_boots();
    int64_t now_ms = (int64_t)read_ms + simulated_wall_offset_ms();
    int64_t least_ms = now_ms - (whole.times.end_ms + whole.times.offset_most_ms);
    int64_t most_ms = now_ms - (whole.times.begin_ms + whole.times.offset_least_ms);
    if (is_same_boot) {
        least_ms = (int64_t)read_ms - whole.times.end_ms;
        most_ms = (int64_t)read_ms - whole.times.begin_ms;
    }
    return least_ms - MODEL_SLOP_MS > (int64_t)settings.state_age_ms  ? YES
           : most_ms + MODEL_SLOP_MS > (int64_t)settings.state_age_ms ? MAYBE
                                                                      : NO;
}

static enum chance is_used(void)
{
    if (read_error != 0 || whole.is_damaged || is_too_old() == YES)
        return NO;
    return is_too_old() == MAYBE || has_read_failed ? MAYBE : YES;
}

/* What a start has done with the file. */
enum use { USE_NONE, USE_COUNTERS, USE_SOME, USE_ALL };

static void check_use(bool is_used_now)
{
    if (is_used_now && is_used() == NO)
        broken_promise("a state file that is damaged or too old is not used",
                       "it is; error %d, damaged %d, %" PRIu64 " clients", read_error,
                       whole.is_damaged, (uint64_t)whole.count);
    if (!is_used_now && is_used() == YES)
        broken_promise("a state file that is whole is used", "it is not");
    if (!is_used_now && !was_kept)
        broken_promise("a state file that cannot be used is kept aside", "it is not");
    if (is_used_now && was_kept)
        broken_promise("a state file that is used is not kept aside", "it is");
}

/* Clients that may not have proven their addresses are not restored where that is demanded. */
static void check_proven(bool are_refused)
{
    enum chance proven = settings.cookie ? whole.proven : YES;
    if (!are_refused && proven == NO)
        broken_promise("clients that have not proven their addresses are not restored", "they are");
    if (are_refused && proven == YES)
        broken_promise("each client of the last snapshot is restored", "they count as not proven");
}

/* Returns what was done with the file, as the log says. */
static enum use check_message(void)
{
    uint64_t used = simulated_log_times("restored the clients");
    uint64_t refused = simulated_log_times("cannot restore the clients");
    uint64_t partly = simulated_log_times("cannot restore all clients");
    bool is_expected = was_read && read_error != -ENOENT;
    if (used > 1 || refused > 1 || (used + refused > 0) != is_expected || partly > used ||
        broken_is("state-message"))
        broken_promise("a start says once what it has done with the state file",
                       "%" PRIu64 " times it was used, %" PRIu64 " partly, and %" PRIu64
                       " times refused",
                       used, partly, refused);
    if (!is_expected)
        return USE_NONE;
    check_use(used > 0);
    if (used == 0)
        return USE_NONE;
    check_proven(refused > 0);
    if (partly > 0 && !has_read_failed)
        broken_promise("a state file that is whole is used", "only a part of it is");
    return refused > 0 ? USE_COUNTERS : partly > 0 ? USE_SOME : USE_ALL;
}

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
    bool has_interface = record->source.scope == 0 || whole.times.boots == simulated_host_boots();
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
                        enum use use)
{
    return use == USE_ALL && record->is_sure && is_own(record) == NO &&
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
    if (whole.times.boots != simulated_host_boots())
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
    return !setup.has_keys || (whole.is_keyed && memcmp(whole.names_key, setup.names_key,
                                                        sizeof whole.names_key) == 0);
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
    if (keeps_names())
        names_restored(entry, record->claimed_ms);
    return entry;
}

/* Where only the kernel knows the worker of a client, a message at each start says so. */
static void check_workers_message(void)
{
    bool is_unknown = false;
    for (size_t i = 0; i < setup.listener_count; i++)
        is_unknown |= setup.listeners[i].kind == LISTEN_UDP &&
                      shards_worker_of(setup.listeners[i].number, &setup.listeners[i].addr) == -1;
    uint64_t times = simulated_log_times("cannot restore clients with several workers");
    if (times != (setup.has_state && is_unknown))
        broken_promise("a start says that the kernel keeps clients from being restored",
                       "%" PRIu64 " times", times);
}

struct found {
    enum use use;
    uint32_t possible, sure; /* that may, and must, be restored if there is a place for all */
    uint32_t clients;        /* that are */
    uint32_t brief;          /* whose ttl may have passed in this moment */
    uint32_t possible_names;
};

static void count_record(const struct saved_record *record, struct found *found)
{
    struct saved_rest rest = saved_rest_of(record, &whole.times, read_ms);
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
    if (found->use < USE_SOME)
        broken_promise("clients that have not proven their addresses are not restored",
                       "port %d of %s is", record->source.port, record->listener);
    if (settings.cookie && (!record->has_cookie || broken_is("state-proven")))
        broken_promise("clients that have not proven their addresses are not restored",
                       "port %d of %s is, and has sent no cookie", record->source.port,
                       record->listener);
}

static void check_record(size_t i, struct found *found, uint32_t numbers[])
{
    const struct saved_record *record = &whole.records[i];
    struct saved_rest rest = saved_rest_of(record, &whole.times, read_ms);
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
        /* It may have expired since it was restored, and be removed by the next sweep. */
        if (found->use >= USE_SOME && is_brief(&rest))
            restore(record, &rest, listener, worker_expected(listener, record));
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
    uint32_t count = broken_is("state-other") + count_registered(), sure = found->sure;
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
    int32_t record = whole.holders[i];
    const struct model_entry *sure =
        record != NO_RECORD && numbers[record] != 0 ? model_entry(numbers[record]) : NULL;
    bool has_place = found->possible_names <= setup.names_max;
    if (!keeps_names() || found->use != USE_ALL || found->possible > setup.clients_max)
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

/* ---- the counters ---- */

/* The counters that the main thread has are not those of workers. */
static bool is_of_main_thread(const char *name)
{
    return strcmp(name, "broadcasts") == 0 || strncmp(name, "listen_", 7) == 0;
}

static void expect_counter(const char *name, uint64_t value, uint64_t least, uint64_t most)
{
    if (broken_is("state-counter"))
        value += UINT64_C(1) << 40;
    if (value < least || value > most)
        broken_promise("the counters go on after a restart",
                       "%s is %" PRIu64 ", and must be from %" PRIu64 " to %" PRIu64, name, value,
                       least, most);
}

static void check_counters(const struct found *found)
{
    struct stats sum;
    sum_counters(&sum);
    for (size_t i = 0; i < STATS_COUNT; i++) {
        const char *name = stats_name(i);
        uint64_t value = stats_value(&sum, i), least = stats_value(&whole.least, i);
        uint64_t most = stats_value(&whole.most, i);
        if (strcmp(name, "streams_closed") == 0)
            expect_counter(name, value, whole.has_report ? most + whole.streams : least,
                           most + whole.streams);
        else if (whole.has_report && strcmp(name, "expired") != 0)
            expect_counter(name, value, most, most);
        else if (strcmp(name, "expired") == 0)
            expect_counter(name, value, least, UINT64_MAX); /* joined = clients + ends */
        else if (strcmp(name, "received") == 0)
            continue; /* received = sum of outcomes */
        else if (strcmp(name, "joined") == 0)
            expect_counter(name, value, least, most + found->possible + whole.streams);
        else if (!is_of_main_thread(name))
            expect_counter(name, value, least, most);
    }
}

/* ---- starts and ends ---- */

void saved_check_start(void)
{
    check_workers_message();
    struct found found = {.use = check_message()};
    if (found.use == USE_NONE) {
        totals_check_start(false);
        return;
    }
    uint32_t *numbers = calloc(whole.count + 1, sizeof *numbers);
    for (size_t i = 0; i < whole.count; i++)
        count_record(&whole.records[i], &found);
    for (size_t i = 0; i < whole.count; i++)
        check_record(i, &found, numbers);
    check_count(&found);
    check_names(&found, numbers);
    check_counters(&found);
    restored_job = last_job = whole.job;
    free(numbers);
    totals_check_start(true);
}

void saved_check_interval(void)
{
    enum { INTERVAL_MAX_MS = 2000, SLACK_MS = 4000 };
    if (!is_opened || settings.snapshot_ms > INTERVAL_MAX_MS)
        return;
    if (committed_begin_ms + settings.snapshot_ms + SLACK_MS < event_queue_now_ms() ||
        broken_is("state-interval"))
        broken_promise("the state file is written each state.interval",
                       "the last one was begun at %" PRIu64 " ms", committed_begin_ms);
}

void saved_stopping(void)
{
    is_stopping = true;
}

/* The counters of the final report, which nothing follows. */
static void read_report(void)
{
    for (size_t i = 0; i < STATS_COUNT; i++) {
        uint64_t value;
        whole.has_report = simulated_log_final(stats_name(i), &value);
        if (!whole.has_report)
            return;
        stats_set(&whole.most, i, value);
    }
    whole.streams = count_last_streams(&whole.most, whole.registered);
}

void saved_check_end(bool was_ready)
{
    uint64_t messages = simulated_log_times("cannot write the state file");
    bool is_written = whole.is_there && whole.is_final && committed_begin_ms != 0;
    if (is_opened && was_ready && failures == 0 && (!is_written || broken_is("state-stop")))
        broken_promise("an orderly stop writes the state file", "it does not");
    if (was_ready && failures == 0 && messages > 0)
        broken_promise("the log says when the state file cannot be written", "it could be");
    if (is_opened && was_ready && !is_written && messages == 0)
        broken_promise("the log says when the state file cannot be written", "it does not");
    if (is_written)
        read_report();
}

void saved_reset(void)
{
    if (is_aside)
        clear(&whole);
    is_open = is_stopping = is_opened = was_read = has_read_failed = was_kept = is_aside = false;
    read_error = 0;
    failures = committed_begin_ms = last_job = restored_job = 0;
}
