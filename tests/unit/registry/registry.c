/* The registry: joining, renewal, refusal, removal, the identity of clients, and local addresses.
 */
#include "registry_fixture.h"

#include <inttypes.h>

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
        cr_assert_eq(record(&shard, any_source(n), n), REGISTRY_JOINED);
        cr_assert_eq(registry_count(shard.registry), n + 1);
        for (uint32_t known = 0; known <= n; known++)
            cr_assert_eq(record(&shard, any_source(known), n), REGISTRY_RENEWED);
        cr_assert_eq(registry_count(shard.registry), n + 1, "a duplicate counts once");
    }
    shard_free(&shard);
}

Test(registry, records_a_batch_in_its_order)
{
    static const uint32_t sources[] = {0, 1, 0, 2, 3, 1, 3, 0};
    static const enum registry_outcome expected[] = {
        REGISTRY_JOINED,  REGISTRY_JOINED,  REGISTRY_RENEWED, REGISTRY_JOINED,
        REGISTRY_REFUSED, REGISTRY_RENEWED, REGISTRY_REFUSED, REGISTRY_RENEWED};
    struct shard shard = shard_new(3, TTL_MS, 0);
    record_batch(&shard, sources, expected, 8);
    cr_assert_eq(registry_count(shard.registry), 3);
    cr_assert_eq(find_live(&shard, any_source(0), 0).received, 3);
    cr_assert_eq(find_live(&shard, any_source(1), 0).received, 2);
    cr_assert_eq(find_live(&shard, any_source(2), 0).received, 1);
    cr_assert_eq(registry_update(shard.registry, 0, NULL, 0, 0), 0);
    shard_free(&shard);
}

enum { LARGEST = 341 };

static void fill_and_empty(uint32_t capacity, uint32_t families, uint32_t first)
{
    struct client clients[LARGEST + 1];
    struct shard shard = shard_new(capacity, TTL_MS, 0);
    for (uint32_t n = 0; n < capacity; n++)
        cr_assert_eq(record(&shard, any_source(families * n + first), 0), REGISTRY_JOINED);
    for (uint32_t n = 1000; n < 1004; n++)
        cr_assert_eq(record(&shard, any_source(n), 1), REGISTRY_REFUSED);
    cr_assert_eq(registry_count(shard.registry), capacity);
    for (uint32_t n = 0; n < capacity; n++)
        cr_assert_eq(record(&shard, any_source(families * n + first), 2), REGISTRY_RENEWED,
                     "a known client is renewed when the registry is full");
    cr_assert_eq(walk_all(&shard, 2, clients), capacity);
    for (uint32_t n = 0; n < capacity; n++) {
        cr_assert(remove_client(&shard, any_source(families * n + first)));
        cr_assert_eq(record(&shard, any_source(2000 + n), 3), REGISTRY_JOINED);
        cr_assert_eq(record(&shard, any_source(3000), 3), REGISTRY_REFUSED);
    }
    cr_assert_eq(walk_all(&shard, 3, clients), capacity);
    cr_assert_eq(sweep(&shard, 3 + TTL_MS), capacity);
    cr_assert_eq(walk_all(&shard, 3 + TTL_MS, clients), 0);
    for (uint32_t n = 0; n < capacity; n++)
        cr_assert_eq(record(&shard, any_source(families * n + first), 4 + TTL_MS), REGISTRY_JOINED);
    cr_assert_eq(record(&shard, any_source(3000), 4 + TTL_MS), REGISTRY_REFUSED);
    shard_free(&shard);
}

Test(registry, refuses_clients_above_its_capacity_and_registers_them_when_places_are_free)
{
    /* With 224 the bitmap of live slots has no padding after it. */
    static const uint32_t capacities[] = {1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 224, LARGEST};
    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
        fill_and_empty(capacities[i], 2, 0); /* only IPv4 */
        fill_and_empty(capacities[i], 2, 1); /* only IPv6 */
        fill_and_empty(capacities[i], 1, 0);
    }
}

