/* Tests of address/cidr: blocks parsed, formatted, compared. */
#include "address/cidr.h"

#include <criterion/criterion.h>

#include <string.h>

static void expect_parsed(const char *text, const char *formatted)
{
    struct cidr cidr;
    char written[CIDR_TEXT_BYTES];
    const char *wrong = cidr_parse(&cidr, text);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    cr_assert_str_eq(cidr_format(&cidr, written), formatted);
}

static void expect_refused(const char *text, const char *why)
{
    struct cidr cidr;
    const char *wrong = cidr_parse(&cidr, text);
    cr_assert_not_null(wrong, "%s was accepted", text);
    cr_assert_str_eq(wrong, why, "%s: %s", text, wrong);
    cr_assert_eq(cidr.family, ADDR_NONE);
}

Test(cidr, parses_blocks_and_single_addresses_and_formats_them)
{
    expect_parsed("192.0.2.0/24", "192.0.2.0/24");
    expect_parsed("192.0.2.1", "192.0.2.1");
    expect_parsed("192.0.2.1/32", "192.0.2.1");
    expect_parsed("0.0.0.0/0", "0.0.0.0/0");
    expect_parsed("128.0.0.0/1", "128.0.0.0/1");
    expect_parsed("2001:DB8:0::/32", "2001:db8::/32");
    expect_parsed("::1", "::1");
    expect_parsed("::/0", "::/0");
    expect_parsed("2001:db8::1/128", "2001:db8::1");
    expect_parsed("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128",
                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

Test(cidr, refuses_an_address_with_bits_after_its_prefix)
{
    expect_refused("192.0.2.1/24", "the address has bits set after the prefix");
    expect_refused("192.0.2.0/22", "the address has bits set after the prefix");
    expect_refused("2001:db8::1/127", "the address has bits set after the prefix");
    expect_refused("::1/0", "the address has bits set after the prefix");
}

Test(cidr, refuses_ipv4_mapped_addresses)
{
    static const char why[] = "IPv4-mapped addresses: write them as IPv4, such as 192.0.2.0/24";
    expect_refused("::ffff:192.0.2.0/120", why);
    expect_refused("::ffff:c000:201", why);
    expect_refused("::ffff:0:0/96", why);
    expect_parsed("::/16", "::/16");
    expect_parsed("::fffe:0:0/95", "::fffe:0:0/95"); /* contains others, too */
    expect_parsed("::1:ffff:192.0.2.0/120", "::1:ffff:c000:200/120");
}

Test(cidr, refuses_other_text)
{
    expect_refused("", "not an IPv4 or IPv6 address");
    expect_refused("/8", "not an IPv4 or IPv6 address");
    expect_refused("example.org/8", "not an IPv4 or IPv6 address");
    expect_refused("192.0.2/24", "not an IPv4 or IPv6 address");
    expect_refused("fe80::1%eth0", "not an IPv4 or IPv6 address");
    expect_refused("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/8",
                   "not an IPv4 or IPv6 address");
    expect_refused("192.0.2.0/33", "the prefix length is not a number from 0 to 32");
    expect_refused("192.0.2.0/", "the prefix length is not a number from 0 to 32");
    expect_refused("192.0.2.0/-1", "the prefix length is not a number from 0 to 32");
    expect_refused("192.0.2.0/24/24", "the prefix length is not a number from 0 to 32");
    expect_refused("::/129", "the prefix length is not a number from 0 to 128");
}

Test(cidr, makes_the_block_of_an_address)
{
    struct addr addr;
    char text[CIDR_TEXT_BYTES];
    addr_parse(&addr, NULL, "203.0.113.77:9", 0);
    struct cidr cidr = cidr_of(&addr, 24);
    cr_assert_str_eq(cidr_format(&cidr, text), "203.0.113.0/24");
    cidr = cidr_of(&addr, 128);
    cr_assert_str_eq(cidr_format(&cidr, text), "203.0.113.77");
    addr_parse(&addr, NULL, "[2001:db8:1:2:3::4]:9", 0);
    cidr = cidr_of(&addr, 64);
    cr_assert_str_eq(cidr_format(&cidr, text), "2001:db8:1:2::/64");
    cidr = cidr_of(&addr, 47);
    cr_assert_str_eq(cidr_format(&cidr, text), "2001:db8::/47");
}

static bool contains(const char *block, const char *text)
{
    struct cidr cidr;
    struct addr addr;
    cr_assert_null(cidr_parse(&cidr, block));
    cr_assert_null(addr_parse(&addr, NULL, text, 9));
    return cidr_contains(&cidr, &addr);
}

Test(cidr, contains_the_addresses_that_begin_with_its_bits)
{
    cr_assert(contains("0.0.0.0/0", "255.255.255.255"));
    cr_assert(contains("10.0.0.0/7", "11.255.255.255"));
    cr_assert_not(contains("10.0.0.0/7", "12.0.0.0"));
    cr_assert(contains("192.0.2.0/24", "192.0.2.255"));
    cr_assert_not(contains("192.0.2.0/24", "192.0.1.255"));
    cr_assert(contains("192.0.2.1", "192.0.2.1"));
    cr_assert_not(contains("192.0.2.1", "192.0.2.0"));
    cr_assert(contains("2001:db8::/127", "2001:db8::1"));
    cr_assert_not(contains("2001:db8::/127", "2001:db8::2"));
    cr_assert(contains("2001:db8::1", "2001:db8::1"));
    cr_assert_not(contains("2001:db8::1", "2001:db8::"));
}

Test(cidr, contains_no_address_of_the_other_family_and_not_the_absent_one)
{
    struct cidr all4, all6;
    const struct addr none = {.family = ADDR_NONE};
    cidr_parse(&all4, "0.0.0.0/0");
    cidr_parse(&all6, "::/0");
    cr_assert_not(contains("0.0.0.0/0", "::1"));
    cr_assert_not(contains("::/0", "127.0.0.1"));
    cr_assert_not(cidr_contains(&all4, &none));
    cr_assert_not(cidr_contains(&all6, &none));
}

Test(cidr, orders_a_block_before_those_within_it)
{
    static const char *const ordered[] = {"0.0.0.0/0", "10.0.0.0/8",   "10.0.0.0/9",
                                          "10.0.0.0",  "10.128.0.0/9", "::/0",
                                          "::1",       "2001:db8::/32"};
    enum { COUNT = sizeof ordered / sizeof *ordered };
    struct cidr cidrs[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        cidr_parse(&cidrs[i], ordered[i]);
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < COUNT; k++) {
            int by = cidr_compare(&cidrs[i], &cidrs[k]);
            cr_assert_eq((by > 0) - (by < 0), (i > k) - (i < k), "%s and %s", ordered[i],
                         ordered[k]);
        }
}
