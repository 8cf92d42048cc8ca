/* Expiry and removal of clients: a silent client expires soon after ttl and not before; kicked
 * clients get no broadcasts. */

#include "harness.h"

TestSuite(system_expire, .fini = harness_end, .timeout = 60);

static const char QUICK[] = "[clients]\nttl = 300ms\nsweep = 10ms\n";
/* A client keeps the ttl of its last datagram. */
static const char SLOW[] = "[clients]\nttl = 1h\nsweep = 10ms\n";
enum {
    QUICK_TTL_MS = 300,
    /* The clocks of the server and of the test both truncate to whole milliseconds. */
    TRUNCATION_MS = 1,
    /* Generous, because the machine may be busy. Without the sweep a client would never expire. */
    SOON_MS = 5000,
};

Test(system_expire, clients_expire_soon_after_ttl_and_not_before)
{
    enum { CLIENTS = 200 };
    struct server server = {0};
    int64_t first, elapsed;
    int clients[CLIENTS];

    server_start(&server, QUICK, "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = udp_open("127.0.0.1");
    first = harness_now_ms();
    for (int i = 0; i < CLIENTS; i++)
        udp_send_text(clients[i], &server.at[0], "hi");
    server_await_stat(&server, "joined", CLIENTS);
    server_await_stat(&server, "expired", 1);
    elapsed = harness_now_ms() - first;
    expect(elapsed >= QUICK_TTL_MS - TRUNCATION_MS,
           "expected no client to expire before %d ms, one did after %lld", QUICK_TTL_MS,
           (long long)elapsed);
    server_await_stat(&server, "expired", CLIENTS);
    elapsed = harness_now_ms() - first;
    expect(elapsed < SOON_MS, "expected all clients to expire soon after %d ms, it took %lld",
           QUICK_TTL_MS, (long long)elapsed);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    harness_equal("expired", server_stat(&server, "expired"), CLIENTS);
    server_stop(&server);
}

/* Has a client send for longer than ttl while another one expires, and expects that it stays.
 * Returns false, and expects nothing, if this host was so busy that the client itself may have been
 * silent for ttl. */
static bool continues_to_send(void)
{
    enum { TTL_MS = 1000, PERIOD_MS = 50 };
    struct server server = {0};
    int sender = udp_open("127.0.0.1"), silent = udp_open("127.0.0.1");
    int64_t start, sent, longest_gap = 0;

    server_start(&server, "[clients]\nttl = 1s\nsweep = 50ms\n[reply]\nmessage = yes\n", "-l",
                 "127.0.0.1:0", NULL);
    udp_ask(silent, &server.at[0], "hi", "yes");
    start = sent = harness_now_ms();
    while (server_stat(&server, "expired") == 0 || harness_now_ms() - start < 3 * TTL_MS / 2) {
        expect(harness_now_ms() - start < HARNESS_DEADLINE_MS,
               "expected the silent client to expire");
        int64_t now = harness_now_ms();
        udp_ask(sender, &server.at[0], "hi", "yes");
        if (harness_now_ms() - sent > longest_gap)
            longest_gap = harness_now_ms() - sent;
        sent = now;
        harness_wait_ms(PERIOD_MS);
    }
    const char *stats = server_ask(&server, "stats");
    bool is_in_time = longest_gap < TTL_MS && harness_now_ms() - sent < TTL_MS;
    if (is_in_time) {
        harness_equal("clients", answer_integer(stats, "clients"), 1);
        harness_equal("joined", answer_integer(stats, "joined"), 2);
        harness_equal("expired", answer_integer(stats, "expired"), 1);
    }
    server_stop(&server);
    return is_in_time;
}

Test(system_expire, keeps_a_client_that_continues_to_send)
{
    while (!continues_to_send())
        continue;
}

Test(system_expire, sends_no_broadcast_to_expired_clients)
{
    struct server server = {0};
    int expired = udp_open("127.0.0.1"), registered = udp_open("127.0.0.1");
    const char *report;

    server_start(&server, QUICK, "-l", "127.0.0.1:0", NULL);
    udp_ask(expired, &server.at[0], "hi", "audi");
    server_await_stat(&server, "expired", 1);
    server_configure(&server, SLOW);
    ctl_ok(&server, "reload", NULL);
    udp_ask(registered, &server.at[0], "hi", "toyota");
    report = ctl_ok(&server, "broadcast", "news", "--json", NULL);
    harness_equal("targets", json_integer(report, "targets"), 1);
    harness_equal("sent", json_integer(report, "sent"), 1);
    udp_expect(registered, &server.at[0], "news");
    /* It received no broadcast before this reply. */
    udp_ask(expired, &server.at[0], "again", "bmw");
    harness_equal("joined", server_stat(&server, "joined"), 3);
    server_stop(&server);
}

Test(system_expire, sends_no_broadcast_to_an_expired_client_that_no_sweep_has_removed)
{
    struct server server = {0};
    int expired = udp_open("127.0.0.1");

    server_start(&server, "[clients]\nttl = 100ms\nsweep = 1h\n", "-l", "127.0.0.1:0", NULL);
    udp_ask(expired, &server.at[0], "hi", "audi");
    harness_wait_ms(100 + TRUNCATION_MS);
    harness_equal("sent",
                  json_integer(ctl_ok(&server, "broadcast", "news", "--json", NULL), "sent"), 0);
    harness_equal("clients listed",
                  (int64_t)text_count(ctl_ok(&server, "clients", "--json", NULL), "\"address\""),
                  0);
    udp_ask(expired, &server.at[0], "again", "toyota");
    harness_equal("joined", server_stat(&server, "joined"), 2);
    harness_equal("expired", server_stat(&server, "expired"), 1);
    server_stop(&server);
}

Test(system_expire, broadcasts_do_not_renew_a_client)
{
    struct server server = {0};
    int receiver = udp_open("127.0.0.1");
    int64_t start;

    server_start(&server, QUICK, "-l", "127.0.0.1:0", NULL);
    udp_ask(receiver, &server.at[0], "hi", "audi");
    start = harness_now_ms();
    while (server_stat(&server, "expired") == 0) {
        expect(harness_now_ms() - start < SOON_MS,
               "expected a client that only receives to expire");
        ctl_ok(&server, "broadcast", "news", NULL);
    }
    server_stop(&server);
}

Test(system_expire, sends_no_broadcast_to_a_kicked_client_until_it_sends_again)
{
    struct server server = {0};
    int kicked = udp_open("127.0.0.1"), other = udp_open("127.0.0.1");
    struct endpoint name = udp_name(kicked);
    struct result again;

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    udp_ask(kicked, &server.at[0], "hi", "audi");
    udp_ask(other, &server.at[0], "hi", "toyota");
    ctl_ok(&server, "kick", endpoint_text(&name), NULL);
    harness_equal("kicked", server_stat(&server, "kicked"), 1);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    again = ctl(&server, "kick", endpoint_text(&name), NULL);
    harness_equal("the status of kicking an unknown client", again.status, 1);
    harness_contains("the error", again.err, endpoint_text(&name));
    ctl_ok(&server, "broadcast", "one", NULL);
    udp_expect(other, &server.at[0], "one");
    /* It received no broadcast before this reply. */
    udp_ask(kicked, &server.at[0], "hi", "bmw");
    ctl_ok(&server, "broadcast", "two", NULL);
    udp_expect(other, &server.at[0], "two");
    udp_expect(kicked, &server.at[0], "two");
    server_stop(&server);
}

Test(system_expire, kicks_a_client_from_every_listener_where_it_is_registered)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp);

    server_start(&server, NULL, "-l", "127.0.0.1:0", "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "audi");
    udp_ask(udp, &server.at[1], "hi", "toyota");
    harness_contains("the answer",
                     server_ask(&server, harness_format("kick %s", endpoint_text(&name))),
                     "\nkicked 2\n");
    harness_equal("clients", server_stat(&server, "clients"), 0);
    server_stop(&server);
}

Test(system_expire, shows_a_client_until_it_expires)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp);
    const char *found;
    int64_t before;

    server_start(&server, SLOW, "-l", "127.0.0.1:0", NULL);
    before = harness_now_ms();
    udp_ask(udp, &server.at[0], "hi", "audi");
    udp_ask(udp, &server.at[0], "hi", "toyota");
    found = ctl_ok(&server, "client", endpoint_text(&name), "--json", NULL);
    cr_assert_str_eq(json_text(found, "address"), endpoint_text(&name));
    cr_assert_str_eq(json_text(found, "listener"), endpoint_text(&server.at[0]));
    harness_equal("received", json_integer(found, "received"), 2);
    expect(json_integer(found, "idle_ms") <= harness_now_ms() - before + TRUNCATION_MS,
           "expected no longer idle_ms than the test took, in '%s'", found);
    server_configure(&server, QUICK);
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "hi", "bmw");
    server_await_stat(&server, "expired", 1);
    harness_equal("the status of asking for an expired client",
                  ctl(&server, "client", endpoint_text(&name), NULL).status, 1);
    server_stop(&server);
}
