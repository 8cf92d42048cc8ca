/* Limits on sources: allow and deny lists, token buckets, and the number of clients of a prefix. */

#include "frames.h"

#include <stdio.h>
#include <string.h>

TestSuite(system_limits, .fini = harness_end, .timeout = 60);

static void expect_stat(struct server *server, const char *name, int64_t value)
{
    harness_equal(name, server_stat(server, name), value);
}

/* ---- lists ---- */

Test(system_limits, denied_sources_get_no_answer_and_a_reload_replaces_the_lists)
{
    struct server server = {0};
    int allowed = udp_open("127.0.0.1"), denied = udp_open("127.0.0.66");

    server_start(&server,
                 "[admission]\npolicy = open\ndeny = 127.0.0.64/28\nallow = 127.0.0.0/8\n[reply]\n"
                 "message = yes\n",
                 "-l", "127.0.0.1:0", NULL);
    udp_send_text(denied, &server.at[0], "hi");
    frame_send(denied, &server.at[0], 4, NULL, "");
    udp_ask(allowed, &server.at[0], "hi", "yes");
    udp_expect_nothing(denied, "an answer to a denied source");
    expect_stat(&server, "drop_denied", 2);
    expect_stat(&server, "clients", 1);
    server_configure(&server,
                     "[admission]\npolicy = open\nallow = 127.0.0.66\n[reply]\nmessage = yes\n");
    ctl_ok(&server, "reload", NULL);
    udp_send_text(allowed, &server.at[0], "hi");
    udp_ask(denied, &server.at[0], "hi", "yes");
    udp_expect_nothing(allowed, "an answer to a source that is no longer allowed");
    expect_stat(&server, "drop_denied", 3);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_limits, a_list_of_a_hundred_thousand_addresses_is_loaded_and_reloaded)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    run_ok(NULL, "sh", "-c",
           harness_format("seq 0 99999 | awk '{printf \"deny = 10.%%d.%%d.%%d\\n\", $1 / 65536, "
                          "$1 / 256 %% 256, $1 %% 256}' >%s",
                          harness_path("deny.conf")),
           NULL);
    server_start(
        &server,
        harness_format("[admission]\npolicy = open\ninclude = %s\n[reply]\nmessage = yes\n",
                       harness_path("deny.conf")),
        "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "yes");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_stop(&server);
}

/* ---- limits ---- */

static void send_many(int udp, const struct endpoint *to, int count)
{
    for (int i = 0; i < count; i++)
        udp_send_text(udp, to, "hi");
}

Test(system_limits, sources_over_the_rate_get_no_answer_and_others_get_replies)
{
    struct server server = {0};
    int busy = udp_open("127.1.0.1"), other = udp_open("127.2.0.1");

    server_start(&server,
                 "[admission]\npolicy = open\nrate = 1\nburst = 10\n[reply]\nmessage = yes\n", "-l",
                 "127.0.0.1:0", NULL);
    send_many(busy, &server.at[0], 100);
    server_await_stat(&server, "received", 100);
    udp_ask(other, &server.at[0], "hi", "yes");
    expect(server_stat(&server, "drop_limited") >= 80,
           "expected most of a hundred to exceed the limit");
    expect_balance("stats", server_ask(&server, "stats"));
    server_configure(&server, "[admission]\npolicy = open\n[reply]\nmessage = yes\n");
    ctl_ok(&server, "reload", NULL);
    server_stop(&server);
}

Test(system_limits, unverified_sources_do_not_use_up_the_limit_of_a_client_at_the_same_address)
{
    struct server server = {0};
    int client = udp_open("127.1.0.1"), unverified = udp_open("127.1.0.1");

    server_start(&server,
                 "[admission]\npolicy = cookie\nrate = 1\nburst = 10\n[reply]\nmessage = yes\n",
                 "-l", "127.0.0.1:0", NULL);
    frame_join(client, &server.at[0]);
    send_many(unverified, &server.at[0], 100);
    for (int i = 0; i < 8; i++)
        udp_ask(client, &server.at[0], "hi", "yes");
    expect(server_stat(&server, "drop_limited") >= 80,
           "expected most of a hundred to exceed the limit");
    expect(server_stat(&server, "challenged") <= 20, "expected few of a hundred to be challenged");
    /* A client has its own limit. */
    send_many(client, &server.at[0], 100);
    server_await_stat(&server, "received", 210);
    expect(server_stat(&server, "drop_limited") >= 160,
           "expected the client to exceed its limit, too");
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_limits, a_dry_run_counts_excess_datagrams_and_drops_none)
{
    struct server server = {0};
    int busy = udp_open("127.1.0.1"), another = udp_open("127.1.0.1");

    server_start(&server,
                 "[admission]\npolicy = open\nrate = 1\nburst = 10\nper-prefix = 1\ndry-run = on\n"
                 "[reply]\nmode = none\n",
                 "-l", "127.0.0.1:0", NULL);
    send_many(busy, &server.at[0], 100);
    udp_send_text(another, &server.at[0], "hi");
    server_await_stat(&server, "silent", 101);
    expect(server_stat(&server, "dry_limited") >= 80, "expected most of a hundred to be counted");
    expect_stat(&server, "drop_limited", 0);
    expect_stat(&server, "dry_prefix", 1);
    expect_stat(&server, "refused_prefix", 0);
    expect_stat(&server, "clients", 2);
    server_stop(&server);
}

Test(system_limits, a_client_of_a_full_prefix_gets_replies_but_is_not_registered)
{
    struct server server = {0};
    int a = udp_open("127.1.0.1"), b = udp_open("127.1.0.2"), c = udp_open("127.1.0.3"),
        other = udp_open("127.1.1.1");

    server_start(&server, "[admission]\npolicy = open\nper-prefix = 2\n[reply]\nmessage = yes\n",
                 "-l", "127.0.0.1:0", NULL);
    udp_ask(a, &server.at[0], "hi", "yes");
    udp_ask(b, &server.at[0], "hi", "yes");
    udp_ask(c, &server.at[0], "hi", "yes");
    udp_ask(other, &server.at[0], "hi", "yes");
    expect_stat(&server, "refused_prefix", 1);
    expect_stat(&server, "clients", 3);
    frame_send(a, &server.at[0], 3, NULL, "");
    server_await_stat(&server, "left", 1);
    udp_ask(c, &server.at[0], "hi", "yes");
    expect_stat(&server, "clients", 3);
    server_stop(&server);
}
