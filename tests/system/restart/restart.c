/* Restarts with a state file: the clients, their names, the counters and the job ids are kept by a
 * stop, as far as the new configuration allows. */

#include "restart.h"
#include "hellos.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_restart, .init = restart_isolate, .fini = harness_end, .timeout = 60);

#define BASE "[reply]\nmessage = yes\n[clients]\nttl = 60s\n"

/* With several workers a client is registered by the one that the kernel gives its datagrams to,
 * which is another one after each start. */
static const char *const WORKERS[] = {"1", "4"};
enum { WORKER_COUNTS = sizeof WORKERS / sizeof WORKERS[0] };

static struct restart restart;

static const char *with_workers(int i, const char *config)
{
    return harness_format("%s[server]\nworkers = %s\n", config, WORKERS[i]);
}

static int join_at(size_t listener, const char *local)
{
    int udp = udp_open(local);
    udp_ask(udp, &restart.server.at[listener], "hi", "yes");
    return udp;
}

static const char *address_of(int udp)
{
    const struct endpoint name = udp_name(udp);
    return endpoint_text(&name);
}

static const char *client_of(int udp)
{
    return ctl_ok(&restart.server, "--json", "client", address_of(udp), NULL);
}

static void expect_clients(int64_t count)
{
    harness_equal("clients", server_stat(&restart.server, "clients"), count);
}

/* Expects a number in the line of the log about the restored clients. */
static void expect_restored(const char *key, int64_t value)
{
    restart.server.log_read = 0;
    const char *line = server_await_log(&restart.server, "restored the clients");
    harness_equal(key, text_integer(line, key), value);
}

/* The message arrives once, and before what the server sends next. */
static void expect_once(int udp, size_t listener, const char *text)
{
    udp_expect(udp, &restart.server.at[listener], text);
    udp_ask(udp, &restart.server.at[listener], "hi", "yes");
    udp_expect_nothing(udp, text);
}

static void expect_kept_on_all_listeners(int workers)
{
    enum { LISTENERS = 2, CLIENTS = 24 };
    static const char *const locals[LISTENERS] = {"127.0.0.1", "::1"};
    int udp[LISTENERS][CLIENTS];
    const char *config = with_workers(workers, BASE);
    restart_begin(&restart, config, restart_address(), "[::1]:0", NULL);
    for (size_t i = 0; i < LISTENERS; i++)
        for (int n = 0; n < CLIENTS; n++)
            udp[i][n] = join_at(i, locals[i]);
    restart_stop_and_start(&restart, config);
    expect_clients(LISTENERS * CLIENTS);
    expect_restored("clients", LISTENERS * CLIENTS);
    for (size_t i = 0; i < LISTENERS; i++)
        for (int n = 0; n < CLIENTS; n++) {
            ctl_ok(&restart.server, "send", address_of(udp[i][n]), "to one", NULL);
            udp_expect(udp[i][n], &restart.server.at[i], "to one");
        }
    const char *job = ctl_ok(&restart.server, "--json", "broadcast", "to all", NULL);
    harness_equal("sent", json_integer(job, "sent"), LISTENERS * CLIENTS);
    for (size_t i = 0; i < LISTENERS; i++)
        for (int n = 0; n < CLIENTS; n++)
            expect_once(udp[i][n], i, "to all");
    /* Each datagram has renewed its client: none was registered at another worker. */
    expect_clients(LISTENERS * CLIENTS);
    for (size_t i = 0; i < LISTENERS; i++)
        for (int n = 0; n < CLIENTS; n++)
            harness_equal("received", json_integer(client_of(udp[i][n]), "received"), 2);
    harness_equal("joined", server_stat(&restart.server, "joined"), LISTENERS * CLIENTS);
    restart_expect_balance(&restart);
    server_stop(&restart.server);
}

Test(system_restart, keeps_the_clients_of_all_listeners_who_can_be_reached_at_once)
{
    for (int i = 0; i < WORKER_COUNTS; i++)
        expect_kept_on_all_listeners(i);
}

