#include "sim/check/totals.h"

#include "server/streams/stream_clients.h"
#include "sim/check/copies.h"
#include "sim/check/direct.h"
#include "sim/check/frames.h"
#include "sim/check/model.h"
#include "sim/check/model_bounds.h"
#include "sim/check/names.h"
#include "sim/check/offloaded.h"
#include "sim/check/outcomes.h"
#include "sim/check/roles.h"
#include "sim/check/subscribers.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/udp.h"
#include "sim/os/log.h"
#include "sim/os/process.h"
#include "sim/world/settings.h"
#include "sim/world/upgrades.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct totals totals;
static struct stats base; /* the counters at the start */
static bool has_base;     /* they were restored */

const struct stats *totals_base(void)
{
    return &base;
}

static uint32_t streams_of(const struct worker *worker)
{
    const struct stream_clients *streams = first_worker_streams(worker->first_worker);
    return streams != NULL ? stream_clients_count(streams) : 0;
}

uint32_t totals_streams(void)
{
    return roles_worker_count() > 0 ? streams_of(roles_worker(0)) : 0;
}

enum { RETRY_MS = 50 };

void totals_clock_leapt(uint64_t before_ms)
{
    if (totals.full_ms != 0 && before_ms < totals.full_ms + RETRY_MS)
        totals.full_ms = event_queue_now_ms();
}

static uint64_t ends(const struct stats *stats)
{
    return stats->expired + stats->left + stats->kicked + stats->moved + stats->streams_closed +
           stats->streams_slow;
}

/* A send buffer that was full is tried again each 5 ms; one that epoll does not watch, when a
 * datagram has left it. */
bool totals_may_wait(void)
{
    /* A socket that serves as a reserve, too, holds at most send-buffer of what moves. */
    if (udp_any_has(setup.send_buffer) || udp_any_is_stuck())
        totals.full_ms = event_queue_now_ms();
    return totals.full_ms != 0 && event_queue_now_ms() < totals.full_ms + RETRY_MS;
}

void totals_reply(size_t size)
{
    enum { ADDRESSES_BYTES = 128 }; /* the most that a waiting reply takes beside its bytes */
    totals.replies++;
    totals.reply_bytes += size + ADDRESSES_BYTES;
}

/* A worker that has finished has no registry to be counted. */
static bool is_running(const struct worker *worker)
{
    return worker->io_by_listener != NULL;
}

bool totals_has_finished(void)
{
    for (size_t i = 0; i < roles_worker_count(); i++)
        if (!is_running(roles_worker(i)))
            return true;
    return false;
}

void totals_check_worker(int number)
{
    const struct worker *worker = roles_worker((size_t)number);
    const struct stats *stats = &worker->stats;
    uint64_t outcomes = 0;
#define STAT(name, meaning) outcomes += stats->name;
    STATS_OUTCOMES(STAT)
#undef STAT
    if (stats->received != outcomes)
        broken_promise("received = sum of outcomes",
                       "worker %d: %" PRIu64 " received, %" PRIu64 " outcomes", number,
                       stats->received, outcomes);
    if (!is_running(worker))
        return;
    uint64_t clients = registry_count(worker->decider.registry) + streams_of(worker);
    /* A client that leaves is counted with its batch, which may wait for space in a send buffer. */
    uint64_t missing = stats->joined - clients - ends(stats);
    /* Where clients were registered again by an upgrade meanwhile, it counted as expired, too. */
    if (upgrades_copied_ms() != 0 && -missing <= BATCH_MAX * CONFIG_LISTEN_MAX)
        missing = 0;
    if (missing > BATCH_MAX * CONFIG_LISTEN_MAX || (missing > 0 && !totals_may_wait()))
        broken_promise("joined = clients + ends",
                       "worker %d: %" PRIu64 " joined, %" PRIu64 " clients, %" PRIu64 " ends",
                       number, stats->joined, clients, ends(stats));
}

static void expect(const char *counter, uint64_t counted, uint64_t seen)
{
    if (counted != seen)
        broken_promise("the counters are what the kernel has seen",
                       "%s is %" PRIu64 ", the kernel has seen %" PRIu64, counter, counted, seen);
}

