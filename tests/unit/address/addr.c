/* Tests of address/addr: addresses parsed, formatted, compared, and their kinds. */
#include "address/addr.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct addr parse(const char *text)
{
    struct addr addr;
    const char *wrong = addr_parse(&addr, NULL, text, 3000);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    return addr;
}

Test(addr, is_parsed_and_formatted)
{
    static const struct {
        const char *in, *out;
    } GOOD[] = {
        {"1.2.3.4", "1.2.3.4:3000"},
        {"1.2.3.4:5", "1.2.3.4:5"},
        {"0.0.0.0:0", "0.0.0.0:0"},
        {"255.255.255.255:65535", "255.255.255.255:65535"},
        {"::", "[::]:3000"},
        {"::1", "[::1]:3000"},
        {"[::1]", "[::1]:3000"},
        {"[::1]:5", "[::1]:5"},
        {"2001:DB8:0:0:1:0:0:1", "[2001:db8::1:0:0:1]:3000"}, /* RFC 5952, section 4.2.3 */
        {"2001:db8:0:1:1:1:1:1", "[2001:db8:0:1:1:1:1:1]:3000"},
        {"::ffff:1.2.3.4", "[::ffff:1.2.3.4]:3000"},
        {"[fe80::1%2]:5", "[fe80::1%2]:5"},
        {"fe80::1%2", "[fe80::1%2]:3000"},
        {"[fe80::1%4294967295]:5", "[fe80::1%4294967295]:5"},
        {"[ff02::1%3]:5", "[ff02::1%3]:5"},
    };
    for (size_t i = 0; i < COUNT(GOOD); i++) {
        char text[ADDR_TEXT_BYTES];
        struct addr addr = parse(GOOD[i].in);
        cr_expect_str_eq(addr_format(&addr, text), GOOD[i].out);
        struct addr again = parse(text);
        cr_expect(addr_equal(&addr, &again));
    }
}