/* The listener is bound to all addresses: messages come from the one that the client sends to. */
Test(system_restart, keeps_the_address_that_a_client_sends_to)
{
    restart_begin(&restart, BASE "[admission]\npolicy = open\n", "0.0.0.0:0", NULL);
    struct endpoint other = endpoint_with_port("127.0.0.7", endpoint_port(&restart.server.at[0]));
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, &other, "hi", "yes");
    restart_stop_and_start(&restart, BASE "[admission]\npolicy = open\n");
    ctl_ok(&restart.server, "send", address_of(udp), "from the same", NULL);
    udp_expect(udp, &other, "from the same");
    server_stop(&restart.server);
}

Test(system_restart, keeps_the_counts_and_ages_of_clients)
{
    enum { TRUNCATION_MS = 5 }; /* of the clocks in whole milliseconds */
    restart_begin(&restart, BASE, restart_address(), NULL);
    int often = join_at(0, "127.0.0.1"), once = join_at(0, "127.0.0.1");
    for (int i = 0; i < 6; i++)
        udp_ask(often, &restart.server.at[0], "hi", "yes");
    int64_t joined = harness_now_ms();
    while (json_integer(client_of(once), "age_s") < 1)
        harness_wait_ms(10);
    restart_stop_and_start(&restart, BASE);
    harness_equal("received", json_integer(client_of(often), "received"), 7);
    harness_equal("received", json_integer(client_of(once), "received"), 1);
    int64_t least = harness_now_ms() - joined - TRUNCATION_MS;
    const char *client = client_of(once);
    int64_t idle = json_integer(client, "idle_ms"), age = json_integer(client, "age_s");
    expect(idle >= least, "expected an idle time of %lld ms, it is %lld", (long long)least,
           (long long)idle);
    expect(idle < least + HARNESS_DEADLINE_MS, "expected an idle time near %lld ms, it is %lld",
           (long long)least, (long long)idle);
    expect(age >= 1 && age <= idle / 1000 + 1, "expected an age of %lld ms, it is %lld s",
           (long long)idle, (long long)age);
    server_stop(&restart.server);
}

Test(system_restart, keeps_counters_which_stay_balanced)
{
    restart_begin(&restart, BASE, restart_address(), "tcp:127.0.0.1:0", NULL);
    int kicked = join_at(0, "127.0.0.1"), left = join_at(0, "127.0.0.1");
    int stays = join_at(0, "127.0.0.1"), stream = stream_open(restart.server.others[0]);
    stream_write_text(stream, "hi\n");
    stream_expect(stream, "yes");
    ctl_ok(&restart.server, "kick", address_of(kicked), NULL);
    frame_send(left, &restart.server.at[0], 3, NULL, "");
    server_await_stat(&restart.server, "left", 1);
    ctl_ok(&restart.server, "send", address_of(stays), "text", NULL);
    udp_expect(stays, &restart.server.at[0], "text");
    for (int i = 0; i < 3; i++) {
        restart.listen_count = 2;
        restart_stop_and_start(&restart, BASE);
        const char *stats = server_ask(&restart.server, "stats");
        harness_equal("clients", answer_integer(stats, "clients"), 1);
        harness_equal("joined", answer_integer(stats, "joined"), 4);
        harness_equal("left", answer_integer(stats, "left"), 1);
        harness_equal("kicked", answer_integer(stats, "kicked"), 1);
        harness_equal("streams_closed", answer_integer(stats, "streams_closed"), 1);
        harness_equal("expired", answer_integer(stats, "expired"), 0);
        harness_equal("direct_sent", answer_integer(stats, "direct_sent"), 1);
        harness_equal("received", answer_integer(stats, "received"), 5);
        restart_expect_balance(&restart);
    }
    udp_ask(stays, &restart.server.at[0], "hi", "yes");
    harness_equal("joined", server_stat(&restart.server, "joined"), 4);
    udp_expect_nothing(kicked, "a message to a client that was kicked");
    server_stop(&restart.server);
}

Test(system_restart, continues_the_ids_of_broadcasts)
{
    restart_begin(&restart, BASE, restart_address(), NULL);
    int udp = join_at(0, "127.0.0.1");
    for (int i = 1; i <= 6; i++) {
        const char *job = ctl_ok(&restart.server, "--json", "broadcast", "news", NULL);
        harness_equal("the id", json_integer(job, "id"), i);
        udp_expect(udp, &restart.server.at[0], "news");
        if (i % 2 == 0)
            restart_stop_and_start(&restart, BASE);
        harness_equal("broadcasts", server_stat(&restart.server, "broadcasts"), i);
    }
    server_stop(&restart.server);
}

