#include "registry_fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Edges by name: who is who, full, removal, the index, and the memory. Time is in registry_time.c,
 * walks are in registry_walk.c. */

enum { TTL_MS = 60000 };

Test(registry, is_empty_at_first)
{
    struct shard shard = shard_new(3, TTL_MS, 5);
    struct client clients[4];
    cr_assert_eq(registry_count(shard.registry), 0);
    cr_assert_eq(walk_all(&shard, 5, clients), 0);
    cr_assert_eq(sweep(&shard, 5), 0);
    cr_assert_not(is_live(&shard, any_source(0), 5));
    cr_assert_not(is_live(&shard, any_source(1), 5));
    shard_free(&shard);
}

Test(registry, joins_a_new_client_and_renews_a_known_one)
{
    struct shard shard = shard_new(10, TTL_MS, 0);
    for (uint32_t n = 0; n < 10; n++) {
        cr_assert_eq(touch(&shard, any_source(n), n), REGISTRY_JOINED);
        cr_assert_eq(registry_count(shard.registry), n + 1);
        for (uint32_t known = 0; known <= n; known++)
            cr_assert_eq(touch(&shard, any_source(known), n), REGISTRY_RENEWED);
        cr_assert_eq(registry_count(shard.registry), n + 1, "a duplicate counts once");
    }
    shard_free(&shard);
}

/* Sources of a batch, each a number, and what must become of them. */
static void touch_batch(struct shard *shard, const uint32_t *sources,
                        const enum registry_outcome *expected, size_t count)
{
    const struct addr none = {.family = ADDR_NONE};
    struct addr addrs[8];
    struct registry_datagram visits[8];
    size_t renewed = 0;
    for (size_t i = 0; i < count; i++) {
        addrs[i] = any_source(sources[i]);
        visits[i] = (struct registry_datagram){.source = &addrs[i], .local = &none};
        renewed += expected[i] == REGISTRY_RENEWED;
    }
    cr_assert_eq(registry_update(shard->registry, 0, visits, count, 0), renewed);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(visits[i].touched, expected[i], "datagram %zu: %d", i, visits[i].touched);
}

Test(registry, records_a_batch_in_its_order)
{
    static const uint32_t sources[] = {0, 1, 0, 2, 3, 1, 3, 0};
    static const enum registry_outcome expected[] = {
        REGISTRY_JOINED,  REGISTRY_JOINED,  REGISTRY_RENEWED, REGISTRY_JOINED,
        REGISTRY_REFUSED, REGISTRY_RENEWED, REGISTRY_REFUSED, REGISTRY_RENEWED};
    struct shard shard = shard_new(3, TTL_MS, 0);
    touch_batch(&shard, sources, expected, 8);
    cr_assert_eq(registry_count(shard.registry), 3);
    cr_assert_eq(found(&shard, any_source(0), 0).received, 3);
    cr_assert_eq(found(&shard, any_source(1), 0).received, 2);
    cr_assert_eq(found(&shard, any_source(2), 0).received, 1);
    cr_assert_eq(registry_update(shard.registry, 0, NULL, 0, 0), 0);
    shard_free(&shard);
}

enum { LARGEST = 341 };

