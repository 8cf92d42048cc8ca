/* Tests of address/target: destinations parsed. */
#include "address/target.h"

#include <criterion/criterion.h>
#include <string.h>

static struct target target;

static void expect_address(const char *text, const char *address)
{
    char written[ADDR_TEXT_BYTES];
    const char *wrong = target_parse(&target, text, 3000);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    cr_assert_str_eq(addr_format(&target.addr, written), address);
}

static void expect_name(const char *text, const char *host, uint16_t port)
{
    const char *wrong = target_parse(&target, text, 3000);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    cr_assert_eq(target.addr.family, ADDR_NONE);
    cr_assert_str_eq(target.host, host);
    cr_assert_eq(target.port, port);
}

static void expect_wrong(const char *text)
{
    cr_assert_not_null(target_parse(&target, text, 3000), "'%s' was accepted", text);
}

TestSuite(target, .timeout = 10);

Test(target, accepts_addresses_with_and_without_a_port)
{
    expect_address("127.0.0.1", "127.0.0.1:3000");
    expect_address("127.0.0.1:9", "127.0.0.1:9");
    expect_address("::1", "[::1]:3000");
    expect_address("[::1]", "[::1]:3000");
    expect_address("[::1]:9", "[::1]:9");
}

/* "::1:3000" may mean port 3000 of ::1, or an address that ends in 3000. */
Test(target, refuses_an_ipv6_address_that_could_end_in_a_port)
{
    expect_wrong("::1:3000");
    expect_wrong("2001:db8::1:3000");
    expect_wrong("::ffff:192.0.2.1:3000");
    expect_address("[2001:db8::1:9]", "[2001:db8::1:9]:3000");
    expect_address("2001:db8::1", "[2001:db8::1]:3000");
    expect_address("2001:db8::1:fe", "[2001:db8::1:fe]:3000");
    expect_address("1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:3000");
    expect_address("::ffff:192.0.2.1", "[::ffff:192.0.2.1]:3000");
}

Test(target, accepts_names_with_and_without_a_port)
{
    expect_name("localhost", "localhost", 3000);
    expect_name("a.example:65535", "a.example", 65535);
}

Test(target, keeps_the_zone_of_an_address)
{
    cr_assert_null(target_parse(&target, "[fe80::1%eth0]:9", 3000));
    cr_assert_str_eq(target.zone, "eth0");
}

Test(target, refuses_invalid_destinations)
{
    expect_wrong("");
    expect_wrong(":3000");
    expect_wrong("localhost:");
    expect_wrong("localhost:0");
    expect_wrong("localhost:65536");
    expect_wrong("localhost:x");
    expect_wrong("127.0.0.1:0");
    expect_wrong("[::1]:0");
    expect_wrong("[::1");
    expect_wrong("1:2:3");
}

Test(target, accepts_the_longest_host_name_and_no_longer_one)
{
    char name[TARGET_HOST_BYTES + 1];
    memset(name, 'a', sizeof name);
    name[TARGET_HOST_BYTES] = '\0';
    expect_wrong(name);
    name[TARGET_HOST_BYTES - 1] = '\0';
    expect_name(name, name, 3000);
}

static void expect_any(const char *text, enum transport transport, const char *where)
{
    char written[ADDR_TEXT_BYTES];
    const char *wrong = target_parse_any(&target, text, 3000);
    cr_assert_null(wrong, "%s: %s", text, wrong);
    cr_assert_eq(target.transport, transport);
    if (transport == TRANSPORT_UNIX)
        cr_assert_str_eq(target.path, where);
    else if (target.host[0] != '\0')
        cr_assert_str_eq(target.host, where);
    else
        cr_assert_str_eq(addr_format(&target.addr, written), where);
}

Test(target, accepts_streams_only_in_parse_any)
{
    expect_any("127.0.0.1:9", TRANSPORT_UDP, "127.0.0.1:9");
    expect_any("tcp:127.0.0.1", TRANSPORT_TCP, "127.0.0.1:3000");
    expect_any("tcp:[::1]:9", TRANSPORT_TCP, "[::1]:9");
    expect_any("tcp:localhost:9", TRANSPORT_TCP, "localhost");
    cr_assert_eq(target.port, 9);
    expect_any("unix:chat", TRANSPORT_UNIX, "chat");
    expect_any("unix:/run/my chat", TRANSPORT_UNIX, "/run/my chat");
    cr_assert_not_null(target_parse_any(&target, "unix:", 3000));
    cr_assert_not_null(target_parse_any(&target, "tcp:", 3000));
    cr_assert_not_null(target_parse_any(&target, "tcp:localhost:0", 3000));
    cr_assert_not_null(target_parse_any(&target, "239.1.2.3:3000", 3000));
    char path[5 + TRANSPORT_PATH_BYTES + 1] = "unix:";
    memset(path + 5, 'x', TRANSPORT_PATH_BYTES);
    cr_assert_not_null(target_parse_any(&target, path, 3000));
    expect_wrong("tcp:127.0.0.1:9");
}

Test(target, a_group_has_a_port_and_may_have_an_interface)
{
    cr_assert_null(target_parse_group(&target, "239.1.2.3:3000"));
    cr_assert_eq(target.addr.port, 3000);
    cr_assert_null(target_parse_group(&target, "[ff02::1%eth0]:3000"));
    cr_assert_str_eq(target.zone, "eth0");
    cr_assert_not_null(target_parse_group(&target, "239.1.2.3"));
    cr_assert_not_null(target_parse_group(&target, "192.0.2.1:3000"));
    cr_assert_not_null(target_parse_group(&target, "localhost:3000"));
}
