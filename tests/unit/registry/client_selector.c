/* Tests of registry/client_selector: which clients match. */
#include "registry/client_selector.h"

#include "addr_fixture.h"

#include <criterion/criterion.h>

static struct client_selector select_blocks(const char *const *texts, size_t count)
{
    struct client_selector selector = client_selector_all();
    for (size_t i = 0; i < count; i++)
        cr_assert_null(cidr_parse(&selector.blocks[selector.block_count++], texts[i]));
    return selector;
}

static struct client_selector select_block(const char *text)
{
    return select_blocks(&text, 1);
}

static struct client client_at(const char *text)
{
    return (struct client){.source = address(text)};
}

static bool block_has(const char *block, const char *text)
{
    struct client_selector selector = select_block(block);
    struct client client = client_at(text);
    return client_selector_matches(&selector, &client);
}

static const struct client UNIX_CLIENT = {.source = {.family = ADDR_NONE}, .slot = 7};

Test(client_selector, that_states_nothing_matches_every_client)
{
    struct client_selector all = client_selector_all();
    struct client idle = {.source = address("192.0.2.1:4000"),
                          .idle_ms = UINT64_MAX,
                          .listener = CLIENT_SELECTOR_LISTENERS_MAX - 1};
    cr_assert(client_selector_is_all(&all));
    cr_assert(client_selector_matches(&all, &idle));
    cr_assert(client_selector_matches(&all, &UNIX_CLIENT));
}

Test(client_selector, that_states_one_thing_is_not_all)
{
    struct client_selector block = select_block("0.0.0.0/0"), listener = client_selector_all(),
                           idle = listener;
    listener.listeners = ~UINT64_C(1);
    idle.idle_max_ms = UINT64_MAX - 1;
    cr_assert_not(client_selector_is_all(&block));
    cr_assert_not(client_selector_is_all(&listener));
    cr_assert_not(client_selector_is_all(&idle));
}

Test(client_selector, matches_the_addresses_of_a_block)
{
    cr_assert(block_has("192.0.2.0/24", "192.0.2.0:1"));
    cr_assert(block_has("192.0.2.0/24", "192.0.2.255:65535"));
    cr_assert_not(block_has("192.0.2.0/24", "192.0.3.0:1"));
    cr_assert(block_has("192.0.2.8/29", "192.0.2.15:1"));
    cr_assert_not(block_has("192.0.2.8/29", "192.0.2.16:1"));
    cr_assert(block_has("192.0.2.1", "192.0.2.1:1"));
    cr_assert_not(block_has("192.0.2.1", "192.0.2.0:1"));
    cr_assert(block_has("2001:db8::/33", "[2001:db8:7fff::1]:1"));
    cr_assert_not(block_has("2001:db8::/33", "[2001:db8:8000::1]:1"));
    cr_assert(block_has("fe80::/10", "[fe80::1%3]:1"));
}

Test(client_selector, matches_only_addresses_of_the_family_of_the_block)
{
    cr_assert(block_has("0.0.0.0/0", "203.0.113.7:1"));
    cr_assert_not(block_has("0.0.0.0/0", "[2001:db8::1]:1"));
    cr_assert(block_has("::/0", "[2001:db8::1]:1"));
    cr_assert_not(block_has("::/0", "203.0.113.7:1"));
}

Test(client_selector, matches_a_client_in_any_of_its_blocks)
{
    static const char *const texts[] = {"192.0.2.0/24", "2001:db8::/32", "198.51.100.1"};
    struct client_selector selector = select_blocks(texts, 3);
    static const char *const in[] = {"192.0.2.9:1", "[2001:db8::9]:1", "198.51.100.1:1"};
    for (size_t i = 0; i < 3; i++) {
        struct client client = client_at(in[i]);
        cr_assert(client_selector_matches(&selector, &client), "%s", in[i]);
    }
    struct client other = client_at("198.51.100.2:1");
    cr_assert_not(client_selector_matches(&selector, &other));
}

Test(client_selector, with_a_block_matches_no_client_of_a_unix_socket)
{
    static const char *const texts[] = {"0.0.0.0/0", "::/0"};
    struct client_selector selector = select_blocks(texts, 2);
    cr_assert_not(client_selector_matches(&selector, &UNIX_CLIENT));
}

Test(client_selector, matches_the_clients_of_its_listeners)
{
    struct client_selector selector = client_selector_all();
    selector.listeners = UINT64_C(1) << 63 | 1;
    for (uint8_t i = 0; i < CLIENT_SELECTOR_LISTENERS_MAX; i++) {
        struct client client = {.source = address("192.0.2.1:4000"), .listener = i};
        cr_assert_eq(client_selector_matches(&selector, &client), i == 0 || i == 63, "%u", i);
    }
}

Test(client_selector, matches_clients_that_are_idle_for_at_most_its_time)
{
    struct client_selector selector = client_selector_all();
    struct client client = client_at("192.0.2.1:4000");
    selector.idle_max_ms = 1000;
    client.idle_ms = 1000;
    cr_assert(client_selector_matches(&selector, &client));
    client.idle_ms = 1001;
    cr_assert_not(client_selector_matches(&selector, &client));
}

Test(client_selector, matches_only_clients_that_match_each_of_its_parts)
{
    struct client_selector selector = select_block("192.0.2.0/24");
    selector.listeners = 2;
    selector.idle_max_ms = 50;
    const struct client good = {.source = address("192.0.2.1:4000"), .listener = 1, .idle_ms = 50};
    struct client address_differs = good, listener_differs = good, idle_differs = good;
    address_differs.source = address("192.0.3.1:4000");
    listener_differs.listener = 0;
    idle_differs.idle_ms = 51;
    cr_assert(client_selector_matches(&selector, &good));
    cr_assert_not(client_selector_matches(&selector, &address_differs));
    cr_assert_not(client_selector_matches(&selector, &listener_differs));
    cr_assert_not(client_selector_matches(&selector, &idle_differs));
}