static void fill_and_make_room(uint32_t capacity, uint32_t families, uint32_t first)
{
    struct client clients[LARGEST + 1];
    struct shard shard = shard_new(capacity, TTL_MS, 0);
    for (uint32_t n = 0; n < capacity; n++)
        cr_assert_eq(touch(&shard, any_source(families * n + first), 0), REGISTRY_JOINED);
    for (uint32_t n = 1000; n < 1004; n++)
        cr_assert_eq(touch(&shard, any_source(n), 1), REGISTRY_REFUSED);
    cr_assert_eq(registry_count(shard.registry), capacity);
    for (uint32_t n = 0; n < capacity; n++)
        cr_assert_eq(touch(&shard, any_source(families * n + first), 2), REGISTRY_RENEWED,
                     "a known client is renewed when all is full");
    cr_assert_eq(walk_all(&shard, 2, clients), capacity);
    for (uint32_t n = 0; n < capacity; n++) {
        cr_assert(take_out(&shard, any_source(families * n + first)));
        cr_assert_eq(touch(&shard, any_source(2000 + n), 3), REGISTRY_JOINED);
        cr_assert_eq(touch(&shard, any_source(3000), 3), REGISTRY_REFUSED);
    }
    cr_assert_eq(walk_all(&shard, 3, clients), capacity);
    cr_assert_eq(sweep(&shard, 3 + TTL_MS), capacity);
    cr_assert_eq(walk_all(&shard, 3 + TTL_MS, clients), 0);
    for (uint32_t n = 0; n < capacity; n++)
        cr_assert_eq(touch(&shard, any_source(families * n + first), 4 + TTL_MS), REGISTRY_JOINED);
    cr_assert_eq(touch(&shard, any_source(3000), 4 + TTL_MS), REGISTRY_REFUSED);
    shard_free(&shard);
}

Test(registry, refuses_the_first_client_too_many_and_takes_one_again_when_there_is_room)
{
    /* At 224 the set of those that live has no padding behind it. */
    static const uint32_t capacities[] = {1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 224, LARGEST};
    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
        fill_and_make_room(capacities[i], 2, 0); /* IPv4 alone */
        fill_and_make_room(capacities[i], 2, 1); /* IPv6 alone */
        fill_and_make_room(capacities[i], 1, 0);
    }
}

Test(registry, changes_nothing_when_it_refuses)
{
    struct shard shard = shard_new(2, TTL_MS, 0);
    touch(&shard, any_source(0), 0);
    touch(&shard, any_source(1), 10);
    struct client before = found(&shard, any_source(1), 20);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    cr_assert_eq(touch(&shard, any_source(2), 20), REGISTRY_REFUSED);
    cr_assert_not(is_live(&shard, any_source(2), 20));
    cr_assert_not(take_out(&shard, any_source(2)));
    struct client after = found(&shard, any_source(1), 20);
    cr_assert(addr_same(&before.source, &after.source));
    cr_assert(before.idle_ms == after.idle_ms && before.received == after.received &&
              before.slot == after.slot);
    cr_assert_eq(registry_walk_registered(shard.registry).joined_before, walk.joined_before);
    shard_free(&shard);
}

Test(registry, removes_a_client_once_and_says_so)
{
    struct shard shard = shard_new(4, TTL_MS, 0);
    cr_assert_not(take_out(&shard, any_source(0)), "nobody is there yet");
    touch(&shard, any_source(0), 0);
    touch(&shard, any_source(1), 0);
    cr_assert_not(take_out(&shard, any_source(2)));
    cr_assert(take_out(&shard, any_source(0)));
    cr_assert_not(take_out(&shard, any_source(0)));
    cr_assert_not(is_live(&shard, any_source(0), 0));
    cr_assert(is_live(&shard, any_source(1), 0));
    cr_assert_eq(registry_count(shard.registry), 1);
    cr_assert_eq(touch(&shard, any_source(0), 0), REGISTRY_JOINED);
    cr_assert_eq(found(&shard, any_source(0), 0).received, 1, "its life begins anew");
    shard_free(&shard);
}

/* ---- who is who ---- */