Test(registry, changes_nothing_when_it_refuses)
{
    struct shard shard = shard_new(2, TTL_MS, 0);
    record(&shard, any_source(0), 0);
    record(&shard, any_source(1), 10);
    struct client before = find_live(&shard, any_source(1), 20);
    struct registry_walk walk = registry_walk_registered(shard.registry);
    cr_assert_eq(record(&shard, any_source(2), 20), REGISTRY_REFUSED);
    cr_assert_not(is_live(&shard, any_source(2), 20));
    cr_assert_not(remove_client(&shard, any_source(2)));
    struct client after = find_live(&shard, any_source(1), 20);
    cr_assert(addr_is_same(&before.source, &after.source));
    cr_assert(before.idle_ms == after.idle_ms && before.received == after.received &&
              before.slot == after.slot);
    cr_assert_eq(registry_walk_registered(shard.registry).joined_before, walk.joined_before);
    shard_free(&shard);
}

Test(registry, removes_a_client_once_and_returns_whether_it_did)
{
    struct shard shard = shard_new(4, TTL_MS, 0);
    cr_assert_not(remove_client(&shard, any_source(0)), "no client is registered yet");
    record(&shard, any_source(0), 0);
    record(&shard, any_source(1), 0);
    cr_assert_not(remove_client(&shard, any_source(2)));
    cr_assert(remove_client(&shard, any_source(0)));
    cr_assert_not(remove_client(&shard, any_source(0)));
    cr_assert_not(is_live(&shard, any_source(0), 0));
    cr_assert(is_live(&shard, any_source(1), 0));
    cr_assert_eq(registry_count(shard.registry), 1);
    cr_assert_eq(record(&shard, any_source(0), 0), REGISTRY_JOINED);
    cr_assert_eq(find_live(&shard, any_source(0), 0).received, 1, "its life begins anew");
    shard_free(&shard);
}

/* ---- the identity of clients ---- */

/* Registers all sources, each on its listener, and checks that they are different clients. */
static void expect_distinct(const struct addr *sources, const uint8_t *listeners, uint32_t count)
{
    struct shard shard = shard_new(count, TTL_MS, 0);
    const struct addr none = {.family = ADDR_NONE};
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k <= i; k++)
            cr_assert_eq(record_at(&shard, listeners[i], sources[i], none, 0),
                         k ? REGISTRY_RENEWED : REGISTRY_JOINED, "client %" PRIu32, i);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct client client;
        cr_assert(registry_find(shard.registry, listeners[i], &sources[i], 0, &client));
        cr_assert(addr_is_same(&client.source, &sources[i]), "client %" PRIu32, i);
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

Test(registry, distinguishes_a_source_on_different_listeners)
{
    const struct addr sources[] = {ipv4_source(1), ipv4_source(1), ipv4_source(1),
                                   ipv6_source(1), ipv6_source(1), ipv6_source(1)};
    const uint8_t listeners[] = {0, 1, 255, 0, 1, 255};
    expect_distinct(sources, listeners, 6);
}

Test(registry, distinguishes_ports)
{
    struct addr sources[8];
    const uint8_t listeners[8] = {0};
    const uint16_t ports[4] = {1, 256, 32768, 65535};
    for (size_t i = 0; i < 8; i++) {
        sources[i] = any_source(i % 2);
        sources[i].port = ports[i / 2];
    }
    expect_distinct(sources, listeners, 8);
}

Test(registry, distinguishes_ipv6_scopes)
{
    struct addr sources[5];
    const uint8_t listeners[5] = {0};
    const uint32_t scopes[5] = {0, 1, 2, 1U << 31, UINT32_MAX};
    for (size_t i = 0; i < 5; i++) {
        sources[i] = (struct addr){.ip = {0xfe, 0x80, [15] = 1}, .port = 4000, .family = ADDR_IPV6};
        sources[i].scope = scopes[i];
    }
    expect_distinct(sources, listeners, 5);
}