/* Called while no reply waits: each reply was sent or has failed. One that failed and that the
 * kernel did not refuse found no room in the memory of waiting replies, which is four times
 * receive-buffer (docs/security.md). Memory is reclaimed in the order of the replies, so the bytes
 * of all replies since none waited are compared with it. Half of it may be unused, since its end
 * may be too short for a reply. */
static void check_failed_replies(const struct stats *sum)
{
    uint64_t failed = totals.replies - totals.replied, no_room = failed - totals.reply_failed;
    bool may_be_full = totals.reply_bytes >= UINT64_C(4) * setup.receive_buffer / 2;
    if (sum->reply_failed != failed)
        broken_promise("each reply is sent or has failed",
                       "reply_failed is %" PRIu64 ", and %" PRIu64 " were not sent",
                       sum->reply_failed, failed);
    if (no_room > totals.no_room && !may_be_full)
        broken_promise("replies fail for lack of room only when many wait",
                       "%" PRIu64 " have failed, of %" PRIu64 " bytes", no_room - totals.no_room,
                       totals.reply_bytes);
    totals.no_room = no_room;
    totals.reply_bytes = 0;
}

/* A hello with a name counts when it is received, and is answered when its name is decided on. */
static void check_named(uint64_t named)
{
    if (named < totals.named + totals.claims_answered || named > totals.named + names_claims())
        broken_promise("each hello is answered",
                       "named is %" PRIu64 "; %" PRIu64 " were answered at once, %" PRIu64
                       " later, of %" PRIu64,
                       named, totals.named, totals.claims_answered, names_claims());
}

/* What was counted in this start. */
static struct stats since_start(const struct stats *sum)
{
    struct stats since = *sum;
    for (size_t i = 0; has_base && i < STATS_COUNT; i++)
        stats_set(&since, i, stats_value(sum, i) - stats_value(&base, i));
    return since;
}

static void check_counters(const struct stats *sum)
{
    struct offloaded_counts uncounted = offloaded_uncounted(sum);
    expect("received", sum->received + uncounted.replied + uncounted.silenced,
           totals.datagrams + totals.stream_messages);
    expect("replied", sum->replied + uncounted.replied, totals.replied);
    check_failed_replies(sum);
    expect("challenged", sum->challenged, totals.challenged);
    expect("ponged", sum->ponged, totals.ponged);
    check_named(sum->named);
    names_check(sum);
    expect("challenge_failed", sum->challenge_failed, totals.challenge_failed);
    expect("copies_sent", sum->copies_sent, copies_taken());
    expect("copies_failed", sum->copies_failed, copies_refused());
    expect("offload_copies", sum->offload_copies, frames_count());
    expect("direct_sent", sum->direct_sent, direct_taken());
    if (sum->direct_failed < direct_refused())
        expect("direct_failed", sum->direct_failed, direct_refused());
    outcomes_check(sum);
}

/* Prints what the model knows, for a broken promise. */
static void print_model(int number)
{
    for (uint32_t i = 1; i <= model_count(); i++) {
        const struct model_entry *entry = model_entry(i);
        char text[ADDR_TEXT_BYTES];
        if (entry->worker == number)
            fprintf(stderr,
                    "\n  %s, listener %d: must until %" PRIu64 ", may until %" PRIu64
                    ", kept until %" PRIu64 "%s",
                    addr_format(&entry->source, text), entry->listener, entry->sure_until_ms,
                    entry->may_until_ms, entry->kept_until_ms,
                    registry_find(roles_worker((size_t)number)->decider.registry,
                                  (uint8_t)entry->listener, &entry->source, simulated_clock_ms(),
                                  NULL)
                        ? ", found"
                        : "");
    }
}

