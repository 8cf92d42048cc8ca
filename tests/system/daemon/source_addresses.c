/* Source addresses in network namespaces: answers and copies of a host with several addresses, and
 * clients with link-local addresses. */

#include "harness.h"
#include "neighbours.h"

TestSuite(system_source_addresses, .fini = harness_end, .timeout = 60);

static const char OPEN[] = "[admission]\npolicy = open\n[reply]\nmessage = yes\n";

static const char NEAR_SETUP[] = "ip addr add 10.8.0.1/24 dev near\n"
                                 "ip addr add 10.8.0.2/24 dev near\n"
                                 "ip addr add fd08::1/64 dev near nodad\n"
                                 "ip addr add fd08::2/64 dev near nodad\n"
                                 "ip addr add fe80::1/64 dev near nodad";
static const char FAR_SETUP[] = "ip addr add 10.8.0.9/24 dev far\n"
                                "ip addr add fd08::9/64 dev far nodad\n"
                                "ip addr add fe80::9/64 dev far nodad";

Test(system_source_addresses, answers_and_copies_are_sent_from_the_address_the_client_uses)
{
    static const struct {
        const char *client, *asked[2];
    } cases[] = {
        {"10.8.0.9", {"10.8.0.1", "10.8.0.2"}},
        {"fd08::9", {"fd08::1", "fd08::2"}},
        {"[fe80::9%far]:0", {"fe80::1%far", "fe80::1%far"}},
    };
    struct server server = {0};
    struct neighbours both;

    netns_enter();
    add_neighbour(&both, "near", NEAR_SETUP, FAR_SETUP);
    server_start(&server, OPEN, "-l", "0.0.0.0:0", "-l", "[::]:0", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int udp = udp_open_in(both.there, &both, cases[i].client);
        uint16_t port = endpoint_port(&server.at[i == 0 ? 0 : 1]);

        for (int turn = 0; turn < 6; turn++) {
            struct endpoint to = neighbour_endpoint(&both, cases[i].asked[turn % 2], port);

            udp_ask(udp, &to, "hi", "yes");
            ctl_ok(&server, "broadcast", "news", NULL);
            udp_expect(udp, &to, "news");
        }
        harness_equal("clients", server_stat(&server, "clients"), (int64_t)i + 1);
    }
    harness_equal("copies_failed", server_stat(&server, "copies_failed"), 0);
    server_stop(&server);
}

Test(system_source_addresses,
     a_listener_may_have_a_link_local_address_with_the_name_of_its_interface)
{
    struct server server = {0};
    struct neighbours both;
    struct endpoint to, name, far;
    const char *zone;
    int udp;

    netns_enter();
    add_neighbour(&both, "near", NEAR_SETUP, FAR_SETUP);
    server_start(&server, OPEN, "-l", "[fe80::1%near]:0", NULL);
    udp = udp_open_in(both.there, &both, "[fe80::9%far]:0");
    to = neighbour_endpoint(&both, "fe80::1%far", endpoint_port(&server.at[0]));
    udp_ask(udp, &to, "hi", "yes");
    ctl_ok(&server, "broadcast", "news", NULL);
    udp_expect(udp, &to, "news");
    /* The client is listed with the index of the interface, which `kick` accepts. */
    far = udp_name(udp);
    name = endpoint_with_port("fe80::9%near", endpoint_port(&far));
    zone = endpoint_text(&name);
    harness_contains("clients", ctl_ok(&server, "clients", "--json", NULL), zone);
    ctl_ok(&server, "kick", zone, NULL);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    server_stop(&server);
}

Test(system_source_addresses,
     clients_with_the_same_link_local_address_on_two_links_are_distinguished)
{
    struct server server = {0};
    struct neighbours left, right;
    struct endpoint from_left, from_right;
    int udp_left, udp_right;

    netns_enter();
    add_neighbour(&left, "left", "ip addr add fe80::1/64 dev left nodad", FAR_SETUP);
    add_neighbour(&right, "right", "ip addr add fe80::1/64 dev right nodad", FAR_SETUP);
    server_start(&server, OPEN, "-l", "[::]:0", NULL);
    from_left = neighbour_endpoint(&left, "fe80::1%far", endpoint_port(&server.at[0]));
    from_right = neighbour_endpoint(&right, "fe80::1%far", endpoint_port(&server.at[0]));
    udp_left = udp_open_in(left.there, &left, "[fe80::9%far]:5000");
    udp_right = udp_open_in(right.there, &right, "[fe80::9%far]:5000");
    udp_ask(udp_left, &from_left, "hi", "yes");
    udp_ask(udp_right, &from_right, "hi", "yes");
    harness_equal("clients", server_stat(&server, "clients"), 2);
    ctl_ok(&server, "broadcast", "news", NULL);
    udp_expect(udp_left, &from_left, "news");
    udp_expect(udp_right, &from_right, "news");
    server_stop(&server);
}
