#include "sim/check/shards.h"

#include "sim/check/roles.h"
#include "sim/core/trace.h"

#include <inttypes.h>
#include <string.h>

#define PROMISE "a client belongs to the worker that its source names"

static bool is_accepted, is_refused; /* by the kernel, in this start */
static struct shards_key used;

/* Each word is mixed in by two multiplications, each followed by a division that the hash is
 * combined with. */
static uint32_t add_word(const struct shards_key *key, uint32_t hash, uint32_t word)
{
    static const uint32_t divisors[2] = {1 << 15, 1 << 16};
    uint64_t value = hash ^ word;
    for (size_t i = 0; i < 2; i++) {
        value = value * key->multipliers[i] % (UINT64_C(1) << 32);
        value ^= value / divisors[i];
    }
    return (uint32_t)value;
}

uint32_t shards_of(const struct shards_key *key, const struct addr *source, uint32_t count)
{
    uint32_t words[6] = {source->port}; /* the last one is 0 */
    size_t word_count = source->family == ADDR_IPV6 ? 6 : 3;
    for (size_t i = 0; i < 4 * (word_count - 2); i++)
        words[1 + i / 4] = words[1 + i / 4] * 256 + source->ip[i];
    uint32_t hash = key->start;
    for (size_t i = 0; i < word_count; i++)
        hash = add_word(key, hash, words[i]);
    return hash % count;
}

void shards_asked(const struct shards_key *key, int error)
{
    if (error != 0) {
        is_refused = true;
        return;
    }
    if (is_accepted && memcmp(&used, key, sizeof used) != 0)
        broken_promise("all listeners have one key for the choice of the worker",
                       "%08" PRIx32 " and %08" PRIx32, used.start, key->start);
    is_accepted = true;
    used = *key;
}

void shards_reset(void)
{
    is_accepted = is_refused = false;
}

/* Returns the worker of a source, or -1: the kernel chooses it, or it is another kind of listener.
 * Clients that were restored may be registered before the kernel is asked. */
static int expected(int listener, const struct addr *source)
{
    size_t workers = roles_worker_count();
    if (!roles_is_unicast(listener) || (is_refused && !is_accepted))
        return -1;
    if (workers == 1)
        return 0;
    return is_accepted ? (int)shards_of(&used, source, (uint32_t)workers) : SHARDS_UNDECIDED;
}

int shards_worker_of(int listener, const struct addr *source)
{
    return roles_is_unicast(listener) ? expected(listener, source) : 0;
}

void shards_check_worker(int listener, const struct addr *source, int worker)
{
    int should = expected(listener, source);
    if (should == SHARDS_UNDECIDED)
        broken_promise(PROMISE, "the server has not asked the kernel for that");
    if (should >= 0 && should != worker)
        broken_promise(PROMISE, "listener %d, port %d: worker %d, not %d", listener, source->port,
                       worker, should);
}

void shards_check_registered(const struct model_entry *entry, uint64_t now_ms)
{
    size_t workers = roles_worker_count();
    if (workers < 2)
        return; /* there is no other worker */
    int should = expected(entry->listener, &entry->source);
    for (size_t i = 0; should >= 0 && i < workers; i++) {
        const struct worker *worker = roles_worker(i);
        struct client client;
        if ((int)i != should && worker->io_by_listener != NULL &&
            registry_find(worker->decider.registry, (uint8_t)entry->listener, &entry->source,
                          now_ms, &client))
            broken_promise(PROMISE, "listener %d, port %d: registered in worker %zu, not %d",
                           entry->listener, entry->source.port, i, should);
    }
}