#define NAMED BASE "[clients]\nnames = trusted\n"

static void expect_name(int udp, const char *name)
{
    cr_assert_str_eq(json_text(client_of(udp), "name"), name);
}

static void expect_names_lead_to_clients(int workers)
{
    const char *config = with_workers(workers, NAMED);
    restart_begin(&restart, config, restart_address(), NULL);
    int lamp = join_at(0, "127.0.0.1"), gate = join_at(0, "127.0.0.1"),
        plain = join_at(0, "127.0.0.1");
    hello_ask(lamp, &restart.server.at[0], "lamp-7");
    hello_ask(gate, &restart.server.at[0], "h\xc3\xa9 gate");
    for (int i = 0; i < 2; i++) {
        restart_stop_and_start(&restart, config);
        expect_name(lamp, "lamp-7");
        expect_name(plain, "");
        ctl_ok(&restart.server, "send", "@lamp-7", "to the lamp", NULL);
        udp_expect(lamp, &restart.server.at[0], "to the lamp");
        ctl_ok(&restart.server, "send", "@h\xc3\xa9 gate", "to the gate", NULL);
        udp_expect(gate, &restart.server.at[0], "to the gate");
    }
    int moved = join_at(0, "127.0.0.1");
    hello_ask(moved, &restart.server.at[0], "lamp-7");
    ctl_ok(&restart.server, "send", "@lamp-7", "to the new one", NULL);
    udp_expect(moved, &restart.server.at[0], "to the new one");
    harness_equal("moved", server_stat(&restart.server, "moved"), 1);
    ctl_ok(&restart.server, "kick", "@h\xc3\xa9 gate", NULL);
    harness_equal("no name", ctl(&restart.server, "client", "@h\xc3\xa9 gate", NULL).status, 1);
    restart_stop_and_start(&restart, config);
    expect_name(moved, "lamp-7");
    harness_equal("no name", ctl(&restart.server, "client", "@h\xc3\xa9 gate", NULL).status, 1);
    expect_clients(2);
    restart_expect_balance(&restart);
    server_stop(&restart.server);
}

Test(system_restart, keeps_names_which_lead_to_their_clients_and_move)
{
    for (int i = 0; i < WORKER_COUNTS; i++)
        expect_names_lead_to_clients(i);
}

Test(system_restart, without_names_keeps_the_clients_that_had_one)
{
    restart_begin(&restart, NAMED, restart_address(), NULL);
    int lamp = join_at(0, "127.0.0.1");
    hello_ask(lamp, &restart.server.at[0], "lamp-7");
    restart_stop_and_start(&restart, BASE);
    expect_clients(1);
    expect_name(lamp, "");
    restart_stop_and_start(&restart, NAMED);
    expect_name(lamp, "");
    server_stop(&restart.server);
}

#define OTHER_KEY "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define PROVEN    BASE "[admission]\npolicy = cookie\n"

/* A configuration with proven names and that key. */
static const char *keyed(const char *file, const char *key)
{
    return harness_format(PROVEN "[clients]\nnames = keyed\nnames-key-file = %s\n",
                          harness_write_file(file, harness_format("%s\n", key), 0600));
}

Test(system_restart, under_keyed_keeps_no_name_that_was_only_trusted)
{
    restart_begin(&restart, PROVEN "[clients]\nnames = trusted\n", restart_address(), NULL);
    int lamp = udp_open("127.0.0.1");
    frame_join(lamp, &restart.server.at[0]);
    hello_ask(lamp, &restart.server.at[0], "lamp-7");
    restart_stop_and_start(&restart, keyed("key", NAMES_KEY));
    expect_clients(1);
    expect_name(lamp, "");
    harness_equal("no name", ctl(&restart.server, "client", "@lamp-7", NULL).status, 1);
    udp_ask(lamp, &restart.server.at[0], "hi", "yes");
    server_stop(&restart.server);
}

