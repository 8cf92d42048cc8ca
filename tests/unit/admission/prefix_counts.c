/* Tests of admission/prefix_counts: clients counted and limited by prefix. */
#include "admission/prefix_counts.h"

#include "base/prng.h"

#include "addr_fixture.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static const struct siphash_key key = {11, 12};

static struct prefix_counts *make(uint32_t clients)
{
    size_t bytes = (prefix_counts_bytes(clients) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    cr_assert_not_null(memory);
    memset(memory, 0, bytes);
    return prefix_counts_init(memory, clients, &key);
}

Test(prefix_counts, counts_the_clients_of_a_24_and_of_a_64)
{
    struct prefix_counts *prefixes = make(100);
    struct addr a = parsed("192.0.2.1"), b = parsed("192.0.2.255"), c = parsed("192.0.3.1");
    struct addr d = parsed("2001:db8::1"), e = parsed("2001:db8::f:0:0:1"),
                f = parsed("2001:db8:0:1::1");
    cr_assert(prefix_counts_add(prefixes, &a, 0));
    cr_assert(prefix_counts_add(prefixes, &b, 0));
    cr_assert(prefix_counts_add(prefixes, &c, 0));
    cr_assert(prefix_counts_add(prefixes, &d, 0));
    cr_assert(prefix_counts_add(prefixes, &e, 0));
    cr_assert_eq(prefix_counts_count(prefixes, &a), 2);
    cr_assert_eq(prefix_counts_count(prefixes, &c), 1);
    cr_assert_eq(prefix_counts_count(prefixes, &d), 2);
    cr_assert_eq(prefix_counts_count(prefixes, &f), 0);
    prefix_counts_remove(prefixes, &b);
    cr_assert_eq(prefix_counts_count(prefixes, &a), 1);
    prefix_counts_remove(prefixes, &a);
    prefix_counts_remove(prefixes, &a);
    cr_assert_eq(prefix_counts_count(prefixes, &a), 0);
    free(prefixes);
}

Test(prefix_counts, refuses_above_the_cap_until_a_client_is_removed)
{
    struct prefix_counts *prefixes = make(100);
    struct addr source = parsed("192.0.2.1"), other = parsed("198.51.100.1");
    for (int i = 0; i < 3; i++)
        cr_assert(prefix_counts_add(prefixes, &source, 3));
    cr_assert_not(prefix_counts_add(prefixes, &source, 3));
    cr_assert_eq(prefix_counts_count(prefixes, &source), 3);
    cr_assert(prefix_counts_add(prefixes, &other, 3));
    prefix_counts_remove(prefixes, &source);
    cr_assert(prefix_counts_add(prefixes, &source, 3));
    cr_assert_not(prefix_counts_add(prefixes, &source, 2), "a lower cap refuses new clients only");
    free(prefixes);
}

Test(prefix_counts, counts_every_client_exactly_with_as_many_prefixes_as_clients)
{
    enum { CLIENTS = 100000 };
    struct prefix_counts *prefixes = make(CLIENTS);
    uint32_t uncounted = 0;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct addr source = ipv4(i << 8);
        cr_assert(prefix_counts_add(prefixes, &source, 1),
                  "a client of another prefix was refused");
    }
    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct addr source = ipv4(i << 8 | 1);
        uncounted += prefix_counts_count(prefixes, &source) != 1;
    }
    cr_assert_eq(uncounted, 0);
    free(prefixes);
}

Test(prefix_counts, never_refuses_a_new_prefix_when_it_is_full)
{
    struct prefix_counts *prefixes = make(10);
    for (uint32_t i = 0; i < 10000; i++) {
        struct addr source = ipv4(i << 8);
        cr_assert(prefix_counts_add(prefixes, &source, 1));
    }
    free(prefixes);
}

Test(prefix_counts, agrees_with_plain_counters_for_random_steps)
{
    enum { PREFIXES = 500, CAP = 20 };
    struct prefix_counts *prefixes = make(PREFIXES * CAP);
    uint32_t counts[PREFIXES] = {0};
    struct prng prng;
    prng_init(&prng, 31);
    for (int i = 0; i < 200000; i++) {
        uint32_t which = (uint32_t)(prng_next(&prng) % PREFIXES);
        struct addr source = ipv4(which << 8 | (uint32_t)(prng_next(&prng) % 256));
        if (prng_next(&prng) % 2 == 0) {
            cr_assert_eq(prefix_counts_add(prefixes, &source, CAP), counts[which] < CAP);
            counts[which] += counts[which] < CAP;
        } else if (counts[which] > 0) {
            prefix_counts_remove(prefixes, &source);
            counts[which]--;
        }
        cr_assert_eq(prefix_counts_count(prefixes, &source), counts[which]);
    }
    free(prefixes);
}
