/* What an upgrade keeps of the clients: with the memory of both processes, and as a copy, where the
 * configuration has other workers, listeners, names or another clients.max. */

#include "hellos.h"
#include "restart.h"
#include "upgrade.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_upgrade_clients, .init = restart_isolate, .fini = harness_end, .timeout = 60);

#define BASE   "[reply]\nmessage = yes\n[clients]\nttl = 60s\n"
#define OTHERS BASE "max = 5000\n" /* than the default: the clients are copied */

static struct server server;
static const char *address;

/* The listeners are in the configuration, so that an upgrade can change them. */
static const char *with_listener(const char *config)
{
    return harness_format("%s[server]\nlisten = %s\n", config, address);
}

static void start(const char *config)
{
    upgrade_install();
    address = restart_address();
    server = (struct server){.listeners = 0};
    server_start(&server, with_listener(config), NULL);
}

static void upgrade_to(const char *config)
{
    server_configure(&server, with_listener(config));
    upgrade(&server);
}

static int join(void)
{
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, &server.at[0], "hi", "yes");
    return udp;
}

static const char *address_of(int udp)
{
    const struct endpoint name = udp_name(udp);
    return endpoint_text(&name);
}

static const char *client_of(int udp)
{
    return ctl_ok(&server, "--json", "client", address_of(udp), NULL);
}

static void expect_balance_of_clients(void)
{
    struct restart restart = {.server = server};
    restart_expect_balance(&restart);
    server.control = restart.server.control;
}

/* ---- clients ---- */

enum { CLIENTS = 24 };

static void expect_all(const int udp[CLIENTS], int64_t received)
{
    harness_equal("clients", server_stat(&server, "clients"), CLIENTS);
    harness_equal("joined", server_stat(&server, "joined"), CLIENTS);
    harness_equal("received", server_stat(&server, "received"), CLIENTS * received);
    for (int i = 0; i < CLIENTS; i++)
        harness_equal("received of one", json_integer(client_of(udp[i]), "received"), received);
    expect_balance_of_clients();
}

static void expect_each_gets_a_copy_once(const int udp[CLIENTS])
{
    const char *job = ctl_ok(&server, "--json", "broadcast", "news", NULL);
    harness_equal("sent", json_integer(job, "sent"), CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        udp_expect(udp[i], &server.at[0], "news");
        udp_ask(udp[i], &server.at[0], "hi", "yes");
        udp_expect_nothing(udp[i], "a second copy");
    }
}

static void expect_kept(const char *before, const char *after)
{
    int udp[CLIENTS];
    start(before);
    for (int i = 0; i < CLIENTS; i++)
        udp[i] = join();
    upgrade_to(after);
    expect_all(udp, 1);
    expect_each_gets_a_copy_once(udp);
    expect_all(udp, 2);
    upgrade_to(after);
    upgrade_to(before);
    expect_all(udp, 2);
    expect_each_gets_a_copy_once(udp);
    expect_all(udp, 3);
    server_stop(&server);
}

Test(system_upgrade_clients, are_kept_by_one_worker)
{
    expect_kept(BASE, BASE);
}

Test(system_upgrade_clients, are_kept_by_several_workers)
{
    expect_kept(BASE "[server]\nworkers = 3\n", BASE "[server]\nworkers = 3\n");
}

Test(system_upgrade_clients, are_kept_under_another_maximum)
{
    expect_kept(BASE, OTHERS);
}

Test(system_upgrade_clients, are_kept_by_another_number_of_workers)
{
    expect_kept(BASE "[server]\nworkers = 3\n", BASE "[server]\nworkers = 2\n");
}

Test(system_upgrade_clients, are_kept_when_one_worker_becomes_several)
{
    expect_kept(BASE, BASE "[server]\nworkers = 4\n");
}

Test(system_upgrade_clients, are_kept_under_another_mode_of_names)
{
    expect_kept(BASE, BASE "[clients]\nnames = trusted\n");
}

