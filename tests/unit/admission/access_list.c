/* Tests of admission/access_list: allowed and denied blocks, compared with a search of all blocks.
 */
#include "admission/access_list.h"

#include "base/prng.h"

#include <criterion/criterion.h>
#include <endian.h>

#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 8 };

struct list {
    struct cidr blocks[LIST_MAX];
    size_t count;
};

/* Parses "10.0.0.0/8 ::1". */
static struct list list_of(const char *text)
{
    struct list list = {.count = 0};
    char copy[256], *rest = NULL;
    strcpy(copy, text);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        cr_assert_null(cidr_parse(&list.blocks[list.count++], word), "%s", word);
    return list;
}

static struct access_list *make(const char *allow, const char *deny)
{
    struct list allowed = list_of(allow), denied = list_of(deny);
    struct access_list *acl =
        access_list_new(allowed.blocks, allowed.count, denied.blocks, denied.count);
    cr_assert_not_null(acl);
    return acl;
}

/* Asserts that the addresses of yes are allowed and those of no are not; frees the list. */
static void expect_admits(struct access_list *acl, const char *yes, const char *no)
{
    for (int wanted = 1; wanted >= 0; wanted--) {
        char copy[512], *rest = NULL;
        strcpy(copy, wanted ? yes : no);
        for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
            struct addr addr;
            cr_assert_null(addr_parse(&addr, NULL, word, 7));
            cr_assert_eq(access_list_admits(acl, &addr), wanted, "%s", word);
        }
    }
    access_list_free(acl);
}

Test(access_list, allows_all_sources_when_it_is_empty)
{
    expect_admits(make("", ""), "0.0.0.0 127.0.0.1 255.255.255.255 :: ::1 2001:db8::1", "");
}

