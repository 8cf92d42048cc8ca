/* Values of listen addresses, multicast groups and address blocks. */
#include "config_key_fixture.h"

#include <stdio.h>
#include <stdlib.h>

TestSuite(config_address_types, .init = set_up, .fini = tear_down);

Test(config_address_types, listen_takes_addresses_of_this_host)
{
    config_clear_listen(config);
    expect_set("server", "listen", "127.0.0.1");
    expect_set("server", "listen", "127.0.0.1:0");
    expect_set("server", "listen", "127.0.0.1:0"); /* the kernel chooses two ports */
    expect_set("server", "listen", "[fe80::1%eth0]:3000");
    expect_set("server", "listen", "[fe80::1%eth1]:3000");
    expect_set("server", "listen", "[fe80::1%2]:3000");
    cr_assert_eq(config->server.listen_count, 6);
    cr_assert_eq(config->server.listen[0].addr.port, 3000);
    cr_assert_str_eq(config->server.listen[3].zone, "eth0");
    cr_assert(config->server.listen_given);

    expect_refused("server", "listen", "127.0.0.1:3000", "listed twice");
    expect_refused("server", "listen", "[fe80::1%eth1]", "listed twice");
    expect_refused("server", "listen", "localhost", "not an IPv4 or IPv6 address");
    expect_refused("server", "listen", "::ffff:1.2.3.4",
                   "an IPv4-mapped address: write it as IPv4, such as 192.0.2.1:3000");
    expect_refused("server", "listen", "fe80::1",
                   "a link-local address needs its interface, as in [fe80::1%eth0]:3000");
    cr_assert_eq(config->server.listen_count, 6);
}

Test(config_address_types, listen_takes_multicast_groups_with_or_without_an_interface)
{
    config_clear_listen(config);
    expect_set("server", "listen", "239.1.2.3");
    expect_set("server", "listen", "239.1.2.3%eth0:3000");
    expect_set("server", "listen", "239.1.2.3%7:3000");
    expect_set("server", "listen", "[ff02::1%eth0]:3000");
    expect_set("server", "listen", "[ff05::2]:3000");
    cr_assert_eq(config->server.listen[0].addr.port, 3000);
    cr_assert_str_eq(config->server.listen[1].zone, "eth0");
    cr_assert_eq(config->server.listen[2].addr.scope, 7);
    cr_assert_str_eq(config->server.listen[3].zone, "eth0");

    expect_refused("server", "listen", "239.1.2.3%eth0", "listed twice");
    expect_refused("server", "listen", "ff02::1",
                   "a link-local multicast group needs its interface, as in [ff02::1%eth0]:3000");
    expect_refused("server", "listen", "239.1.2.3:0",
                   "a multicast group needs a port, as in 239.1.2.3:3000");
    expect_refused("server", "listen", "tcp:239.1.2.3:3000",
                   "a multicast group cannot be used with TCP");
}

Test(config_address_types, listen_takes_streams)
{
    config_clear_listen(config);
    expect_set("server", "listen", "127.0.0.1:3000");
    expect_set("server", "listen", "tcp:127.0.0.1:3000");
    expect_set("server", "listen", "tcp:[fe80::1%eth0]");
    expect_set("server", "listen", "unix:/run/chat");
    cr_assert_eq(config->server.listen[1].transport, TRANSPORT_TCP);
    cr_assert_eq(config->server.listen[2].addr.port, 3000);
    cr_assert_eq(config->server.listen[3].transport, TRANSPORT_UNIX);
    cr_assert_str_eq(config->server.listen[3].path, "/run/chat");

    expect_refused("server", "listen", "tcp:127.0.0.1", "listed twice");
    expect_refused("server", "listen", "unix:/run/chat", "listed twice");
    expect_refused("server", "listen", "tcp:localhost:3000", "not an IPv4 or IPv6 address");
    expect_refused("server", "listen", "tcp:", "not an IPv4 or IPv6 address");
    expect_refused("server", "listen", "unix:chat",
                   "the path of a Unix socket begins with '/', as in unix:/run/udpsrv/chat");
    expect_refused("server", "listen", "unix:/run/my chat",
                   "the path contains a blank or a control character");
}