Test(system_upgrade_clients, are_kept_beside_another_listener)
{
    expect_kept(BASE, BASE "[server]\nlisten = 127.0.0.1:0\n");
}

Test(system_upgrade_clients, keep_the_address_that_they_send_to)
{
    upgrade_install();
    server_start(&server, BASE "[admission]\npolicy = open\n[server]\nlisten = 0.0.0.0:0\n", NULL);
    struct endpoint other = endpoint_with_port("127.0.0.7", endpoint_port(&server.at[0]));
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, &other, "hi", "yes");
    upgrade(&server);
    ctl_ok(&server, "send", address_of(udp), "from the same", NULL);
    udp_expect(udp, &other, "from the same");
    server_stop(&server);
}

/* Counters of every kind: of clients that are gone, of messages to clients, of requests. */
static void expect_counters_kept(const char *after)
{
    start(BASE);
    int kicked = join(), left = join(), stays = join();
    ctl_ok(&server, "kick", address_of(kicked), NULL);
    frame_send(left, &server.at[0], 3, NULL, "");
    server_await_stat(&server, "left", 1);
    ctl_ok(&server, "send", address_of(stays), "text", NULL);
    udp_expect(stays, &server.at[0], "text");
    for (int i = 0; i < 2; i++) {
        upgrade_to(after);
        const char *stats = server_ask(&server, "stats");
        harness_equal("clients", answer_integer(stats, "clients"), 1);
        harness_equal("joined", answer_integer(stats, "joined"), 3);
        harness_equal("left", answer_integer(stats, "left"), 1);
        harness_equal("kicked", answer_integer(stats, "kicked"), 1);
        harness_equal("expired", answer_integer(stats, "expired"), 0);
        harness_equal("direct_sent", answer_integer(stats, "direct_sent"), 1);
        harness_equal("received", answer_integer(stats, "received"), 4);
        expect_balance_of_clients();
    }
    server_stop(&server);
}

Test(system_upgrade_clients, leave_their_counters)
{
    expect_counters_kept(BASE);
}

Test(system_upgrade_clients, leave_their_counters_when_they_are_copied)
{
    expect_counters_kept(OTHERS);
}

/* Of a broadcast, which the main thread publishes, and of clients, which the workers do. */
Test(system_upgrade_clients, leave_the_count_of_events)
{
    struct process listener;
    start(BASE);
    process_start(&listener, NULL, (const char *[]){"udpctl", "-s", server.socket, "events", NULL});
    while (server_stat(&server, "listen_events") < 6) {
        join();
        ctl_ok(&server, "broadcast", "news", NULL);
    }
    int64_t events = server_stat(&server, "listen_events");
    upgrade_to(BASE);
    harness_equal("events", server_stat(&server, "listen_events"), events);
    upgrade_to(OTHERS);
    harness_equal("events", server_stat(&server, "listen_events"), events);
    process_wait(&listener);
    server_stop(&server);
}

/* ---- their time ---- */

/* A client expires when it would have without the upgrades. */
static void expect_expiry_on_time(const char *before, const char *after)
{
    enum { TTL_MS = 3000, SWEEP_MS = 100 };
    const int64_t late_ms = harness_sanitized() ? 10000 : 1000;
    start(before);
    int64_t joined_ms = harness_now_ms();
    join();
    for (int i = 0; i < 3; i++) {
        harness_wait_ms(TTL_MS / 4);
        upgrade_to(after);
        int64_t clients = server_stat(&server, "clients");
        expect(clients == 1 || harness_now_ms() - joined_ms >= TTL_MS,
               "expected that the client is there for %d ms", TTL_MS);
    }
    server_await_stat(&server, "expired", 1);
    int64_t took_ms = harness_now_ms() - joined_ms;
    expect(took_ms >= TTL_MS && took_ms <= TTL_MS + SWEEP_MS + late_ms,
           "expected that the client expires after %d ms, it took %lld", TTL_MS,
           (long long)took_ms);
    expect_balance_of_clients();
    server_stop(&server);
}

