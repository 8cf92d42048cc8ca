/* The registry compared with a plain list of clients during long random use. There are few names
 * and fewer slots, so that searches wrap around, slots are reused and the registry is often full.
 * UDPSRV_SLOW=1 (for valgrind) shortens it. */
#include "registry_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPERATIONS = 500000, /* in each of the seven trials */
    SLOW_OPERATIONS = 25000,
    COMPARE_EVERY = 100, /* operations */
    NAMES_MAX = 200,
    WALKS = 3,
    WALK_MAX = 8,
};

/* An element of the list. */
struct known {
    bool present; /* registered; if its deadline has passed, the sweep may have removed it */
    uint64_t deadline_ms, last_ms, joined_ms;
    uint32_t received;
    uint32_t local;
    uint32_t life;        /* how often it has joined */
    uint32_t ttl_changes; /* before its last datagram */
    uint32_t slot;        /* in the registry; the same until it leaves */
};

/* A walk, with the life of each client in which the walk began and met it; 0: none. */
struct walker {
    struct registry_walk walk;
    bool registered;
    uint32_t began_in[NAMES_MAX], met_in[NAMES_MAX];
};

struct trial {
    struct shard shard;
    uint64_t random;
    uint32_t names;
    uint64_t now_ms;
    uint32_t ttl_ms, ttl_changes;
    struct known known[NAMES_MAX];
    bool sweeping;
    uint64_t sweep_ms; /* when the current sweep, or the last one, began */
    uint64_t swept_ms; /* the deadlines of removed clients are not later */
    uint32_t gone;     /* how many present clients the sweep has removed; which ones is not known */
    struct walker walkers[WALKS];
    struct happened {
        uint64_t joined, renewed, rejoined, refused, removed, expired, walked;
    } happened;
};

/* A name stands for a listener, family, IP address, scope and port, with few values of each. */
static uint8_t listener_of(uint32_t name)
{
    return (uint8_t)(name % 3);
}

static struct addr source_of(uint32_t name)
{
    uint32_t rest = name / 3;
    struct addr source = {.family = rest % 2 ? ADDR_IPV6 : ADDR_IPV4};
    rest /= 2;
    source.ip[3] = (uint8_t)(rest % 2);
    if (source.family == ADDR_IPV6)
        source.scope = rest / 2 % 2;
    else
        source.ip[0] = (uint8_t)(rest / 2 % 2);
    source.port = (uint16_t)(1 + rest / 4);
    return source;
}

static uint32_t name_of(const struct client *client)
{
    const struct addr *source = &client->source;
    uint32_t bit = source->family == ADDR_IPV6 ? source->scope : source->ip[0];
    uint32_t rest = (source->port - 1U) * 4 + bit * 2 + source->ip[3];
    return (rest * 2 + (source->family == ADDR_IPV6)) * 3 + client->listener;
}

static struct addr local_of(uint32_t number)
{
    static const struct addr locals[] = {
        {.family = ADDR_NONE},
        {.ip = {127, 0, 0, 1}, .family = ADDR_IPV4},
        {.ip = {127, 0, 0, 2}, .family = ADDR_IPV4},
        {.ip = {[15] = 1}, .family = ADDR_IPV6},
    };
    return locals[number];
}
enum { LOCALS = 4 };

static uint32_t below(struct trial *trial, uint32_t limit)
{
    return random_below(&trial->random, limit);
}

static bool is_live_in_list(const struct trial *trial, uint32_t name)
{
    const struct known *known = &trial->known[name];
    return known->present && known->deadline_ms > trial->now_ms;
}

/* Counts the present clients, and in *dead those of them whose deadline has passed. */
static uint32_t count_present(const struct trial *trial, uint32_t *dead)
{
    uint32_t present = 0;
    *dead = 0;
    for (uint32_t name = 0; name < trial->names; name++) {
        present += trial->known[name].present;
        *dead += trial->known[name].present && !is_live_in_list(trial, name);
    }
    return present;
}

static void counts_agree(const struct trial *trial)
{
    uint32_t dead, present = count_present(trial, &dead);
    cr_assert_leq(trial->gone, dead, "a client was removed before its deadline");
    cr_assert_eq(registry_count(trial->shard.registry), present - trial->gone);
    cr_assert_leq(registry_count(trial->shard.registry), trial->shard.capacity);
}

