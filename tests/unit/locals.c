#include "registry/locals.h"

#include <criterion/criterion.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 0xa5, GUARD_BYTES = 64 };

static const struct siphash_key key = {.k0 = 1, .k1 = 2};
static struct locals locals;
static uint8_t *memory;

static void make(void)
{
    memory = calloc(1, locals_bytes() + GUARD_BYTES);
    cr_assert_not_null(memory);
    memset(memory + locals_bytes(), GUARD, GUARD_BYTES);
    locals_init(&locals, memory, &key);
}

static void drop(void)
{
    for (size_t i = 0; i < GUARD_BYTES; i++)
        cr_assert_eq(memory[locals_bytes() + i], GUARD);
    free(memory);
}

TestSuite(locals, .init = make, .fini = drop);

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

/* The two are the same IP. */
static bool same(struct addr a, struct addr b)
{
    return a.family == b.family && memcmp(a.ip, b.ip, sizeof a.ip) == 0;
}

Test(locals, numbers_no_address_zero)
{
    const struct addr none = {.family = ADDR_NONE};
    cr_assert_eq(locals_number(&locals, &none), 0);
    cr_assert(locals_is(&locals, 0, &none));
    cr_assert(same(locals_addr(&locals, 0), none));
    const struct addr zeros4 = {.family = ADDR_IPV4}, zeros6 = {.family = ADDR_IPV6};
    cr_assert_not(locals_is(&locals, 0, &zeros4));
    cr_assert_not(locals_is(&locals, 0, &zeros6));
    cr_assert_gt(locals_number(&locals, &zeros4), 0);
    cr_assert_gt(locals_number(&locals, &zeros6), 0);
    cr_assert_eq(locals_number(&locals, &none), 0);
}

Test(locals, knows_an_address_by_the_same_number_again)
{
    int numbers[300];
    for (uint32_t i = 0; i < 300; i++) {
        const struct addr addr = i % 2 ? ipv4(i) : ipv6(i);
        numbers[i] = locals_number(&locals, &addr);
        cr_assert(numbers[i] > 0 && numbers[i] <= LOCALS_MAX);
        for (uint32_t k = 0; k < i; k++)
            cr_assert_neq(numbers[k], numbers[i]);
    }
    for (uint32_t i = 0; i < 300; i++) {
        const struct addr addr = i % 2 ? ipv4(i) : ipv6(i), other = ipv4(i + 1);
        cr_assert_eq(locals_number(&locals, &addr), numbers[i]);
        cr_assert(same(locals_addr(&locals, (uint16_t)numbers[i]), addr));
        cr_assert(locals_is(&locals, (uint16_t)numbers[i], &addr));
        cr_assert_not(locals_is(&locals, (uint16_t)numbers[i], &other));
    }
}

Test(locals, tells_ipv4_from_ipv6_of_the_same_bytes)
{
    struct addr four = ipv4(0x0a000001), six = four;
    six.family = ADDR_IPV6;
    int number4 = locals_number(&locals, &four), number6 = locals_number(&locals, &six);
    cr_assert_neq(number4, number6);
    cr_assert(locals_is(&locals, (uint16_t)number4, &four));
    cr_assert_not(locals_is(&locals, (uint16_t)number4, &six));
    cr_assert_eq(locals_addr(&locals, (uint16_t)number4).family, ADDR_IPV4);
    cr_assert_eq(locals_addr(&locals, (uint16_t)number6).family, ADDR_IPV6);
}

Test(locals, leaves_the_port_out)
{
    struct addr addr = ipv6(7);
    int number = locals_number(&locals, &addr);
    addr.port = 3000;
    cr_assert_eq(locals_number(&locals, &addr), number);
    cr_assert(locals_is(&locals, (uint16_t)number, &addr));
    cr_assert_eq(locals_addr(&locals, (uint16_t)number).port, 0);
}

Test(locals, tells_the_same_link_local_address_on_two_links_apart)
{
    struct addr one = ipv6(7), other = one;
    one.scope = 1;
    other.scope = 2;
    int number = locals_number(&locals, &one), other_number = locals_number(&locals, &other);
    cr_assert_neq(number, other_number);
    cr_assert_eq(locals_addr(&locals, (uint16_t)number).scope, 1);
    cr_assert_eq(locals_addr(&locals, (uint16_t)other_number).scope, 2);
}

Test(locals, is_full_at_its_limit_and_knows_those_that_it_has)
{
    bool *seen = calloc(LOCALS_MAX + 1, sizeof *seen);
    cr_assert_not_null(seen);
    for (uint32_t i = 0; i < LOCALS_MAX; i++) {
        const struct addr addr = i % 2 ? ipv4(i) : ipv6(i);
        int number = locals_number(&locals, &addr);
        cr_assert(number > 0 && number <= LOCALS_MAX, "address %u of %d got %d", i, LOCALS_MAX,
                  number);
        cr_assert_not(seen[number]);
        seen[number] = true;
    }
    const struct addr none = {.family = ADDR_NONE};
    const struct addr one_more = ipv4(LOCALS_MAX + 2), another = ipv6(LOCALS_MAX + 1);
    cr_assert_eq(locals_number(&locals, &one_more), 0);
    cr_assert_eq(locals_number(&locals, &another), 0);
    cr_assert_eq(locals_number(&locals, &none), 0);
    for (uint32_t i = 0; i < LOCALS_MAX; i++) {
        const struct addr addr = i % 2 ? ipv4(i) : ipv6(i);
        int number = locals_number(&locals, &addr);
        cr_assert(number > 0 && same(locals_addr(&locals, (uint16_t)number), addr));
    }
    free(seen);
}