#define BRIEF "[reply]\nmessage = yes\n[clients]\nttl = 3s\nsweep = 100ms\n"

Test(system_upgrade_clients, expire_when_their_time_has_passed)
{
    expect_expiry_on_time(BRIEF, BRIEF);
}

Test(system_upgrade_clients, expire_when_their_time_has_passed_after_they_were_copied)
{
    expect_expiry_on_time(BRIEF, BRIEF "[server]\nworkers = 2\n");
}

/* ---- names ---- */

#define NAMED BASE "names = trusted\n"

static int join_as(const char *name)
{
    int udp = join();
    hello_ask(udp, &server.at[0], name);
    return udp;
}

static void expect_holder(int udp, const char *name)
{
    ctl_ok(&server, "send", harness_format("@%s", name), "for the holder", NULL);
    udp_expect(udp, &server.at[0], "for the holder");
}

static void expect_names_kept(const char *after)
{
    start(NAMED);
    int lamp = join_as("lamp-7"), gate = join_as("front gate"), other = join();
    for (int i = 0; i < 2; i++) {
        upgrade_to(after);
        expect_holder(lamp, "lamp-7");
        expect_holder(gate, "front gate");
        hello_ask(lamp, &server.at[0], "lamp-7");
    }
    /* The name moves to a client that claims it, and the former one is removed. */
    hello_ask(other, &server.at[0], "lamp-7");
    expect_holder(other, "lamp-7");
    harness_equal("moved", server_stat(&server, "moved"), 1);
    harness_equal("clients", server_stat(&server, "clients"), 2);
    /* A client that leaves has no name any more. */
    frame_send(gate, &server.at[0], 3, NULL, "");
    server_await_stat(&server, "left", 1);
    hello_ask(other, &server.at[0], "front gate");
    expect_balance_of_clients();
    server_stop(&server);
}

Test(system_upgrade_clients, keep_their_names)
{
    expect_names_kept(NAMED);
}

Test(system_upgrade_clients, keep_their_names_with_several_workers)
{
    expect_names_kept(NAMED "[server]\nworkers = 2\n");
}

Test(system_upgrade_clients, keep_their_names_when_they_are_copied)
{
    expect_names_kept(NAMED "names-max = 77\n");
}

/* Claims that are under way when the upgrade begins are decided before it or after it. */
static void expect_names_claimed_meanwhile(const char *after)
{
    enum { CLAIMING = 120, NAMES = 20 };
    int udp[CLAIMING];
    start(NAMED);
    for (int i = 0; i < CLAIMING; i++)
        udp[i] = join();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CLAIMING; i++)
            hello_send(udp[i], &server.at[0], harness_format("lamp-%d", i % NAMES));
        upgrade_to(round % 2 == 0 ? after : NAMED);
        server_await_stat(&server, "received", CLAIMING * (round + 2));
    }
    /* Each name is given to a client that is registered; the others are removed, or have none. */
    for (int i = 0; i < NAMES; i++)
        ctl_ok(&server, "client", harness_format("@lamp-%d", i), NULL);
    int64_t joined = server_stat(&server, "joined"), moved = server_stat(&server, "moved");
    harness_equal("clients", server_stat(&server, "clients"), joined - moved);
    for (int i = 0; i < NAMES; i++) {
        int next = join_as(harness_format("lamp-%d", i));
        expect_holder(next, harness_format("lamp-%d", i));
    }
    harness_equal("moved", server_stat(&server, "moved"), moved + NAMES);
    expect_balance_of_clients();
    server_stop(&server);
}

Test(system_upgrade_clients, claim_names_meanwhile)
{
    expect_names_claimed_meanwhile(NAMED);
}

Test(system_upgrade_clients, claim_names_meanwhile_with_another_number_of_workers)
{
    expect_names_claimed_meanwhile(NAMED "[server]\nworkers = 3\n");
}

/* ---- proofs ---- */

