/* A broadcast to clients of which many have vanished from the link: their copies wait for ARP or ND
 * answers that are never sent. The reachable clients must get their copies and replies in time. */

#include "clock.h"
#include "rig.h"

#include <criterion/parameterized.h>
#include <stdio.h>
#include <unistd.h>

TestSuite(brief_vanished_clients, .fini = harness_end, .timeout = 60);
TestSuite(long_vanished_clients, .fini = harness_end, .timeout = 60);

enum {
    CLIENTS = 1600,
    VANISHED = 600, /* each has its own address */
    REACHABLE = CLIENTS - VANISHED,
    REACHABLE_ADDRESSES = 100,
    COPY_LIMIT_MS = 1000,
    MEASURED_MS = 3000, /* the time that copies wait for a dead neighbour */
};

struct broadcast {
    bool six, wildcard;
    int workers;
};

/* Three of eight clients vanish, so that copies to both kinds alternate. */
static bool is_vanishing(int client)
{
    return client % 8 == 1 || client % 8 == 3 || client % 8 == 6;
}

/* Adds or deletes the addresses 1 to count of a network at the neighbour. */
static void change_addresses(const struct rig *rig, const char *change, const char *network,
                             int count)
{
    rig_shell_there(rig, harness_format("for i in $(seq %d); do echo addr %s %s$i/%d dev far %s; "
                                        "done | ip -batch -",
                                        count, change, network, rig->six ? 128 : 32,
                                        rig->six && change[0] == 'a' ? "nodad" : ""));
}

/* In IPv6 text, a decimal number up to 600 is a valid group; IPv4 needs two bytes for it. */
static void change_vanished(const struct rig *rig, const char *change)
{
    if (rig->six) {
        change_addresses(rig, change, "fd77::4:", VANISHED);
        return;
    }
    for (int i = 0; i < VANISHED / 200; i++)
        change_addresses(rig, change, harness_format("10.77.%d.", 4 + i), 200);
}

static void open_sockets(const struct rig *rig, int *reachable, int *vanished)
{
    int reachable_count = 0, vanished_count = 0;

    change_addresses(rig, "add", rig->six ? "fd77::2:" : "10.77.2.", REACHABLE_ADDRESSES);
    change_vanished(rig, "add");
    for (int i = 0; i < CLIENTS; i++) {
        if (is_vanishing(i)) {
            int n = vanished_count;
            vanished[vanished_count++] = rig_open_there(
                rig, rig->six ? harness_format("fd77::4:%d", 1 + n)
                              : harness_format("10.77.%d.%d", 4 + n / 200, 1 + n % 200));
        } else {
            reachable[reachable_count] =
                rig_open_there(rig, harness_format(rig->six ? "fd77::2:%d" : "10.77.2.%d",
                                                   1 + reachable_count % REACHABLE_ADDRESSES));
            reachable_count++;
        }
    }
}

/* Lets all clients join, in an order in which both kinds alternate. */
static void join_all(const struct rig *rig, const int *reachable, const int *vanished)
{
    static struct joiner all[CLIENTS];
    struct joiners joiners = {
        .all = all, .count = CLIENTS, .to = rig->at, .limit_ns = 15 * NS_PER_S};

    for (int i = 0; i < CLIENTS; i++)
        all[i] = (struct joiner){.udp = is_vanishing(i) ? *vanished++ : *reachable++,
                                 .start_ns = clock_now_ns()};
    joiners_run(&joiners);
    harness_equal("clients that joined", (int64_t)joiners_joined(&joiners), CLIENTS);
}

/* Broadcasts. Returns the time until all reachable clients have received their copies. */
static int64_t broadcast_ns(struct rig *rig, unsigned copies)
{
    int64_t start_ns = clock_now_ns(), deadline_ms = harness_now_ms() + HARNESS_DEADLINE_MS;

    server_ask(&rig->server, "broadcast nowait 6e657773");
    while (atomic_load(&rig->prober.copy_sum) < copies && harness_now_ms() < deadline_ms)
        harness_wait_ms(2);
    harness_equal("received copies", atomic_load(&rig->prober.copy_sum), copies);
    return atomic_load(&rig->prober.copied_ns) - start_ns;
}

static void expect_counted(struct rig *rig)
{
    server_await_stat(&rig->server, "broadcasts", 2);
    harness_equal("copies that the kernel accepted or rejected",
                  server_stat(&rig->server, "copies_sent") +
                      server_stat(&rig->server, "copies_failed"),
                  2 * CLIENTS);
    harness_equal("kernel_drops", server_stat(&rig->server, "kernel_drops"), 0);
    for (int i = 0; i < REACHABLE; i++)
        harness_equal("copies for one client", rig->prober.copies[i], 2);
}

static void remove_vanished(const struct rig *rig, const int *vanished)
{
    change_vanished(rig, "del");
    netns_shell(rig->six ? "ip -6 neigh flush dev near to fd77::4:0/112"
                         : "ip neigh flush dev near to 10.77.4.0/22");
    for (int i = 0; i < VANISHED; i++)
        close(vanished[i]);
}