static void check_registry(int number, const struct worker *worker,
                           const struct model_bounds *bounds)
{
    uint32_t at_least = bounds->at_least[number], at_most = bounds->at_most[number];
    uint32_t clients = registry_count(worker->decider.registry);
    if (clients < at_least || clients > at_most)
        print_model(number);
    if (clients < at_least)
        broken_promise("no client is evicted before ttl",
                       "worker %d has %" PRIu32 " clients, and %" PRIu32 " must be registered",
                       number, clients, at_least);
    if (clients > at_most)
        broken_promise("each client expires within ttl and a sweep",
                       "worker %d has %" PRIu32 " clients, and %" PRIu32 " may be registered",
                       number, clients, at_most);
}

static void check_limit(const char *key, uint64_t count, uint64_t limit)
{
    if (count > limit)
        broken_promise("there are no more clients than the configuration allows",
                       "%" PRIu64 " clients, and %s = %" PRIu64, count, key, limit);
}

void totals_check_idle(void)
{
    struct stats sum = {.received = 0};
    uint64_t clients = broken_is("max") ? setup.clients_max : 0;
    bool all_run = true;
    for (size_t i = 0; i < roles_worker_count(); i++) {
        const struct worker *worker = roles_worker(i);
        stats_add(&sum, &worker->stats);
        all_run &= is_running(worker);
        if (!is_running(worker))
            continue;
        check_registry((int)i, worker, model_bounds());
        clients += registry_count(worker->decider.registry);
    }
    check_limit("clients.max", clients, setup.clients_max);
    check_limit("server.stream-max", totals_streams(), setup.stream_max);
    /* Replies that wait for space are not yet counted. */
    if (all_run && roles_worker_count() > 0 && !totals_may_wait()) {
        struct stats since = since_start(&sum);
        check_counters(&since);
    }
}

static uint64_t final(const char *counter)
{
    uint64_t value;
    if (!simulated_log_final(counter, &value))
        broken_promise("the final report has all counters", "%s is missing", counter);
    return value;
}

static uint64_t final_since_start(const char *counter)
{
    for (size_t i = 0; i < STATS_COUNT; i++)
        if (strcmp(stats_name(i), counter) == 0)
            return final(counter) - stats_value(&base, i);
    return final(counter);
}

void totals_check_start(bool is_restored)
{
    base = (struct stats){.received = 0};
    has_base = is_restored;
    for (size_t i = 0; i < roles_worker_count(); i++) {
        const struct worker *worker = roles_worker(i);
        static const struct stats none;
        stats_add(&base, &worker->stats);
        if (is_restored)
            continue;
        if (registry_count(worker->decider.registry) != 0 ||
            memcmp(&worker->stats, &none, sizeof none) != 0)
            broken_promise("a start begins without clients and counts",
                           "worker %zu has %" PRIu32 " clients and has received %" PRIu64, i,
                           registry_count(worker->decider.registry), worker->stats.received);
    }
}

void totals_reset(void)
{
    totals = (struct totals){.datagrams = 0};
    names_reset();
}

void totals_check_final(void)
{
    uint64_t outcomes = 0;
#define STAT(name, meaning) outcomes += final(#name);
    STATS_OUTCOMES(STAT)
#undef STAT
    if (final("received") != outcomes)
        broken_promise("received = sum of outcomes",
                       "at the end: %" PRIu64 " received, %" PRIu64 " outcomes", final("received"),
                       outcomes);
    expect("received", final_since_start("received"), totals.datagrams + totals.stream_messages);
    expect("replied", final_since_start("replied"), totals.replied);
    expect("reply_failed", final_since_start("reply_failed"), totals.replies - totals.replied);
    expect("copies_sent", final_since_start("copies_sent"), copies_taken());
    expect("offload_copies", final_since_start("offload_copies"), frames_count());
    expect("direct_sent", final_since_start("direct_sent"), direct_taken());
    expect("challenged", final_since_start("challenged"), totals.challenged);
    check_named(final_since_start("named"));
    if (final_since_start("listen_lost") < subscribers_losses())
        expect("listen_lost", final_since_start("listen_lost"), subscribers_losses());
    if (final_since_start("kernel_drops") > totals.kernel_drops)
        expect("kernel_drops", final_since_start("kernel_drops"), totals.kernel_drops);
}
