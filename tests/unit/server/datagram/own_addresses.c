/* Which sources count as this server itself. */
#include "server/datagram/own_addresses.h"

#include <criterion/criterion.h>

TestSuite(own_addresses, .timeout = 10);

static struct own_ports ports;

static struct addr address(const char *text, uint16_t port)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, text, port), "%s", text);
    return addr;
}

static void listen_on(const char *text, uint16_t port)
{
    struct addr addr = address(text, port);
    own_ports_add(&ports, &addr);
}

static bool is_own(const char *source, uint16_t port, const char *local)
{
    struct datagram datagram = {.source = address(source, port), .local = address(local, 3000)};
    return own_ports_has_source(&ports, &datagram);
}

Test(own_addresses, has_the_ports_that_were_added_and_port_0)
{
    cr_assert_not(own_ports_has(&ports, 0));
    listen_on("192.0.2.1", 3000);
    cr_assert(own_ports_has(&ports, 3000));
    cr_assert(own_ports_has(&ports, 0));
    cr_assert_not(own_ports_has(&ports, 3001));
}

Test(own_addresses, a_bound_listener_is_only_the_source_of_its_own_address)
{
    listen_on("192.0.2.1", 3000);
    cr_assert(is_own("192.0.2.1", 3000, "192.0.2.1"));
    cr_assert_not(is_own("192.0.2.2", 3000, "192.0.2.1"));
    cr_assert_not(is_own("192.0.2.1", 3001, "192.0.2.1"));
}

Test(own_addresses,
     a_wildcard_listener_is_the_source_of_loopback_and_of_the_address_that_was_sent_to)
{
    listen_on("0.0.0.0", 3000);
    cr_assert(is_own("127.0.0.5", 3000, "192.0.2.1"));
    cr_assert(is_own("192.0.2.1", 3000, "192.0.2.1"));
    cr_assert_not(is_own("192.0.2.2", 3000, "192.0.2.1"));
    cr_assert_not(is_own("::1", 3000, "192.0.2.1"));
}

Test(own_addresses, finds_the_addresses_that_the_server_sends_from)
{
    static struct own_addrs addrs;
    struct addr first = address("192.0.2.1", 3000), other = address("192.0.2.1", 3001);
    struct addr *place = own_addrs_add(&addrs, &first);
    cr_assert(own_addrs_has(&addrs, &first));
    cr_assert_not(own_addrs_has(&addrs, &other));
    *place = other;
    cr_assert(own_addrs_has(&addrs, &other));
}
