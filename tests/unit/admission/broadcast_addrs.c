/* Tests of admission/broadcast_addrs: members of the set. */
#include "admission/broadcast_addrs.h"

#include "addr_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct broadcast_addrs *set;

static void set_up(void)
{
    set = calloc(1, sizeof *set);
    cr_assert_not_null(set);
}

static void tear_down(void)
{
    free(set);
}

TestSuite(broadcast_addrs, .init = set_up, .fini = tear_down, .timeout = 20);

static void add(const char *text)
{
    struct addr addr = address(text);
    broadcast_addrs_add(set, addr.ip);
}

static bool has(const char *text)
{
    struct addr addr = address(text);
    bool may = broadcast_addrs_may_contain(set, &addr), does = broadcast_addrs_contains(set, &addr);
    cr_assert(may || !does, "%s", text);
    return does;
}

Test(broadcast_addrs, empty_set_contains_no_address)
{
    cr_assert_not(has("10.0.0.255"));
    cr_assert_not(has("0.0.0.0"));
    cr_assert_not(has("::"));
}

Test(broadcast_addrs, set_contains_added_addresses_with_any_port)
{
    add("10.0.0.255");
    add("192.0.2.7");
    cr_assert(has("10.0.0.255:5000"));
    cr_assert(has("192.0.2.7"));
    cr_assert_not(has("10.0.1.255"));
    cr_assert_not(has("10.0.0.254"));
}

Test(broadcast_addrs, set_contains_no_ipv6_address)
{
    add("10.0.0.255");
    cr_assert_not(has("a00:ff::"));
}

Test(broadcast_addrs, sets_are_equal_in_any_order)
{
    struct broadcast_addrs *other = calloc(1, sizeof *other);
    cr_assert_not_null(other);
    add("10.0.0.255");
    add("10.0.1.255");
    add("10.0.1.255");
    broadcast_addrs_add(other, address("10.0.1.255").ip);
    cr_assert_not(broadcast_addrs_equal(set, other));
    broadcast_addrs_add(other, address("10.0.0.255").ip);
    cr_assert(broadcast_addrs_equal(set, other));
    free(other);
}

Test(broadcast_addrs, addresses_beyond_the_maximum_are_ignored)
{
    for (int i = 0; i < BROADCAST_ADDRS_MAX + 5; i++) {
        const uint8_t ip[4] = {10, (uint8_t)(i >> 8), (uint8_t)i, 255};
        broadcast_addrs_add(set, ip);
    }
    cr_assert_eq(set->count, BROADCAST_ADDRS_MAX);
    cr_assert(has("10.3.255.255"));
    cr_assert_not(has("10.4.0.255"));
}