Test(addr, the_longest_text_fits)
{
    struct addr addr = {.family = ADDR_IPV6, .scope = UINT32_MAX, .port = UINT16_MAX};
    char text[ADDR_TEXT_BYTES];
    memset(addr.ip, 0xff, sizeof addr.ip);
    cr_assert_str_eq(addr_format(&addr, text),
                     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

Test(addr, no_address_is_formatted_as_a_dash)
{
    struct addr none = {0};
    char text[ADDR_TEXT_BYTES];
    cr_assert_str_eq(addr_format(&none, text), "-");
}

Test(addr, an_invalid_text_gives_a_reason_and_no_address)
{
    static const struct {
        const char *text, *wrong;
    } BAD[] = {
        {"", "not an IPv4 or IPv6 address"},
        {"localhost", "not an IPv4 or IPv6 address"},
        {"localhost:5", "not an IPv4 or IPv6 address"},
        {":5", "not an IPv4 or IPv6 address"},
        {"1.2.3", "not an IPv4 or IPv6 address"},
        {"1.2.3.256", "not an IPv4 or IPv6 address"},
        {"1.2.3.4.5", "not an IPv4 or IPv6 address"},
        {" 1.2.3.4", "not an IPv4 or IPv6 address"},
        {"1:2:3", "not an IPv4 or IPv6 address"},
        {"1:2:3:4:5:6:7:8:9", "not an IPv4 or IPv6 address"},
        {"1111111111111111111111111111111111111111111111111:1:1", "not an IPv4 or IPv6 address"},
        {"[1.2.3.4]:5", "not an IPv6 address"},
        {"[::x]:5", "not an IPv6 address"},
        {"[]:5", "not an IPv4 or IPv6 address"},
        {"[::1", "']' is missing"},
        {"[::1]5", "only ':' and a port may follow ']'"},
        {"[::1]:", "the port is not a number from 0 to 65535"},
        {"1.2.3.4:", "the port is not a number from 0 to 65535"},
        {"1.2.3.4:65536", "the port is not a number from 0 to 65535"},
        {"1.2.3.4:-1", "the port is not a number from 0 to 65535"},
        {"1.2.3.4:5x", "the port is not a number from 0 to 65535"},
        {"1.2.3.4%1", "only a link-local IPv6 address has a zone"},
        {"[::1%1]:5", "only a link-local IPv6 address has a zone"},
        {"[fe80::1%]:5", "not a valid interface name"},
        {"[fe80::1%abcdefghijklmnop]:5", "not a valid interface name"},
        {"[fe80::1%4294967296]:5", "the zone is not a number"},
        {"[fe80::1%eth0]:5", "the zone is not a number"},
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct addr addr, none = {0};
        memset(&addr, 0xff, sizeof addr);
        const char *wrong = addr_parse(&addr, NULL, BAD[i].text, 3000);
        cr_expect_str_eq(wrong ? wrong : "(nothing)", BAD[i].wrong, "%s: %s", BAD[i].text, wrong);
        cr_expect(addr_equal(&addr, &none));
    }
}

Test(addr, a_named_zone_is_left_to_the_caller)
{
    struct addr addr;
    char zone[ADDR_ZONE_BYTES];
    cr_assert_null(addr_parse(&addr, zone, "[fe80::1%eth0]:5", 3000));
    cr_assert_str_eq(zone, "eth0");
    cr_assert_eq(addr.scope, 0);
    cr_assert_null(addr_parse(&addr, zone, "[fe80::1%fifteen-letters]", 3000));
    cr_assert_str_eq(zone, "fifteen-letters");
    cr_assert_null(addr_parse(&addr, zone, "[fe80::1%7]:5", 3000));
    cr_assert_str_eq(zone, "");
    cr_assert_eq(addr.scope, 7);
    cr_assert_not_null(addr_parse(&addr, zone, "[fe80::1%a/b]:5", 3000));
    cr_assert_not_null(addr_parse(&addr, zone, "[fe80::1%a b]:5", 3000));
    cr_assert_str_eq(zone, "");
}

Test(addr, unused_bytes_are_zero)
{
    struct addr addr;
    memset(&addr, 0xff, sizeof addr);
    cr_assert_null(addr_parse(&addr, NULL, "1.2.3.4:5", 0));
    for (size_t i = 4; i < sizeof addr.ip; i++)
        cr_expect_eq(addr.ip[i], 0);
    cr_expect_eq(addr.scope, 0);
}

Test(addr, differs_in_each_member)
{
    static const char *const TEXTS[] = {
        "1.2.3.4:5", "1.2.3.4:6", "1.2.3.5:5", "[102:304::]:5", "[fe80::1%1]:5", "[fe80::1%2]:5",
    };
    for (size_t i = 0; i < COUNT(TEXTS); i++) {
        for (size_t j = 0; j < COUNT(TEXTS); j++) {
            struct addr a = parse(TEXTS[i]), b = parse(TEXTS[j]);
            cr_expect_eq(addr_equal(&a, &b), i == j);
        }
    }
}

Test(addr, has_a_total_order)
{
    static const char *const ORDERED[] = {
        "1.2.3.4:5", "1.2.3.4:6",     "1.2.3.10:1",    "200.0.0.1:1",
        "[::1]:9",   "[fe80::1%1]:9", "[fe80::1%2]:1", "[fe80::2%1]:1",
    };
    for (size_t i = 0; i < COUNT(ORDERED); i++) {
        for (size_t j = 0; j < COUNT(ORDERED); j++) {
            struct addr a = parse(ORDERED[i]), b = parse(ORDERED[j]);
            int order = addr_compare(&a, &b);
            cr_expect_eq((order > 0) - (order < 0), (i > j) - (i < j), "%s %s", ORDERED[i],
                         ORDERED[j]);
        }
    }
}

Test(addr, kinds_are_distinguished_at_the_ends_of_their_ranges)
{
    static const struct {
        const char *text;
        enum kind { PLAIN, LOOPBACK, MULTICAST, WILDCARD, LINK_LOCAL } kind;
    } KINDS[] = {
        {"127.0.0.0", LOOPBACK},
        {"127.255.255.255", LOOPBACK},
        {"126.255.255.255", PLAIN},
        {"128.0.0.0", PLAIN},
        {"::1", LOOPBACK},
        {"::2", PLAIN},
        {"::ffff:127.0.0.1", PLAIN},
        {"223.255.255.255", PLAIN},
        {"224.0.0.0", MULTICAST},
        {"239.255.255.255", MULTICAST},
        {"240.0.0.0", PLAIN},
        {"ff00::", MULTICAST},
        {"feff::", PLAIN},
        {"0.0.0.0", WILDCARD},
        {"0.0.0.1", PLAIN},
        {"::", WILDCARD},
        {"fe7f::", PLAIN},
        {"fe80::", LINK_LOCAL},
        {"febf:ffff::1", LINK_LOCAL},
        {"fec0::", PLAIN},
        {"169.254.0.1", PLAIN},
    };
    for (size_t i = 0; i < COUNT(KINDS); i++) {
        struct addr addr = parse(KINDS[i].text);
        cr_expect_eq(addr_is_loopback(&addr), KINDS[i].kind == LOOPBACK, "%s", KINDS[i].text);
        cr_expect_eq(addr_is_multicast(&addr), KINDS[i].kind == MULTICAST, "%s", KINDS[i].text);
        cr_expect_eq(addr_is_wildcard(&addr), KINDS[i].kind == WILDCARD, "%s", KINDS[i].text);
        cr_expect_eq(addr_is_link_local(&addr), KINDS[i].kind == LINK_LOCAL, "%s", KINDS[i].text);
    }
}

Test(addr, no_address_has_no_kind)
{
    struct addr none = {0};
    cr_assert_not(addr_is_loopback(&none));
    cr_assert_not(addr_is_multicast(&none));
    cr_assert_not(addr_is_wildcard(&none));
    cr_assert_not(addr_is_link_local(&none));
    cr_assert_not(addr_is_link_scoped_group(&none));
}

Test(addr, link_scoped_groups_are_recognized_by_their_scope)
{
    static const struct {
        const char *text;
        bool expected;
    } CASES[] = {
        {"ff01::1", true},  {"ff02::1", true},  {"ff12::1", true},    {"ff05::1", false},
        {"ff0e::1", false}, {"fe02::1", false}, {"224.0.0.1", false},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct addr addr = parse(CASES[i].text);
        cr_expect_eq(addr_is_link_scoped_group(&addr), CASES[i].expected, "%s", CASES[i].text);
    }
}