/* Registers a client with a name under NAMES_KEY, and returns the cookie that it has got. */
static int join_keyed(const char *name, uint8_t cookie[FRAME_COOKIE])
{
    uint8_t hello[HELLO_ROOM];
    int udp = udp_open("127.0.0.1");
    frame_request_challenge(udp, &restart.server.at[0], cookie);
    frame_send(udp, &restart.server.at[0], 2, cookie, "hi");
    udp_expect(udp, &restart.server.at[0], "yes");
    udp_send(udp, &restart.server.at[0], hello, hello_make_keyed(hello, cookie, name, name));
    hello_expect(udp, &restart.server.at[0], NAMED_GIVEN, name);
    return udp;
}

Test(system_restart, keeps_a_proven_name_while_the_key_is_the_same_and_under_trusted)
{
    uint8_t cookie[FRAME_COOKIE];
    restart_begin(&restart, keyed("key", NAMES_KEY), restart_address(), NULL);
    int lamp = join_keyed("lamp-7", cookie);
    restart_stop_and_start(&restart, keyed("key", NAMES_KEY));
    expect_name(lamp, "lamp-7");
    restart_stop_and_start(&restart, keyed("copy", NAMES_KEY)); /* its file does not matter */
    expect_name(lamp, "lamp-7");
    restart_stop_and_start(&restart, PROVEN "[clients]\nnames = trusted\n");
    expect_name(lamp, "lamp-7");
    server_stop(&restart.server);
}

Test(system_restart, keeps_no_name_that_was_proven_with_another_key)
{
    uint8_t cookie[FRAME_COOKIE];
    restart_begin(&restart, keyed("key", NAMES_KEY), restart_address(), NULL);
    int lamp = join_keyed("lamp-7", cookie);
    restart_stop_and_start(&restart, keyed("key", OTHER_KEY));
    expect_clients(1);
    expect_name(lamp, "");
    harness_equal("no name", ctl(&restart.server, "client", "@lamp-7", NULL).status, 1);
    server_stop(&restart.server);
}

Test(system_restart, a_name_is_free_when_its_restored_client_has_expired)
{
    static const char config[] =
        "[reply]\nmessage = yes\n[clients]\nnames = trusted\nttl = 500ms\nsweep = 10ms\n";
    restart_begin(&restart, config, restart_address(), NULL);
    hello_join(udp_open("127.0.0.1"), &restart.server.at[0], "yes", "lamp-7");
    restart_stop_and_start(&restart, config);
    server_await_stat(&restart.server, "expired", 1);
    hello_join(udp_open("127.0.0.1"), &restart.server.at[0], "yes", "lamp-7");
    harness_equal("moved", server_stat(&restart.server, "moved"), 0);
    restart_expect_balance(&restart);
    server_stop(&restart.server);
}

Test(system_restart, does_not_keep_the_clients_of_a_listener_that_is_gone)
{
    restart_begin(&restart, BASE, restart_address(), "[::1]:0", NULL);
    int stays = join_at(0, "127.0.0.1");
    join_at(1, "::1");
    join_at(1, "::1");
    restart.listen_count = 1;
    restart_stop_and_start(&restart, BASE);
    expect_clients(1);
    expect_restored("clients", 1);
    expect_restored("without_listener", 2);
    ctl_ok(&restart.server, "send", address_of(stays), "text", NULL);
    udp_expect(stays, &restart.server.at[0], "text");
    harness_equal("expired", server_stat(&restart.server, "expired"), 2);
    restart_expect_balance(&restart);
    server_stop(&restart.server);
}

Test(system_restart, keeps_clients_whose_listener_has_another_place_in_the_list)
{
    restart_begin(&restart, BASE, restart_address(), "[::1]:0", NULL);
    int ipv4 = join_at(0, "127.0.0.1"), ipv6 = join_at(1, "::1");
    const char *first = restart.listen[0];
    restart.listen[0] = restart.listen[1];
    restart.listen[1] = first;
    restart_stop_and_start(&restart, BASE);
    expect_clients(2);
    ctl_ok(&restart.server, "broadcast", "text", NULL);
    expect_once(ipv6, 0, "text");
    expect_once(ipv4, 1, "text");
    expect_clients(2);
    server_stop(&restart.server);
}