/* A client whose deadline has passed turns out to be removed already. */
static void was_evicted(struct trial *trial, uint32_t name)
{
    cr_assert_gt(trial->gone, 0, "no client was removed");
    cr_assert_leq(trial->known[name].deadline_ms, trial->swept_ms);
    trial->gone--;
    trial->known[name].present = false;
}

/* The time to pass in, sometimes an earlier one. */
static uint64_t passed_ms(struct trial *trial)
{
    uint64_t back_ms = below(trial, 10) == 0 ? below(trial, 100000) : 0;
    return back_ms < trial->now_ms ? trial->now_ms - back_ms : 0;
}

static void client_agrees(struct trial *trial, uint32_t name, const struct client *client)
{
    cr_assert_lt(name, trial->names);
    cr_assert(is_live_in_list(trial, name), "%" PRIu32 " isn't live", name);
    struct known *known = &trial->known[name];
    const struct addr source = source_of(name), local = local_of(known->local);
    cr_assert(addr_is_same(&client->source, &source) && addr_is_same(&client->local, &local));
    cr_assert_eq(client->listener, listener_of(name));
    cr_assert_eq(client->received, known->received);
    if (trial->ttl_changes - known->ttl_changes < 256)
        cr_assert_eq(client->idle_ms, trial->now_ms - known->last_ms);
    uint64_t age_s = (trial->now_ms - known->joined_ms) / 1000;
    cr_assert(client->age_s == age_s || client->age_s == age_s + 1);
    cr_assert_lt(client->slot, 2 * trial->shard.capacity);
    if (known->slot == UINT32_MAX)
        known->slot = client->slot;
    cr_assert_eq(client->slot, known->slot, "it moved");
}

/* ---- operations on the registry and the list ---- */

static void record_one(struct trial *trial, uint32_t name)
{
    struct known *known = &trial->known[name];
    struct addr source = source_of(name);
    uint32_t local_number = below(trial, 20) == 0 ? below(trial, LOCALS) : known->local;
    struct addr local = local_of(local_number);
    bool was_full = registry_count(trial->shard.registry) == trial->shard.capacity;
    enum registry_outcome outcome =
        record_at(&trial->shard, listener_of(name), source, local, passed_ms(trial));
    if (known->present && !is_live_in_list(trial, name) && outcome != REGISTRY_REJOINED)
        was_evicted(trial, name);
    enum registry_outcome expected = is_live_in_list(trial, name) ? REGISTRY_RENEWED
                                     : known->present             ? REGISTRY_REJOINED
                                     : was_full                   ? REGISTRY_REFUSED
                                                                  : REGISTRY_JOINED;
    cr_assert_eq(outcome, expected, "%d for %d", (int)outcome, (int)expected);
    switch (outcome) {
    case REGISTRY_PREFIX_FULL:
    case REGISTRY_UNKNOWN:
    case REGISTRY_LEFT:
        return; /* impossible for REGISTRY_JOIN without a prefix cap */
    case REGISTRY_REFUSED:
        trial->happened.refused++;
        return;
    case REGISTRY_RENEWED:
        trial->happened.renewed++;
        known->received++;
        break;
    case REGISTRY_JOINED:
        trial->happened.joined++;
        known->slot = UINT32_MAX;
        /* fallthrough */
    case REGISTRY_REJOINED:
        trial->happened.rejoined += outcome == REGISTRY_REJOINED;
        known->life++;
        known->received = 1;
        known->joined_ms = trial->now_ms;
    }
    known->present = true;
    known->local = local_number;
    known->last_ms = trial->now_ms;
    known->deadline_ms = trial->now_ms + trial->ttl_ms;
    known->ttl_changes = trial->ttl_changes;
}

static void remove_one(struct trial *trial, uint32_t name)
{
    struct known *known = &trial->known[name];
    struct addr source = source_of(name);
    bool removed = registry_remove(trial->shard.registry, listener_of(name), &source);
    if (known->present && !is_live_in_list(trial, name) && !removed)
        was_evicted(trial, name);
    cr_assert_eq(removed, known->present);
    known->present = false;
    trial->happened.removed += removed;
}

