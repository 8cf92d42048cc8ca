#include "sim/check/limits.h"

#include "sim/check/model_places.h"
#include "sim/check/roles.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/hash.h"
#include "sim/core/trace.h"
#include "sim/os/process.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <string.h>

enum {
    TABLE = 4096,
    ADDRESSES_PER_PREFIX = 32, /* a prefix gets this many times the rate and burst of an address */
    CLOCK_MS = 4,              /* the server's clock counts milliseconds, and is read later */
};

/* A leaky bucket of an address or prefix, in thousandths of an answer. */
static struct bucket {
    struct addr addr; /* family ADDR_NONE: free */
    bool is_prefix;
    uint64_t level, changed_ms;
} table[TABLE];

/* Whether the limits may have been other ones. */
static bool has_changed(void)
{
    return settings_change || settings_applied() > 0;
}

/* The change of the settings that the table is of, and when it was applied. */
static unsigned applied;
static uint64_t applied_ms;

/* Whether an answer may be by other limits than those of the settings. After a change each bucket
 * has at most a burst, so the limits are checked again from then on. Answers of before may still be
 * sent a little later. */
static bool is_changing(void)
{
    enum { SENT_MS = 1000 };
    if (settings_change || settings_applied() != applied) {
        applied = settings_applied();
        applied_ms = event_queue_now_ms();
        memset(table, 0, sizeof table);
        return true;
    }
    return applied > 0 && event_queue_now_ms() - applied_ms < SENT_MS;
}

/* ---- the rate ---- */

static struct bucket *bucket_of(const struct addr *source, bool is_prefix)
{
    struct addr addr = {.family = source->family};
    size_t length = source->family == ADDR_IPV4 ? 4 - is_prefix : 8 - 2 * is_prefix;
    memcpy(addr.ip, source->ip, length);
    size_t at = hash_add_addr(is_prefix, &addr) % TABLE;
    while (table[at].addr.family != ADDR_NONE &&
           (!addr_equal(&table[at].addr, &addr) || table[at].is_prefix != is_prefix))
        at = (at + 1) % TABLE;
    table[at].addr = addr;
    table[at].is_prefix = is_prefix;
    return &table[at];
}

static void count_answer(struct bucket *bucket, uint64_t rate_pps, uint64_t burst)
{
    uint64_t now_ms = event_queue_now_ms(), leaks = rate_pps * (now_ms - bucket->changed_ms);
    bucket->changed_ms = now_ms;
    bucket->level = (bucket->level > leaks ? bucket->level - leaks : 0) + 1000;
    if (bucket->level > 1000 * burst + rate_pps * CLOCK_MS)
        broken_promise(bucket->is_prefix ? "a prefix gets no more answers than its rate allows"
                                         : "an address gets no more answers than its rate allows",
                       "%" PRIu64 " answers a second, and %" PRIu64 " at once", rate_pps, burst);
}

void limits_reset(void)
{
    memset(table, 0, sizeof table);
    applied = settings_applied();
    applied_ms = event_queue_now_ms();
}

void limits_answer(const struct addr *source)
{
    uint64_t rate_pps = settings.rate_pps, burst = settings.burst;
    if (is_changing() || rate_pps == 0 || settings.dry_run)
        return;
    if (burst == 0)
        burst = rate_pps;
    /* Verified and unverified datagrams of an address have separate limits. */
    unsigned limits = settings.cookie ? 2 : 1, addresses = ADDRESSES_PER_PREFIX;
    if (broken_is("prefix-rate"))
        addresses = 0;
    count_answer(bucket_of(source, false), limits * rate_pps, limits * burst);
    count_answer(bucket_of(source, true), addresses * limits * rate_pps,
                 addresses * limits * burst);
}

/* ---- the clients of a prefix ---- */

static bool is_registered(const struct model_entry *entry)
{
    if (entry->worker < 0 || !model_is_possible(entry))
        return false;
    const struct worker *worker = roles_worker((size_t)entry->worker);
    return worker->io_by_listener != NULL &&
           registry_find(worker->decider.registry, (uint8_t)entry->listener, &entry->source,
                         simulated_clock_ms(), NULL);
}

void limits_registered(const struct model_entry *entry)
{
    uint32_t clients = 0, joined = 0, most = settings.per_prefix - (broken_is("prefix") ? 1 : 0);
    if (settings.per_prefix == 0 || settings.dry_run || has_changed())
        return;
    uint32_t next = 0;
    for (const struct model_entry *other; (other = model_next_occupying(&next)) != NULL;)
        if (model_same_prefix(&other->source, &entry->source) && is_registered(other)) {
            clients++;
            joined += !other->is_restored;
        }
    /* More may be restored, and then nobody joins. */
    if (clients > most && joined > 0)
        broken_promise("a prefix has no more clients than per-prefix allows",
                       "the prefix of source %" PRIu32 " has %" PRIu32 ", and may have %" PRIu32,
                       entry->number, clients, most);
}