Test(access_list, denies_all_others_when_there_is_an_allow_list)
{
    expect_admits(make("192.0.2.0/24", ""), "192.0.2.0 192.0.2.255",
                  "192.0.1.255 192.0.3.0 :: ::1");
    expect_admits(make("2001:db8::/32", ""), "2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                  "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9:: 127.0.0.1");
}

Test(access_list, is_decided_by_the_longest_block)
{
    expect_admits(make("10.1.0.0/16 10.1.2.3", "10.0.0.0/8 10.1.2.0/24 0.0.0.0/0 ::/0"),
                  "10.1.0.0 10.1.1.255 10.1.2.3 10.1.3.0 10.1.255.255",
                  "9.255.255.255 10.0.255.255 10.1.2.0 10.1.2.2 10.1.2.4 10.1.2.255 10.2.0.0 ::1");
    expect_admits(make("", "10.0.0.0/8"), "9.255.255.255 11.0.0.0 ::", "10.0.0.0 10.255.255.255");
}

Test(access_list, denies_a_block_in_both_lists)
{
    expect_admits(make("10.0.0.0/8 0.0.0.0/0", "10.0.0.0/8"), "11.0.0.1", "10.0.0.1");
}

Test(access_list, supports_blocks_longer_than_64_bits)
{
    expect_admits(
        make("::/0 0.0.0.0/0", "2001:db8::1 2001:db8::4/126 2001:db8:0:0:8000::/65 ::1"),
        ":: ::2 2001:db8:: 2001:db8::2 2001:db8::3 2001:db8::8 2001:db8::7fff:ffff:ffff:ffff "
        "2001:db8:0:1:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::1 2001:db8::4 2001:db8::7 2001:db8:0:0:8000:: "
        "2001:db8:0:0:ffff:ffff:ffff:ffff ::1");
}

Test(access_list, covers_the_first_and_the_last_address)
{
    expect_admits(make("", "255.255.255.255 0.0.0.0 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::"),
                  "0.0.0.1 255.255.255.254 ::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
                  "0.0.0.0 255.255.255.255 :: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    expect_admits(make("", "0.0.0.0/0 ::/0"), "", "0.0.0.0 255.255.255.255 :: ::1 8000::");
}

Test(access_list, denies_an_address_without_family)
{
    struct access_list *acl = make("", "");
    struct addr none = {.family = ADDR_NONE};
    cr_assert_not(access_list_admits(acl, &none));
    access_list_free(acl);
}

/* ---- comparison with a search of all blocks ---- */

/* The result by a search of all blocks. */
static bool expected(const struct cidr *allow, size_t allow_count, const struct cidr *deny,
                     size_t deny_count, const struct addr *source)
{
    int longest_allowed = allow_count == 0 ? 0 : -1, longest_denied = -1;
    for (size_t i = 0; i < allow_count + deny_count; i++) {
        const struct cidr *block = i < allow_count ? &allow[i] : &deny[i - allow_count];
        struct cidr of = cidr_of(source, block->bits);
        int *longest = i < allow_count ? &longest_allowed : &longest_denied;
        if (cidr_compare(&of, block) == 0 && block->bits > *longest)
            *longest = block->bits;
    }
    return longest_allowed > longest_denied;
}

/* Uses few different bytes, so that blocks nest, adjoin and repeat. */
static struct addr random_addr(struct prng *prng)
{
    struct addr addr = {.family = prng_next(prng) % 2 == 0 ? ADDR_IPV4 : ADDR_IPV6};
    uint64_t random = prng_next(prng);
    int width = addr.family == ADDR_IPV4 ? 4 : 16;
    for (int i = 0; i < width; i++) {
        static const uint8_t bytes[4] = {0x00, 0x01, 0x80, 0xff};
        addr.ip[i] = bytes[random >> 2 * i & 3];
        if (random >> 40 & 1 && i > 1 && i < width - 1)
            addr.ip[i] = 0;
    }
    return addr;
}

static size_t random_list(struct prng *prng, struct cidr *list, size_t max)
{
    size_t count = prng_next(prng) % (max + 1);
    for (size_t i = 0; i < count; i++) {
        struct addr addr = random_addr(prng);
        list[i] =
            cidr_of(&addr, (uint8_t)(prng_next(prng) % (addr.family == ADDR_IPV4 ? 33 : 129)));
    }
    return count;
}

/* Moves to a neighbouring address: errors are most likely at the ends of a block. */
static void step(struct addr *addr, int by)
{
    int width = addr->family == ADDR_IPV4 ? 4 : 16;
    for (int i = width - 1; i >= 0; i--) {
        addr->ip[i] = (uint8_t)(addr->ip[i] + by);
        if (addr->ip[i] != (by > 0 ? 0x00 : 0xff))
            return;
    }
}

Test(access_list, agrees_with_a_search_of_all_blocks_for_random_lists)
{
    enum { MAX = 40 };
    struct prng prng;
    prng_init(&prng, 2024);
    for (int round = 0; round < 3000; round++) {
        struct cidr allow[MAX], deny[MAX];
        size_t allow_count = round % 3 == 0 ? 0 : random_list(&prng, allow, MAX);
        size_t deny_count = random_list(&prng, deny, MAX);
        struct access_list *acl = access_list_new(allow, allow_count, deny, deny_count);
        for (int i = 0; i < 60; i++) {
            struct addr source = random_addr(&prng);
            for (int by = -1; by <= 1; by++) {
                struct addr near = source;
                if (by != 0)
                    step(&near, by);
                cr_assert_eq(access_list_admits(acl, &near),
                             expected(allow, allow_count, deny, deny_count, &near), "round %d",
                             round);
            }
        }
        access_list_free(acl);
    }
}

Test(access_list, accepts_the_longest_lists_also_within_one_64)
{
    struct cidr *deny = calloc(ACCESS_LIST_BLOCKS_MAX, sizeof *deny);
    for (uint32_t i = 0; i < ACCESS_LIST_BLOCKS_MAX; i++) {
        struct addr addr = {.family = ADDR_IPV6, .ip = {0x20, 0x01}};
        uint32_t even = htobe32(2 * i);
        memcpy(addr.ip + 12, &even, sizeof even);
        deny[i] = cidr_of(&addr, 128);
    }
    struct access_list *acl = access_list_new(NULL, 0, deny, ACCESS_LIST_BLOCKS_MAX);
    for (uint32_t i = 0; i < 2 * ACCESS_LIST_BLOCKS_MAX + 2; i++) {
        struct addr addr = {.family = ADDR_IPV6, .ip = {0x20, 0x01}};
        uint32_t big_endian = htobe32(i);
        memcpy(addr.ip + 12, &big_endian, sizeof big_endian);
        cr_assert_eq(access_list_admits(acl, &addr), i % 2 == 1 || i >= 2 * ACCESS_LIST_BLOCKS_MAX,
                     "%u", i);
    }
    access_list_free(acl);
    free(deny);
}