static void find_one(struct trial *trial, uint32_t name)
{
    struct client client;
    struct addr source = source_of(name);
    bool found =
        registry_find(trial->shard.registry, listener_of(name), &source, passed_ms(trial), &client);
    cr_assert_eq(found, is_live_in_list(trial, name));
    if (found)
        client_agrees(trial, name, &client);
}

static void let_time_pass(struct trial *trial)
{
    uint32_t kind = below(trial, 1000);
    if (kind == 0)
        trial->now_ms += below(trial, 50000000); /* a jump of up to 14 hours */
    else if (kind < 300)
        trial->now_ms += below(trial, trial->ttl_ms / 4 + 2);
    else
        trial->now_ms += below(trial, 1 + trial->ttl_ms / 50);
    /* After this the registry knows that time, even if an earlier one is passed in later. */
    const struct addr unknown = {.ip = {1}, .port = 1, .family = ADDR_IPV6};
    cr_assert_not(registry_find(trial->shard.registry, 0, &unknown, trial->now_ms, NULL));
}

/* At the end of a sweep all clients are removed whose deadline had passed when it began. */
static void end_sweep(struct trial *trial)
{
    trial->sweeping = false;
    for (uint32_t name = 0; name < trial->names; name++) {
        struct known *known = &trial->known[name];
        if (!known->present || known->deadline_ms > trial->sweep_ms)
            continue;
        known->present = false;
        cr_assert_gt(trial->gone, 0, "the sweep has not removed a client that was due");
        trial->gone--;
    }
    if (trial->sweep_ms == trial->now_ms)
        cr_assert_eq(trial->gone, 0);
}

static void sweep_some(struct trial *trial)
{
    uint32_t budget = below(trial, 3) == 0 ? 10000 : below(trial, 5);
    uint64_t expired = 5;
    if (!trial->sweeping && budget > 0)
        trial->sweep_ms = trial->now_ms;
    bool more = registry_sweep(trial->shard.registry, passed_ms(trial), budget, &expired);
    trial->sweeping |= budget > 0;
    expired -= 5;
    cr_assert_leq(expired, budget);
    trial->gone += (uint32_t)expired;
    trial->swept_ms = trial->now_ms;
    trial->happened.expired += expired;
    counts_agree(trial);
    cr_assert(!more || budget < 10000, "the sweep doesn't end");
    if (!more)
        end_sweep(trial);
}

static void change_ttl(struct trial *trial)
{
    static const uint32_t ttls_ms[] = {1, 50, 128, 1000, 5000, 60000, 600000, 3000000};
    uint32_t ttl_ms = ttls_ms[below(trial, sizeof ttls_ms / sizeof ttls_ms[0])];
    trial->ttl_changes += ttl_ms != trial->ttl_ms;
    trial->ttl_ms = ttl_ms;
    registry_set_ttl(trial->shard.registry, ttl_ms);
}

/* ---- walks ---- */

static void begin_walk(struct trial *trial, struct walker *walker)
{
    walker->registered = below(trial, 2);
    walker->walk =
        walker->registered ? registry_walk_registered(trial->shard.registry) : registry_walk_all();
    for (uint32_t name = 0; name < trial->names; name++) {
        walker->began_in[name] = is_live_in_list(trial, name) ? trial->known[name].life : 0;
        walker->met_in[name] = 0;
    }
}

/* A client that has been live since the walk began must have been returned in that life. */
static void end_walk(const struct trial *trial, const struct walker *walker)
{
    for (uint32_t name = 0; name < trial->names; name++) {
        uint32_t life = trial->known[name].life;
        if (is_live_in_list(trial, name) && walker->began_in[name] == life)
            cr_assert_eq(walker->met_in[name], life, "%" PRIu32 " was missed", name);
    }
}