Test(registry, distinguishes_ipv6_sources_that_differ_in_a_single_bit)
{
    struct addr sources[129];
    const uint8_t listeners[129] = {0};
    for (size_t i = 0; i < 129; i++) {
        sources[i] = ipv6_source(0);
        if (i < 128)
            sources[i].ip[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    expect_distinct(sources, listeners, 129);
}

Test(registry, distinguishes_families_with_the_same_bytes)
{
    struct addr sources[5] = {{.ip = {10, 0, 0, 1}, .port = 4000, .family = ADDR_IPV4},
                              {.ip = {10, 0, 0, 1}, .port = 4000, .family = ADDR_IPV6},
                              {.port = 4000, .family = ADDR_IPV4},
                              {.port = 4000, .family = ADDR_IPV6},
                              {.port = 4000, .family = ADDR_IPV6}};
    const uint8_t listeners[5] = {0};
    /* The scope has the bytes of the IPv4 address. */
    memcpy(&sources[4].scope, sources[0].ip, sizeof sources[4].scope);
    expect_distinct(sources, listeners, 5);
}

Test(registry, returns_the_largest_value_of_every_member)
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
        record_at(&shard, 255, sources[i], local, 0);
        struct client client;
        cr_assert(registry_find(shard.registry, 255, &sources[i], 0, &client));
        cr_assert(addr_is_same(&client.source, &sources[i]));
        cr_assert(addr_is_same(&client.local, &local));
        cr_assert_eq(client.listener, 255);
    }
    shard_free(&shard);
}

Test(registry, two_registries_are_independent)
{
    struct shard a = shard_new(3, TTL_MS, 0), b = shard_new(3, 1000, 50);
    record(&a, any_source(0), 60);
    cr_assert_not(is_live(&b, any_source(0), 60));
    record(&b, any_source(0), 60);
    record(&b, any_source(1), 60);
    cr_assert(registry_count(a.registry) == 1 && registry_count(b.registry) == 2);
    cr_assert_eq(sweep(&b, 1060), 2);
    cr_assert(is_live(&a, any_source(0), 1060));
    cr_assert(remove_client(&a, any_source(0)));
    cr_assert_eq(record(&b, any_source(0), 1061), REGISTRY_JOINED);
    shard_free(&a);
    cr_assert(is_live(&b, any_source(0), 1061));
    shard_free(&b);
}

/* ---- local addresses ---- */

static enum registry_outcome record_local(struct shard *shard, struct addr source,
                                          struct addr local)
{
    return record_at(shard, 0, source, local, 0);
}

Test(registry, stores_the_local_address_of_the_last_datagram)
{
    struct shard shard = shard_new(2, TTL_MS, 0);
    const struct addr none = {.family = ADDR_NONE};
    struct addr locals[3] = {ipv4_source(7), ipv4_source(8), none};
    locals[0].port = locals[1].port = 0;
    for (size_t i = 0; i < 9; i++) {
        record_local(&shard, ipv4_source(1), locals[i % 3]);
        struct client client = find_live(&shard, ipv4_source(1), 0);
        cr_assert(addr_is_same(&client.local, &locals[i % 3]), "datagram %zu", i);
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
        cr_assert_eq(record_local(&shard, source, local), REGISTRY_JOINED);
        struct client client = find_live(&shard, source, 0);
        cr_assert(addr_is_same(&client.local, &local));
    }
    shard_free(&shard);
}

Test(registry, stores_no_local_address_above_the_limit_and_refuses_no_client)
{
    enum { LOCALS = 65535 };
    struct shard shard = shard_new(4, TTL_MS, 0);
    for (uint32_t n = 1; n <= LOCALS; n++) {
        struct addr local = ipv4_source(n);
        local.port = 0;
        cr_assert_eq(record_local(&shard, ipv4_source(0), local),
                     n > 1 ? REGISTRY_RENEWED : REGISTRY_JOINED);
    }
    struct addr last = find_live(&shard, ipv4_source(0), 0).local, expected = ipv4_source(LOCALS);
    expected.port = 0;
    cr_assert(addr_is_same(&last, &expected));
    cr_assert_eq(record_local(&shard, ipv4_source(0), ipv6_source(1)), REGISTRY_RENEWED);
    cr_assert_eq(find_live(&shard, ipv4_source(0), 0).local.family, ADDR_NONE);
    cr_assert_eq(record_local(&shard, ipv4_source(1), ipv6_source(1)), REGISTRY_JOINED);
    cr_assert_eq(find_live(&shard, ipv4_source(1), 0).local.family, ADDR_NONE);
    cr_assert_eq(record_local(&shard, ipv4_source(1), expected), REGISTRY_RENEWED);
    last = find_live(&shard, ipv4_source(1), 0).local;
    cr_assert(addr_is_same(&last, &expected));
    cr_assert_eq(registry_count(shard.registry), 2);
    shard_free(&shard);
}