Test(system_restart, keeps_proven_clients_under_cookie_and_under_open)
{
    restart_begin(&restart, BASE "[admission]\npolicy = cookie\n", restart_address(), NULL);
    int udp = udp_open("127.0.0.1");
    frame_join(udp, &restart.server.at[0]);
    restart_stop_and_start(&restart, BASE "[admission]\npolicy = cookie\n");
    udp_ask(udp, &restart.server.at[0], "hi", "yes");
    restart_stop_and_start(&restart, BASE "[admission]\npolicy = open\n");
    ctl_ok(&restart.server, "send", address_of(udp), "text", NULL);
    udp_expect(udp, &restart.server.at[0], "text");
    server_stop(&restart.server);
}

Test(system_restart, keeps_no_more_clients_than_the_new_maximum)
{
    enum { CLIENTS = 20, MAX = 4 };
    restart_begin(&restart, BASE, restart_address(), NULL);
    for (int i = 0; i < CLIENTS; i++)
        join_at(0, "127.0.0.1");
    restart_stop_and_start(&restart, BASE "[clients]\nmax = 4\n");
    expect_clients(MAX);
    expect_restored("clients", MAX);
    expect_restored("without_place", CLIENTS - MAX);
    harness_equal("expired", server_stat(&restart.server, "expired"), CLIENTS - MAX);
    restart_expect_balance(&restart);
    join_at(0, "127.0.0.1");
    harness_equal("refused_full", server_stat(&restart.server, "refused_full"), 1);
    server_stop(&restart.server);
}

Test(system_restart, counts_the_clients_of_a_prefix)
{
    restart_begin(&restart, BASE, restart_address(), NULL);
    for (int i = 0; i < 3; i++)
        join_at(0, "127.0.0.1");
    restart_stop_and_start(&restart, BASE "[admission]\nper-prefix = 2\n");
    expect_clients(3);
    join_at(0, "127.0.0.1");
    harness_equal("refused_prefix", server_stat(&restart.server, "refused_prefix"), 1);
    expect_clients(3);
    server_stop(&restart.server);
}

/* A client that has asked for frames gets a confirmed broadcast as a frame. */
Test(system_restart, keeps_who_has_asked_for_frames)
{
    enum { MESSAGE = 6 };
    uint8_t bytes[64];
    restart_begin(&restart, BASE, restart_address(), NULL);
    int framed = join_at(0, "127.0.0.1"), plain = join_at(0, "127.0.0.1");
    frame_send(framed, &restart.server.at[0], 8, NULL, "\x01");
    hello_expect(framed, &restart.server.at[0], NAMED_UNUSED, "");
    restart_stop_and_start(&restart, BASE);
    ctl_ok(&restart.server, "broadcast", "--confirm", "--no-wait", "news", NULL);
    udp_expect(plain, &restart.server.at[0], "news");
    expect(udp_receive(framed, bytes, sizeof bytes, NULL) > 5 && memcmp(bytes, "\0UDP", 4) == 0 &&
               bytes[4] == MESSAGE,
           "expected a frame");
    server_stop(&restart.server);
}

static void expect_no_secret(const char *what, const void *secret, size_t size)
{
    static uint8_t bytes[1 << 16];
    int file = open(restart.state, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(file, bytes, sizeof bytes);
    close(file);
    expect(got > 0 && memmem(bytes, (size_t)got, secret, size) == NULL, "expected no %s in %s",
           what, restart.state);
}

Test(system_restart, writes_a_file_that_only_its_owner_can_read_and_that_has_no_secret)
{
    uint8_t key[32], cookie[FRAME_COOKIE];
    struct stat found;
    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    restart_begin(&restart, keyed("key", NAMES_KEY), restart_address(), NULL);
    join_keyed("lamp-7", cookie);
    server_stop(&restart.server);
    expect(stat(restart.state, &found) == 0 && (found.st_mode & 07777) == 0600,
           "expected mode 0600 of %s", restart.state);
    expect_no_secret("key", key, sizeof key);
    expect_no_secret("cookie", cookie, sizeof cookie);
}