#define PROVEN "[reply]\nmessage = yes\n[admission]\npolicy = cookie\n"

Test(system_upgrade_clients, can_use_a_cookie_that_they_got_before)
{
    uint8_t cookie[FRAME_COOKIE];
    start(PROVEN);
    int udp = udp_open("127.0.0.1");
    frame_request_challenge(udp, &server.at[0], cookie);
    upgrade_to(PROVEN);
    upgrade_to(PROVEN "[server]\nworkers = 2\n");
    frame_send(udp, &server.at[0], 2, cookie, "hi");
    udp_expect(udp, &server.at[0], "yes");
    harness_equal("bad_cookies", server_stat(&server, "bad_cookies"), 0);
    server_stop(&server);
}

static void expect_unproven_are_forgotten(const char *after)
{
    uint8_t cookie[FRAME_COOKIE];
    start(BASE);
    int udp = join();
    upgrade_to(after);
    frame_request_challenge(udp, &server.at[0], cookie);
    frame_send(udp, &server.at[0], 2, cookie, "hi");
    udp_expect(udp, &server.at[0], "yes");
    upgrade_to(after);
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_stop(&server);
}

Test(system_upgrade_clients, have_to_prove_their_address_if_that_is_new)
{
    expect_unproven_are_forgotten(PROVEN);
}

Test(system_upgrade_clients, have_to_prove_their_address_if_that_is_new_when_they_are_copied)
{
    expect_unproven_are_forgotten(PROVEN "[clients]\nmax = 5000\n");
}

static const char *keyed(const char *more)
{
    return harness_format(PROVEN "[clients]\nnames = keyed\nnames-key-file = %s\n%s",
                          harness_path("names.key"), more);
}

/* A recorded hello is valid at the address that it was sent from until its cookie expires, also
 * after an upgrade; so the name must not go back there. */
static void expect_no_way_back(const char *more)
{
    uint8_t cookie[FRAME_COOKIE], others[FRAME_COOKIE], recorded[HELLO_ROOM], hello[HELLO_ROOM];
    harness_write_file("names.key", NAMES_KEY "\n", 0600);
    start(keyed(""));
    int former = udp_open("127.0.0.1"), lamp = udp_open("127.0.0.1");
    frame_request_challenge(former, &server.at[0], cookie);
    frame_send(former, &server.at[0], 2, cookie, "hi");
    udp_expect(former, &server.at[0], "yes");
    size_t size = hello_make_keyed(recorded, cookie, "lamp-7", "lamp-7");
    udp_send(former, &server.at[0], recorded, size);
    hello_expect(former, &server.at[0], NAMED_GIVEN, "lamp-7");
    frame_request_challenge(lamp, &server.at[0], others);
    frame_send(lamp, &server.at[0], 2, others, "hi");
    udp_expect(lamp, &server.at[0], "yes");
    udp_send(lamp, &server.at[0], hello, hello_make_keyed(hello, others, "lamp-7", "lamp-7"));
    hello_expect(lamp, &server.at[0], NAMED_GIVEN, "lamp-7");
    for (int i = 0; i < 2; i++) {
        upgrade_to(keyed(more));
        frame_send(former, &server.at[0], 2, cookie, "hi");
        udp_expect(former, &server.at[0], "yes");
        udp_send(former, &server.at[0], recorded, size);
        hello_expect(former, &server.at[0], NAMED_BAD_MAC, "");
        expect_holder(lamp, "lamp-7");
    }
    server_stop(&server);
}

Test(system_upgrade_clients, do_not_get_back_a_name_by_a_recorded_hello)
{
    expect_no_way_back("");
}

Test(system_upgrade_clients, do_not_get_back_a_name_by_a_recorded_hello_when_they_are_copied)
{
    expect_no_way_back("max = 5000\n");
}

/* ---- limits ---- */

#define LIMITED BASE "[admission]\nrate = 1\nburst = 5\n"