static void continue_walk(struct trial *trial, struct walker *walker)
{
    struct client clients[WALK_MAX];
    size_t max = 1 + below(trial, WALK_MAX);
    size_t count =
        registry_walk_next(trial->shard.registry, &walker->walk, passed_ms(trial), clients, max);
    cr_assert_leq(count, max);
    trial->happened.walked += count;
    /* Sometimes the walk is rewound. */
    size_t taken = below(trial, 4) == 0 ? below(trial, (uint32_t)count + 1) : count;
    for (size_t i = 0; i < count; i++) {
        uint32_t name = name_of(&clients[i]);
        client_agrees(trial, name, &clients[i]);
        uint32_t life = trial->known[name].life;
        cr_assert_neq(walker->met_in[name], life, "%" PRIu32 " is returned twice", name);
        cr_assert(!walker->registered || walker->began_in[name] == life, "%" PRIu32 " joined later",
                  name);
        if (i < taken)
            walker->met_in[name] = life;
    }
    if (taken < count) {
        registry_walk_rewind(&walker->walk, &clients[taken]);
    } else if (walker->walk.ended) {
        end_walk(trial, walker);
        begin_walk(trial, walker);
    }
}

/* Compares all clients, and checks that no two have the same slot. */
static void compare_all(struct trial *trial)
{
    struct client clients[NAMES_MAX + 1];
    bool taken[2 * NAMES_MAX] = {false};
    size_t count = walk_all(&trial->shard, trial->now_ms, clients);
    for (size_t i = 0; i < count; i++) {
        uint32_t name = name_of(&clients[i]);
        client_agrees(trial, name, &clients[i]);
        cr_assert_not(taken[clients[i].slot]);
        taken[clients[i].slot] = true;
    }
    uint32_t dead, present = count_present(trial, &dead);
    cr_assert_eq(count, present - dead);
    counts_agree(trial);
}

/* ---- trials ---- */

static void step(struct trial *trial)
{
    uint32_t name = below(trial, trial->names), kind = below(trial, 1000);
    if (kind < 600)
        record_one(trial, name);
    else if (kind < 660)
        remove_one(trial, name);
    else if (kind < 740)
        find_one(trial, name);
    else if (kind < 820)
        let_time_pass(trial);
    else if (kind < 899)
        sweep_some(trial);
    else if (kind < 900)
        change_ttl(trial);
    else
        continue_walk(trial, &trial->walkers[below(trial, WALKS)]);
    counts_agree(trial);
}

static void run(uint32_t capacity, uint32_t names, uint64_t start_ms)
{
    const char *slow = getenv("UDPSRV_SLOW");
    uint32_t operations = slow != NULL && strcmp(slow, "1") == 0 ? SLOW_OPERATIONS : OPERATIONS;
    if (operations < OPERATIONS)
        fprintf(stderr, "registry_random: UDPSRV_SLOW, %" PRIu32 " operations for %d\n", operations,
                OPERATIONS);
    struct trial *trial = calloc(1, sizeof *trial);
    cr_assert(trial != NULL && names <= NAMES_MAX && capacity <= NAMES_MAX);
    trial->shard = shard_new(capacity, 1000, start_ms);
    trial->random = capacity;
    trial->names = names;
    trial->now_ms = start_ms;
    trial->ttl_ms = 1000;
    for (size_t i = 0; i < WALKS; i++)
        begin_walk(trial, &trial->walkers[i]);
    for (uint32_t operation = 0; operation < operations; operation++) {
        step(trial);
        if (operation % COMPARE_EVERY == 0)
            compare_all(trial);
    }
    compare_all(trial);
    /* All that is to be tested happened, and often. */
    struct happened *happened = &trial->happened;
    uint64_t often = operations / 5000;
    cr_assert(happened->joined > often && happened->renewed > often && happened->removed > often &&
              happened->expired > often && happened->rejoined > often / 10 &&
              happened->refused > often && happened->walked > often);
    shard_free(&trial->shard);
    free(trial);
}

#define TRIAL(name, capacity, names, start_ms)             \
    Test(registry_random, agrees_with_a_plain_list_##name) \
    {                                                      \
        run(capacity, names, start_ms);                    \
    }

TRIAL(of_one, 1, 6, 0)
TRIAL(of_two, 2, 6, (UINT64_C(1) << 31) - 1000000)
TRIAL(of_three, 3, 12, (UINT64_C(1) << 32) - 1000000)
TRIAL(of_eight, 8, 24, (UINT64_C(1) << 38) - 1000000)
TRIAL(of_twenty_one, 21, 36, (UINT64_C(1) << 39) - 1)
TRIAL(of_sixty_four, 64, 100, 1)
TRIAL(of_a_hundred, 100, 150, 123456789)