/* Joins all of them, each by its listener, and sees that each is found by its own name. */
static void are_all_apart(const struct addr *sources, const uint8_t *listeners, uint32_t count)
{
    struct shard shard = shard_new(count, TTL_MS, 0);
    const struct addr none = {.family = ADDR_NONE};
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k <= i; k++)
            cr_assert_eq(touch_at(&shard, listeners[i], sources[i], none, 0),
                         k ? REGISTRY_RENEWED : REGISTRY_JOINED, "client %" PRIu32, i);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct client client;
        cr_assert(registry_find(shard.registry, listeners[i], &sources[i], 0, &client));
        cr_assert(addr_same(&client.source, &sources[i]), "client %" PRIu32, i);
        cr_assert_eq(client.listener, listeners[i]);
        cr_assert_eq(client.received, i + 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        cr_assert(registry_remove(shard.registry, listeners[i], &sources[i]));
        cr_assert_eq(registry_count(shard.registry), count - i - 1);
        for (uint32_t k = 0; k < count; k++)
            cr_assert_eq(registry_find(shard.registry, listeners[k], &sources[k], 0, NULL), k > i);
    }
    shard_free(&shard);
}

Test(registry, tells_a_source_on_two_listeners_apart)
{
    const struct addr sources[] = {ipv4_source(1), ipv4_source(1), ipv4_source(1),
                                   ipv6_source(1), ipv6_source(1), ipv6_source(1)};
    const uint8_t listeners[] = {0, 1, 255, 0, 1, 255};
    are_all_apart(sources, listeners, 6);
}

Test(registry, tells_ports_apart)
{
    struct addr sources[8];
    const uint8_t listeners[8] = {0};
    const uint16_t ports[4] = {1, 256, 32768, 65535};
    for (size_t i = 0; i < 8; i++) {
        sources[i] = any_source(i % 2);
        sources[i].port = ports[i / 2];
    }
    are_all_apart(sources, listeners, 8);
}

Test(registry, tells_ipv6_scopes_apart)
{
    struct addr sources[5];
    const uint8_t listeners[5] = {0};
    const uint32_t scopes[5] = {0, 1, 2, 1U << 31, UINT32_MAX};
    for (size_t i = 0; i < 5; i++) {
        sources[i] = (struct addr){.ip = {0xfe, 0x80, [15] = 1}, .port = 4000, .family = ADDR_IPV6};
        sources[i].scope = scopes[i];
    }
    are_all_apart(sources, listeners, 5);
}