/* Returns how many of 20 requests are answered. */
static int64_t ask_often(int udp)
{
    int64_t before = server_stat(&server, "replied"), received = server_stat(&server, "received");
    for (int i = 0; i < 20; i++)
        udp_send_text(udp, &server.at[0], "hi");
    server_await_stat(&server, "received", received + 20);
    return server_stat(&server, "replied") - before;
}

static void expect_rate_goes_on(const char *after)
{
    start(LIMITED);
    int udp = udp_open("127.0.0.1");
    int64_t began_ms = harness_now_ms();
    int64_t replied = ask_often(udp);
    upgrade_to(after);
    replied += ask_often(udp);
    int64_t most = 5 + (harness_now_ms() - began_ms) / 1000 + 1;
    expect(replied >= 5 && replied <= most, "expected at most %lld replies, not %lld",
           (long long)most, (long long)replied);
    server_stop(&server);
}

Test(system_upgrade_clients, do_not_get_new_tokens_of_their_rate)
{
    expect_rate_goes_on(LIMITED);
}

Test(system_upgrade_clients, do_not_get_new_tokens_of_their_rate_when_they_are_copied)
{
    expect_rate_goes_on(LIMITED "[clients]\nmax = 5000\n");
}

static void expect_prefix_full(const char *before, const char *after)
{
    enum { MOST = 3 };
    start(before);
    int udp[MOST], another;
    for (int i = 0; i < MOST; i++)
        udp[i] = join();
    upgrade_to(after);
    another = join(); /* it is answered, and not registered */
    harness_equal("refused", server_stat(&server, "refused_prefix"), 1);
    udp_ask(udp[0], &server.at[0], "hi", "yes");
    frame_send(udp[0], &server.at[0], 3, NULL, "");
    server_await_stat(&server, "left", 1);
    udp_ask(another, &server.at[0], "hi", "yes");
    harness_equal("clients", server_stat(&server, "clients"), MOST);
    server_stop(&server);
}

#define PREFIX BASE "[admission]\nper-prefix = 3\n"

Test(system_upgrade_clients, are_still_counted_by_their_prefix)
{
    expect_prefix_full(PREFIX, PREFIX);
}

Test(system_upgrade_clients, are_still_counted_by_their_prefix_when_they_are_copied)
{
    expect_prefix_full(PREFIX, PREFIX "[clients]\nmax = 5000\n");
}

Test(system_upgrade_clients, are_counted_by_their_prefix_if_that_is_new)
{
    expect_prefix_full(BASE, PREFIX "[server]\nworkers = 1\n");
}

Test(system_upgrade_clients, share_the_maximum_of_all_workers)
{
    enum { MOST = 30 };
    static const char config[] = "[reply]\nmessage = yes\n[clients]\nmax = 30\n"
                                 "[server]\nworkers = 2\n";
    start(config);
    for (int i = 0; i < MOST / 2; i++)
        join();
    upgrade_to(config);
    for (int i = MOST / 2; i < MOST; i++)
        join();
    join();
    harness_equal("refused", server_stat(&server, "refused_full"), 1);
    harness_equal("clients", server_stat(&server, "clients"), MOST);
    server_stop(&server);
}

/* ---- the rotation ---- */

Test(system_upgrade_clients, get_the_replies_in_turn)
{
    static const char *const turns[] = {"a", "b", "c"};
    static const char three[] = "[reply]\nmessage = a\nmessage = b\nmessage = c\n";
    start(three);
    int udp = udp_open("127.0.0.1");
    for (int i = 0; i < 10; i++) {
        udp_ask(udp, &server.at[0], "hi", turns[i % 3]);
        upgrade_to(i % 2 == 0 ? three
                              : "[reply]\nmessage = a\nmessage = b\nmessage = c\n"
                                "[clients]\nmax = 5000\n");
    }
    upgrade_to("[reply]\nmessage = x\nmessage = y\n");
    udp_ask(udp, &server.at[0], "hi", "x");
    udp_ask(udp, &server.at[0], "hi", "y");
    server_stop(&server);
}
