#include "sim/check/saved_snapshots.h"

#include "sim/check/names.h"
#include "sim/check/roles.h"
#include "sim/check/saved.h"
#include "sim/check/totals.h"
#include "sim/core/event_queue.h"
#include "sim/os/process.h"

#include <stdlib.h>
#include <string.h>

struct saved_snapshot saved_whole;
static struct saved_snapshot draft, before;
static bool is_open; /* a snapshot is in progress */
static uint32_t holders_at_begin[MODEL_NAMES];
static unsigned applied_at_begin;

static void clear(struct saved_snapshot *snapshot)
{
    free(snapshot->records);
    *snapshot = (struct saved_snapshot){.is_there = false};
}

/* Whether the server demands proofs now. */
static enum chance has_cookie_policy(void)
{
    if (settings_change && next_settings.cookie != settings.cookie)
        return MAYBE;
    return settings.cookie ? YES : NO;
}

void saved_sum_counters(struct stats *sum)
{
    *sum = (struct stats){.received = 0};
    for (size_t i = 0; i < roles_worker_count(); i++)
        stats_add(sum, &roles_worker(i)->stats);
}

uint32_t saved_count_registered(void)
{
    uint32_t registered = 0;
    for (size_t i = 0; i < roles_worker_count(); i++)
        registered += registry_count(roles_worker(i)->decider.registry);
    return registered;
}

/* Streams end with the workers, before the last snapshot: these are left of all that have joined.
 */
uint64_t saved_count_streams(const struct stats *sum, uint64_t registered)
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

void saved_snapshot_begin(bool is_final, uint64_t job)
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
    draft.job = job;
    draft.is_final = is_final;
    draft.registered = saved_count_registered();
    applied_at_begin = settings_applied();
    saved_sum_counters(&draft.least);
    draft.streams = saved_count_streams(&draft.least, draft.registered);
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

void saved_snapshot_give_up(void)
{
    is_open = false;
}

void saved_snapshot_forget(void)
{
    clear(&saved_whole);
}

static void add_records(void)
{
    uint32_t holders[MODEL_NAMES];
    names_holders(holders);
    draft.records = malloc((model_count() + 1) * sizeof *draft.records);
    for (size_t i = 0; i < MODEL_NAMES; i++)
        draft.holders[i] = SAVED_NO_RECORD;
    for (uint32_t i = 1; i <= model_count(); i++) {
        if (!saved_entry_end(model_entry(i), &draft.times, &draft.records[draft.count]))
            continue;
        for (size_t name = 0; name < MODEL_NAMES; name++)
            if (holders[name] == i && holders_at_begin[name] == i)
                draft.holders[name] = (int32_t)draft.count;
        draft.count++;
    }
}

void saved_snapshot_commit(void)
{
    is_open = false;
    draft.times.end_ms = (int64_t)event_queue_now_ms();
    if (totals_streams() > draft.streams)
        draft.streams = totals_streams();
    saved_sum_counters(&draft.most);
    add_records();
    draft.is_there = true;
    clear(&before);
    before = saved_whole;
    saved_whole = draft;
    draft = (struct saved_snapshot){.is_there = false};
}

void saved_damaged(void)
{
    saved_whole.is_damaged = true;
}

void saved_put_back(void)
{
    clear(&saved_whole);
    saved_whole = before;
    saved_whole.records = malloc((before.count + 1) * sizeof *saved_whole.records);
    if (before.count > 0)
        memcpy(saved_whole.records, before.records, before.count * sizeof *saved_whole.records);
}
