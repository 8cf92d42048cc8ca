/* The table of local addresses. */
#include "registry/local_addresses.h"

#include <criterion/criterion.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 0xa5, GUARD_BYTES = 64 };

static const struct siphash_key key = {.k0 = 1, .k1 = 2};
static struct local_addresses locals;
static uint8_t *memory;

static void set_up(void)
{
    memory = calloc(1, local_addresses_bytes() + GUARD_BYTES);
    cr_assert_not_null(memory);
    memset(memory + local_addresses_bytes(), GUARD, GUARD_BYTES);
    local_addresses_init(&locals, memory, &key);
}

static void tear_down(void)
{
    for (size_t i = 0; i < GUARD_BYTES; i++)
        cr_assert_eq(memory[local_addresses_bytes() + i], GUARD);
    free(memory);
}

TestSuite(local_addresses, .init = set_up, .fini = tear_down);

static struct addr ipv4(uint32_t ip)
{
    return (struct addr){
        .ip = {(uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip},
        .family = ADDR_IPV4,
    };
}

static struct addr ipv6(uint32_t last)
{
    struct addr addr = {.ip = {0x20, 0x01, 0x0d, 0xb8}, .family = ADDR_IPV6};
    for (int i = 0; i < 4; i++)
        addr.ip[12 + i] = (uint8_t)(last >> (24 - 8 * i));
    return addr;
}

/* Whether the IP addresses are equal. */
static bool same(struct addr a, struct addr b)
{
    return a.family == b.family && memcmp(a.ip, b.ip, sizeof a.ip) == 0;
}

Test(local_addresses, gives_the_number_0_to_no_address)
{
    const struct addr none = {.family = ADDR_NONE};
    cr_assert_eq(local_addresses_add(&locals, &none), 0);
    cr_assert(local_addresses_matches(&locals, 0, &none));
    cr_assert(same(local_addresses_get(&locals, 0), none));
    const struct addr zeros4 = {.family = ADDR_IPV4}, zeros6 = {.family = ADDR_IPV6};
    cr_assert_not(local_addresses_matches(&locals, 0, &zeros4));
    cr_assert_not(local_addresses_matches(&locals, 0, &zeros6));
    cr_assert_gt(local_addresses_add(&locals, &zeros4), 0);
    cr_assert_gt(local_addresses_add(&locals, &zeros6), 0);
    cr_assert_eq(local_addresses_add(&locals, &none), 0);
}

Test(local_addresses, gives_an_address_the_same_number_again)
{
    int numbers[300];
    for (uint32_t i = 0; i < 300; i++) {
        const struct addr addr = i % 2 ? ipv4(i) : ipv6(i);
        numbers[i] = local_addresses_add(&locals, &addr);
        cr_assert(numbers[i] > 0 && numbers[i] <= LOCAL_ADDRESSES_MAX);
        for (uint32_t k = 0; k < i; k++)
            cr_assert_neq(numbers[k], numbers[i]);
    }
    for (uint32_t i = 0; i < 300; i++) {
        const struct addr addr = i % 2 ? ipv4(i) : ipv6(i), other = ipv4(i + 1);
        cr_assert_eq(local_addresses_add(&locals, &addr), numbers[i]);
        cr_assert(same(local_addresses_get(&locals, (uint16_t)numbers[i]), addr));
        cr_assert(local_addresses_matches(&locals, (uint16_t)numbers[i], &addr));
        cr_assert_not(local_addresses_matches(&locals, (uint16_t)numbers[i], &other));
    }
}

Test(local_addresses, distinguishes_ipv4_from_ipv6_with_the_same_bytes)
{
    struct addr four = ipv4(0x0a000001), six = four;
    six.family = ADDR_IPV6;
    int number4 = local_addresses_add(&locals, &four), number6 = local_addresses_add(&locals, &six);
    cr_assert_neq(number4, number6);
    cr_assert(local_addresses_matches(&locals, (uint16_t)number4, &four));
    cr_assert_not(local_addresses_matches(&locals, (uint16_t)number4, &six));
    cr_assert_eq(local_addresses_get(&locals, (uint16_t)number4).family, ADDR_IPV4);
    cr_assert_eq(local_addresses_get(&locals, (uint16_t)number6).family, ADDR_IPV6);
}

Test(local_addresses, ignores_the_port)
{
    struct addr addr = ipv6(7);
    int number = local_addresses_add(&locals, &addr);
    addr.port = 3000;
    cr_assert_eq(local_addresses_add(&locals, &addr), number);
    cr_assert(local_addresses_matches(&locals, (uint16_t)number, &addr));
    cr_assert_eq(local_addresses_get(&locals, (uint16_t)number).port, 0);
}

Test(local_addresses, distinguishes_a_link_local_address_on_two_links)
{
    struct addr one = ipv6(7), other = one;
    one.scope = 1;
    other.scope = 2;
    int number = local_addresses_add(&locals, &one),
        other_number = local_addresses_add(&locals, &other);
    cr_assert_neq(number, other_number);
    cr_assert_eq(local_addresses_get(&locals, (uint16_t)number).scope, 1);
    cr_assert_eq(local_addresses_get(&locals, (uint16_t)other_number).scope, 2);
}

Test(local_addresses, adds_no_address_above_its_limit_and_still_finds_the_others)
{
    bool *seen = calloc(LOCAL_ADDRESSES_MAX + 1, sizeof *seen);
    cr_assert_not_null(seen);
    for (uint32_t i = 0; i < LOCAL_ADDRESSES_MAX; i++) {
        const struct addr addr = i % 2 ? ipv4(i) : ipv6(i);
        int number = local_addresses_add(&locals, &addr);
        cr_assert(number > 0 && number <= LOCAL_ADDRESSES_MAX, "address %u of %d got %d", i,
                  LOCAL_ADDRESSES_MAX, number);
        cr_assert_not(seen[number]);
        seen[number] = true;
    }
    const struct addr none = {.family = ADDR_NONE};
    const struct addr one_more = ipv4(LOCAL_ADDRESSES_MAX + 2),
                      another = ipv6(LOCAL_ADDRESSES_MAX + 1);
    cr_assert_eq(local_addresses_add(&locals, &one_more), 0);
    cr_assert_eq(local_addresses_add(&locals, &another), 0);
    cr_assert_eq(local_addresses_add(&locals, &none), 0);
    for (uint32_t i = 0; i < LOCAL_ADDRESSES_MAX; i++) {
        const struct addr addr = i % 2 ? ipv4(i) : ipv6(i);
        int number = local_addresses_add(&locals, &addr);
        cr_assert(number > 0 && same(local_addresses_get(&locals, (uint16_t)number), addr));
    }
    free(seen);
}