Test(config_address_types, multicast_is_a_multicast_group_with_a_port)
{
    expect_set("broadcast", "multicast", "239.1.2.3:3000");
    expect_set("broadcast", "multicast", "[ff02::1%eth0]:3000");
    cr_assert_eq(config->broadcast.multicast.addr.port, 3000);
    cr_assert_str_eq(config->broadcast.multicast.zone, "eth0");
    expect_refused("broadcast", "multicast", "239.1.2.3",
                   "a multicast group needs a port, as in 239.1.2.3:3000");
    expect_refused("broadcast", "multicast", "192.0.2.1:3000",
                   "not a multicast group (224.0.0.0 to 239.255.255.255, ff00::/8)");
    expect_refused("broadcast", "multicast-interface", "sixteen-letters!", "longer than 15 bytes");
}

Test(config_address_types, there_are_at_most_64_listeners)
{
    config_clear_listen(config);
    for (int port = 1; port <= CONFIG_LISTEN_MAX; port++) {
        char text[32];
        snprintf(text, sizeof text, "127.0.0.1:%d", port);
        expect_set("server", "listen", text);
    }
    expect_refused("server", "listen", "127.0.0.1:65", "more than 64 addresses");
}

Test(config_address_types, address_blocks_are_allowed_and_denied)
{
    expect_set("admission", "allow", "192.0.2.0/24");
    expect_set("admission", "allow", "2001:db8::1");
    expect_set("admission", "deny", "192.0.2.128/25");
    cr_assert_eq(config->admission.allow.count, 2);
    cr_assert_eq(config->admission.deny.count, 1);
    cr_assert_eq(config->admission.deny.list[0].bits, 25);
    expect_refused("admission", "deny", "192.0.2.1/25",
                   "the address has bits set after the prefix");
    expect_refused("admission", "allow", "192.0.2.0/40",
                   "the prefix length is not a number from 0 to 32");
    expect_refused("admission", "allow", "everyone", "not an IPv4 or IPv6 address");
    config_clear_allow(config);
    cr_assert_eq(config->admission.allow.count, 0);
}

Test(config_address_types, the_metrics_have_one_address)
{
    expect_set("metrics", "listen", "unix:/run/metrics");
    cr_assert_eq(config->metrics.listen.transport, TRANSPORT_UNIX);
    cr_assert_str_eq(config->metrics.listen.path, "/run/metrics");
    expect_set("metrics", "listen", "[::1]");
    cr_assert_eq(config->metrics.listen.transport, TRANSPORT_TCP);
    cr_assert_eq(config->metrics.listen.addr.port, 9300);
    expect_set("metrics", "listen", "tcp:127.0.0.1:1");
    cr_assert_eq(config->metrics.listen.addr.port, 1);
    cr_assert_str_eq(config->metrics.listen.path, "");
    cr_assert(config_has_metrics(config));

    expect_refused("metrics", "listen", "localhost:9300", "not an IPv4 or IPv6 address");
    expect_refused("metrics", "listen", "239.1.2.3:9300",
                   "a multicast group cannot be used with TCP");
    expect_refused("metrics", "listen", "::ffff:1.2.3.4",
                   "an IPv4-mapped address: write it as IPv4, such as 192.0.2.1:9300");
    expect_refused("metrics", "listen", "[fe80::1%2]:9300",
                   "a link-local address cannot be used here");
    expect_refused("metrics", "listen", "unix:metrics",
                   "the path of a Unix socket begins with '/', as in unix:/run/udpsrv/chat");
}

static void expect_written(const char *value, const char *expected)
{
    const struct config_key *key = config_key_find("metrics", "listen");
    expect_set("metrics", "listen", value);
    cr_assert_eq(key->type->count(key, config), 1);
    char *written = key->type->write(key, config, 0);
    cr_expect_str_eq(written, expected);
    free(written);
}

Test(config_address_types, the_address_of_the_metrics_is_written_without_its_transport)
{
    const struct config_key *key = config_key_find("metrics", "listen");
    cr_assert_eq(key->type->count(key, config), 0);
    expect_written("tcp:127.0.0.1:9300", "127.0.0.1:9300");
    expect_written("::1", "[::1]:9300");
    expect_written("unix:/run/metrics", "unix:/run/metrics");
}

Test(config_address_types, the_metrics_have_a_list_of_their_own)
{
    expect_set("metrics", "allow", "192.0.2.0/24");
    expect_set("metrics", "allow", "2001:db8::1");
    cr_assert_eq(config->metrics.allow.count, 2);
    cr_assert_eq(config->admission.allow.count, 0);
    config_clear_metrics_allow(config);
    cr_assert_eq(config->metrics.allow.count, 0);
}