static void test_broadcast(const struct broadcast *broadcast)
{
    static int reachable[REACHABLE], vanished[VANISHED];
    struct rig rig = {0};
    int64_t all_ns, start_ns, reachable_ns;

    if (!harness_raise_file_limit(2 * CLIENTS))
        cr_skip_test("this host allows too few open files");
    rig_build(&rig, broadcast->six);
    rig_serve(
        &rig, broadcast->wildcard,
        harness_format("[admission]\npolicy = open\n[server]\nworkers = %d\n", broadcast->workers));
    open_sockets(&rig, reachable, vanished);
    join_all(&rig, reachable, vanished);
    rig_probe_from(&rig, reachable, REACHABLE);
    all_ns = broadcast_ns(&rig, REACHABLE);
    server_await_stat(&rig.server, "broadcasts", 1);
    remove_vanished(&rig, vanished);
    start_ns = clock_now_ns();
    reachable_ns = broadcast_ns(&rig, 2 * REACHABLE);
    clock_wait_until_ns(start_ns + MEASURED_MS * NS_PER_MS);
    rig_stop_probing(&rig);

    fprintf(stderr,
            "broadcast, IPv%d, %s, workers = %d: all had their copies after %.1f ms; with %d "
            "vanished, the reachable clients after %.1f ms\n",
            broadcast->six ? 6 : 4, broadcast->wildcard ? "wildcard" : "bound", broadcast->workers,
            (double)all_ns / NS_PER_MS, VANISHED, (double)reachable_ns / NS_PER_MS);
    rig_report(&rig, "  requests", start_ns, start_ns + MEASURED_MS * NS_PER_MS);
    rig_expect_in_time(&rig, "requests", start_ns, start_ns + MEASURED_MS * NS_PER_MS);
    expect(reachable_ns <= all_ns + COPY_LIMIT_MS * NS_PER_MS,
           "expected the reachable clients to get their copies within %d ms more, it was %.1f ms",
           COPY_LIMIT_MS, (double)(reachable_ns - all_ns) / NS_PER_MS);
    expect_counted(&rig);
    rig_end(&rig);
}

Test(brief_vanished_clients, do_not_delay_copies_and_replies_to_the_others)
{
    test_broadcast(&(struct broadcast){.wildcard = true, .workers = 1});
}

ParameterizedTestParameters(long_vanished_clients, do_not_delay_copies_and_replies_to_the_others)
{
    enum { COMBINATIONS = 8 };
    static struct broadcast broadcasts[COMBINATIONS];

    for (int i = 0; i < COMBINATIONS; i++)
        broadcasts[i] = (struct broadcast){
            .six = (i & 1) != 0, .wildcard = (i & 2) != 0, .workers = (i & 4) != 0 ? 4 : 1};
    return cr_make_param_array(struct broadcast, broadcasts, COMBINATIONS);
}

ParameterizedTest(struct broadcast *broadcast, long_vanished_clients,
                  do_not_delay_copies_and_replies_to_the_others)
{
    test_broadcast(broadcast);
}

/* The configuration of rig_serve, with relay of the clients' datagrams to the others. */
static const char RELAYING[] = "[reply]\nmode = echo\n[clients]\nttl = 10m\n"
                               "[admission]\npolicy = open\n"
                               "[broadcast]\nrelay = others\n";

Test(long_vanished_clients, do_not_delay_relayed_messages_to_the_others)
{
    enum { MESSAGES = 3 };
    static int reachable[REACHABLE], vanished[VANISHED];
    struct rig rig = {0};
    int sender;

    if (!harness_raise_file_limit(2 * CLIENTS))
        cr_skip_test("this host allows too few open files");
    rig_build(&rig, false);
    rig_serve(&rig, true, "[admission]\npolicy = open\n");
    open_sockets(&rig, reachable, vanished);
    join_all(&rig, reachable, vanished);
    sender = rig_open_there(&rig, "10.77.0.9");
    udp_ask(sender, &rig.at, "hi", "hi");
    server_configure(&rig.server, RELAYING);
    ctl_ok(&rig.server, "reload", NULL);
    remove_vanished(&rig, vanished);
    for (int i = 0; i < MESSAGES; i++) {
        const char *text = harness_format("message %d", i);
        int64_t start_ms = harness_now_ms(), took_ms;

        udp_ask(sender, &rig.at, text, text);
        took_ms = harness_now_ms() - start_ms;
        expect(took_ms <= PROBER_LATE_MS, "expected a reply in time, it took %d ms", (int)took_ms);
        for (int k = 0; k < REACHABLE; k++)
            udp_expect(reachable[k], &rig.at, text);
        took_ms = harness_now_ms() - start_ms;
        expect(took_ms <= COPY_LIMIT_MS,
               "expected the reachable clients to get '%s' soon, it took %d ms", text,
               (int)took_ms);
    }
    rig_end(&rig);
}