Test(registry, tells_ipv6_sources_apart_that_differ_in_a_single_bit)
{
    struct addr sources[129];
    const uint8_t listeners[129] = {0};
    for (size_t i = 0; i < 129; i++) {
        sources[i] = ipv6_source(0);
        if (i < 128)
            sources[i].ip[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    are_all_apart(sources, listeners, 129);
}

Test(registry, tells_families_of_the_same_bytes_apart)
{
    struct addr sources[5] = {{.ip = {10, 0, 0, 1}, .port = 4000, .family = ADDR_IPV4},
                              {.ip = {10, 0, 0, 1}, .port = 4000, .family = ADDR_IPV6},
                              {.port = 4000, .family = ADDR_IPV4},
                              {.port = 4000, .family = ADDR_IPV6},
                              {.port = 4000, .family = ADDR_IPV6}};
    const uint8_t listeners[5] = {0};
    /* The scope has the bytes of the IPv4 address. */
    memcpy(&sources[4].scope, sources[0].ip, sizeof sources[4].scope);
    are_all_apart(sources, listeners, 5);
}

Test(registry, gives_every_member_back_at_its_widest)
{
    struct shard shard = shard_new(2, TTL_MS, 0);
    struct addr sources[2] = {
        {.port = UINT16_MAX, .family = ADDR_IPV4},
        {.port = UINT16_MAX, .family = ADDR_IPV6, .scope = UINT32_MAX},
    };
    memset(sources[0].ip, 0xff, 4);
    memset(sources[1].ip, 0xff, 16);
    for (size_t i = 0; i < 2; i++) {
        struct addr local = sources[i];
        local.port = 0;
        local.scope = 0;
        touch_at(&shard, 255, sources[i], local, 0);
        struct client client;
        cr_assert(registry_find(shard.registry, 255, &sources[i], 0, &client));
        cr_assert(addr_same(&client.source, &sources[i]));
        cr_assert(addr_same(&client.local, &local));
        cr_assert_eq(client.listener, 255);
    }
    shard_free(&shard);
}

Test(registry, keeps_two_registries_apart)
{
    struct shard a = shard_new(3, TTL_MS, 0), b = shard_new(3, 1000, 50);
    touch(&a, any_source(0), 60);
    cr_assert_not(is_live(&b, any_source(0), 60));
    touch(&b, any_source(0), 60);
    touch(&b, any_source(1), 60);
    cr_assert(registry_count(a.registry) == 1 && registry_count(b.registry) == 2);
    cr_assert_eq(sweep(&b, 1060), 2);
    cr_assert(is_live(&a, any_source(0), 1060));
    cr_assert(take_out(&a, any_source(0)));
    cr_assert_eq(touch(&b, any_source(0), 1061), REGISTRY_JOINED);
    shard_free(&a);
    cr_assert(is_live(&b, any_source(0), 1061));
    shard_free(&b);
}

/* ---- our addresses ---- */

static enum registry_outcome touch_local(struct shard *shard, struct addr source, struct addr local)
{
    return touch_at(shard, 0, source, local, 0);
}

Test(registry, remembers_the_local_address_that_was_spoken_to_last)
{
    struct shard shard = shard_new(2, TTL_MS, 0);
    const struct addr none = {.family = ADDR_NONE};
    struct addr locals[3] = {ipv4_source(7), ipv4_source(8), none};
    locals[0].port = locals[1].port = 0;
    for (size_t i = 0; i < 9; i++) {
        touch_local(&shard, ipv4_source(1), locals[i % 3]);
        struct client client = found(&shard, ipv4_source(1), 0);
        cr_assert(addr_same(&client.local, &locals[i % 3]), "datagram %zu", i);
    }
    shard_free(&shard);
}

Test(registry, keeps_the_scope_of_a_link_local_address)
{
    struct shard shard = shard_new(2, TTL_MS, 0);
    struct addr local = {.ip = {0xfe, 0x80, [15] = 1}, .family = ADDR_IPV6};
    for (uint32_t scope = 3; scope < 5; scope++) {
        struct addr source = {
            .ip = {0xfe, 0x80, [15] = 2}, .scope = scope, .port = 1, .family = ADDR_IPV6};
        local.scope = scope;
        cr_assert_eq(touch_local(&shard, source, local), REGISTRY_JOINED);
        struct client client = found(&shard, source, 0);
        cr_assert(addr_same(&client.local, &local));
    }
    shard_free(&shard);
}

Test(registry, leaves_a_local_address_too_many_to_the_kernel_and_refuses_nobody)
{
    enum { LOCALS = 65535 };
    struct shard shard = shard_new(4, TTL_MS, 0);
    for (uint32_t n = 1; n <= LOCALS; n++) {
        struct addr local = ipv4_source(n);
        local.port = 0;
        cr_assert_eq(touch_local(&shard, ipv4_source(0), local),
                     n > 1 ? REGISTRY_RENEWED : REGISTRY_JOINED);
    }
    struct addr last = found(&shard, ipv4_source(0), 0).local, expected = ipv4_source(LOCALS);
    expected.port = 0;
    cr_assert(addr_same(&last, &expected));
    cr_assert_eq(touch_local(&shard, ipv4_source(0), ipv6_source(1)), REGISTRY_RENEWED);
    cr_assert_eq(found(&shard, ipv4_source(0), 0).local.family, ADDR_NONE);
    cr_assert_eq(touch_local(&shard, ipv4_source(1), ipv6_source(1)), REGISTRY_JOINED);
    cr_assert_eq(found(&shard, ipv4_source(1), 0).local.family, ADDR_NONE);
    cr_assert_eq(touch_local(&shard, ipv4_source(1), expected), REGISTRY_RENEWED);
    last = found(&shard, ipv4_source(1), 0).local;
    cr_assert(addr_same(&last, &expected));
    cr_assert_eq(registry_count(shard.registry), 2);
    shard_free(&shard);
}

/* ---- the index ---- */

/* The index of capacity 5 has 8 places; a client's home is in the top bits of its hash. */
enum { SMALL = 5, SMALL_PLACES = 8 };

/* The next source at or above n whose home is the given place. */
static uint32_t with_home(uint32_t n, uint32_t reply_mailbox)
{
    while (hash_of(any_source(n)) / (UINT64_MAX / SMALL_PLACES + 1) != reply_mailbox)
        n++;
    return n;
}

/* Removes the clients in the order that the number says, and sees that the rest is found. */
static void remove_in_order(struct shard *shard, const uint32_t clients[SMALL], uint32_t order)
{
    bool present[SMALL];
    for (uint32_t i = 0; i < SMALL; i++) {
        present[i] = true;
        cr_assert_eq(touch(shard, any_source(clients[i]), 0), REGISTRY_JOINED);
    }
    for (uint32_t left = SMALL; left > 0; left--) {
        uint32_t choice = order % left;
        order /= left;
        uint32_t gone = 0;
        while (!present[gone] || choice-- > 0)
            gone++;
        present[gone] = false;
        cr_assert(take_out(shard, any_source(clients[gone])));
        for (uint32_t i = 0; i < SMALL; i++) {
            cr_assert_eq(is_live(shard, any_source(clients[i]), 0), present[i]);
            if (present[i])
                cr_assert_eq(touch(shard, any_source(clients[i]), 0), REGISTRY_RENEWED);
        }
    }
}

Test(registry, closes_every_gap_of_a_probe_that_wraps_in_every_order_of_removal)
{
    /* Homes at and about the last place, so that probes go over the end in many ways. */
    static const uint32_t homes[][SMALL] = {{7, 7, 7, 7, 7}, {7, 0, 7, 0, 7}, {6, 7, 0, 1, 2},
                                            {6, 6, 7, 7, 0}, {5, 7, 5, 7, 0}, {0, 7, 6, 5, 7},
                                            {7, 1, 7, 0, 1}, {3, 7, 7, 3, 3}};
    for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++) {
        struct shard shard = shard_new(SMALL, TTL_MS, 0);
        uint32_t clients[SMALL], next = 0;
        for (size_t k = 0; k < SMALL; k++, next++)
            clients[k] = next = with_home(next, homes[i][k]);
        for (uint32_t order = 0; order < 5 * 4 * 3 * 2; order++)
            remove_in_order(&shard, clients, order);
        shard_free(&shard);
    }
}

Test(registry, lets_newcomers_of_one_batch_in_that_want_the_same_place)
{
    static const enum registry_outcome first[SMALL] = {
        REGISTRY_JOINED, REGISTRY_JOINED, REGISTRY_JOINED, REGISTRY_JOINED, REGISTRY_JOINED};
    static const enum registry_outcome again[SMALL] = {
        REGISTRY_RENEWED, REGISTRY_RENEWED, REGISTRY_RENEWED, REGISTRY_RENEWED, REGISTRY_RENEWED};
    struct shard shard = shard_new(SMALL, TTL_MS, 0);
    uint32_t clients[SMALL], next = 0;
    for (size_t i = 0; i < SMALL; i++, next++)
        clients[i] = next = with_home(next, SMALL_PLACES - 1);
    touch_batch(&shard, clients, first, SMALL);
    touch_batch(&shard, clients, again, SMALL);
    for (size_t i = 0; i < SMALL; i++)
        cr_assert(take_out(&shard, any_source(clients[i])));
    shard_free(&shard);
}

struct hashed {
    uint64_t hash;
    uint32_t n;
};

static int compare_hashed(const void *left, const void *right)
{
    const struct hashed *a = left, *b = right;
    return a->hash < b->hash ? -1 : a->hash > b->hash;
}

Test(registry, tells_clients_apart_that_have_the_same_place_and_the_same_tag)
{
    /* Of the hash a small index keeps the top 3 bits and the low 28. */
    enum { SOURCES = 250000, COLLISIONS = 5 };
    struct shard shard = shard_new(SMALL, TTL_MS, 0);
    struct hashed *hashed = calloc(SOURCES, sizeof *hashed);
    cr_assert_not_null(hashed);
    for (uint32_t n = 0; n < SOURCES; n++) {
        uint64_t hash = hash_of(any_source(n));
        hashed[n] = (struct hashed){.hash = hash >> 61 << 28 | (hash & 0xfffffff), .n = n};
    }
    qsort(hashed, SOURCES, sizeof *hashed, compare_hashed);
    int collisions = 0;
    for (size_t i = 0; i + 1 < SOURCES && collisions < COLLISIONS; i++) {
        if (hashed[i].hash != hashed[i + 1].hash)
            continue;
        collisions++;
        struct addr a = any_source(hashed[i].n), b = any_source(hashed[i + 1].n);
        cr_assert_eq(touch(&shard, a, 0), REGISTRY_JOINED);
        cr_assert_not(is_live(&shard, b, 0));
        cr_assert_eq(touch(&shard, b, 0), REGISTRY_JOINED);
        cr_assert_eq(touch(&shard, a, 0), REGISTRY_RENEWED);
        cr_assert(take_out(&shard, a));
        cr_assert(is_live(&shard, b, 0));
        cr_assert(take_out(&shard, b));
    }
    cr_assert_eq(collisions, COLLISIONS, "%d sources are too few", SOURCES);
    free(hashed);
    shard_free(&shard);
}

Test(registry, tells_families_apart_whose_hashes_agree_too)
{
    /* Searched for: port, listener and scope of the one are port, listener and IP of the other, and
     * the hashes agree in the top 3 bits and the low 28. */
    const struct addr ipv4 = ipv4_source(12);
    struct addr ipv6 = ipv6_source(0xcded7c23);
    memcpy(&ipv6.scope, ipv4.ip, sizeof ipv6.scope);
    ipv6.scope = le32toh(ipv6.scope);
    for (int first = 0; first < 2; first++) {
        struct shard shard = shard_new(SMALL, TTL_MS, 0);
        cr_assert_eq((hash_of(ipv4) ^ hash_of(ipv6)) & UINT64_C(0xe00000000fffffff), 0);
        cr_assert_eq(touch(&shard, first ? ipv4 : ipv6, 0), REGISTRY_JOINED);
        cr_assert_not(is_live(&shard, first ? ipv6 : ipv4, 0));
        cr_assert_eq(touch(&shard, first ? ipv6 : ipv4, 0), REGISTRY_JOINED);
        cr_assert(take_out(&shard, ipv4));
        cr_assert(is_live(&shard, ipv6, 0));
        shard_free(&shard);
    }
}

Test(registry, has_an_index_of_one_and_a_half_places_a_client)
{
    /* Less would make probes long, more would cost memory that is touched from the start. */
    for (uint32_t capacity = 1000; capacity < 1 << 26; capacity = capacity * 5 / 4) {
        size_t bytes = registry_index_bytes(capacity);
        cr_assert_geq(bytes, (size_t)capacity * 6);
        cr_assert_leq(bytes, (size_t)capacity * 6 + 4096);
        cr_assert_lt(bytes, registry_bytes(capacity));
    }
}

/* ---- slots and memory ---- */

Test(registry, gives_each_client_a_slot_that_stays_its_own)
{
    enum { CLIENTS = 100 };
    struct shard shard = shard_new(CLIENTS, TTL_MS, 0);
    uint32_t slots[CLIENTS];
    for (uint32_t n = 0; n < CLIENTS; n++) {
        touch(&shard, any_source(n), 0);
        slots[n] = found(&shard, any_source(n), 0).slot;
        for (uint32_t k = 0; k < n; k++)
            cr_assert_neq(slots[k], slots[n]);
    }
    for (uint32_t n = 0; n < CLIENTS; n += 3)
        take_out(&shard, any_source(n));
    for (uint32_t n = 0; n < CLIENTS; n += 3)
        touch(&shard, any_source(CLIENTS + n), 0);
    for (uint32_t n = 0; n < CLIENTS; n++)
        if (n % 3 != 0)
            cr_assert_eq(found(&shard, any_source(n), 0).slot, slots[n]);
    shard_free(&shard);
}

/* How many pages of the memory from first to end, offsets in it, have been touched. */
static size_t touched_pages(const struct shard *shard, size_t first, size_t end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    size_t from = (shard->guard_bytes + first + page - 1) / page;
    size_t to = (shard->guard_bytes + end) / page;
    unsigned char *resident = calloc(to - from, 1);
    cr_assert_not_null(resident);
    cr_assert_eq(mincore(shard->area + from * page, (to - from) * page, resident), 0);
    for (size_t i = 0; i < to - from; i++)
        count += resident[i] & 1;
    free(resident);
    return count;
}

Test(registry, touches_memory_behind_its_index_only_as_far_as_clients_come)
{
    enum { CAPACITY = 1000000 };
    struct shard shard = shard_new(CAPACITY, TTL_MS, 0);
    size_t hash_index_bytes = registry_index_bytes(CAPACITY), bytes = registry_bytes(CAPACITY);
    cr_assert_lt(hash_index_bytes, bytes);
    /* Kernels that give huge pages unasked would hide what was touched. */
    cr_assert(madvise(shard.area, shard.area_bytes, MADV_NOHUGEPAGE) == 0 || errno == EINVAL);
    for (uint32_t n = 0; n < 20000; n++)
        cr_assert_not(is_live(&shard, any_source(n), 0));
    cr_assert_eq(touched_pages(&shard, hash_index_bytes, bytes), 0, "looking nobody up");
    for (uint32_t n = 0; n < 100; n++)
        touch(&shard, any_source(n), 0);
    sweep(&shard, TTL_MS / 2);
    /* 100 clients of 32 and 48 bytes, their links and bits by family, the wheel's 32 KiB. */
    cr_assert_leq(touched_pages(&shard, hash_index_bytes, bytes), 32, "for 100 clients");
    shard_free(&shard);
}

Test(registry, has_room_for_the_largest_capacity)
{
    size_t bytes = registry_bytes(REGISTRY_CAPACITY_MAX);
    cr_assert_gt(bytes, (size_t)REGISTRY_CAPACITY_MAX * (4 + 32 + 48));
    /* Address space alone; a host that limits it can't run this. */
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        cr_skip("no %zu bytes of address space", bytes);
    struct shard shard = {.capacity = REGISTRY_CAPACITY_MAX};
    shard.registry = registry_init(memory, REGISTRY_CAPACITY_MAX, &shard_key, TTL_MS, 0);
    struct client clients[5];
    for (uint32_t n = 0; n < 200; n++)
        cr_assert_eq(touch(&shard, any_source(n), 0), REGISTRY_JOINED);
    for (uint32_t n = 0; n < 200; n++)
        cr_assert_eq(touch(&shard, any_source(n), 1), REGISTRY_RENEWED);
    for (uint32_t n = 0; n < 196; n++)
        cr_assert(take_out(&shard, any_source(n)));
    struct registry_walk walk = registry_walk_all();
    size_t count = 0;
    while (!walk.ended)
        count += registry_walk(shard.registry, &walk, 1, clients + count, 5 - count);
    cr_assert_eq(count, 4);
    cr_assert_eq(sweep(&shard, 1 + TTL_MS), 4);
    munmap(memory, bytes);
}
