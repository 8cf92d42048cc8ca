/* Under policy = cookie, a flood of datagrams from dead addresses of the link: each is challenged,
 * and each challenge waits for an ARP or ND answer that is never sent. Registered clients must get
 * their replies in time, and new clients must be able to join meanwhile. */

#include "clock.h"
#include "flooder.h"
#include "rig.h"

#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(brief_cookie_flood, .fini = harness_end, .timeout = 60);
TestSuite(long_cookie_flood, .fini = harness_end, .timeout = 60);

struct flood {
    uint32_t sources, rate_pps;
    int flood_ms, after_ms;
    int join_ms; /* time that a new client has to join */
    bool six, wildcard;
    bool pings;       /* pings instead of requests, which get pongs instead of challenges */
    bool second_link; /* the sources are addresses of a second link of the server */
    int workers;
};

enum {
    FORGED_PORT = 5000,
    NEW_CLIENTS = 100, /* of each kind */
    LONG_JOIN_MS = 5000,
    /* The first new client starts after the flood has filled the queues of the kernel. */
    NEW_CLIENTS_AFTER_MS = 500,
};

/* A ping frame with a nonce of one byte. */
static const char PING[6] = "\0UDP\4n";

static const char *describe(const struct flood *flood)
{
    return harness_format("%u forged %s/s from %u addresses%s, IPv%d, %s, workers = %d",
                          flood->rate_pps, flood->pings ? "pings" : "requests", flood->sources,
                          flood->second_link ? " of a second link" : "", flood->six ? 6 : 4,
                          flood->wildcard ? "wildcard" : "bound", flood->workers);
}

/* Adds addresses for the on-link new clients to the neighbour. The server has not resolved them. */
static void add_new_client_addresses(const struct rig *rig)
{
    const char *address = rig->six ? "fd77::1:$i/128" : "10.77.1.$i/32";

    rig_shell_there(rig,
                    harness_format("for i in $(seq %d); do echo addr add %s dev far %s; done | "
                                   "ip -batch -",
                                   NEW_CLIENTS, address, rig->six ? "nodad" : ""));
}

/* Adds a second link of the server, without neighbours. The flood on the first link forges sources
 * of the second one, which a host accepts unless its rp_filter is strict. */
static void add_second_link(void)
{
    netns_shell("ip link add second type veth peer name unused\n"
                "ip addr add 10.80.0.1/16 dev second\n"
                "ip link set second up\n"
                "ip link set unused up\n"
                "echo 2 >/proc/sys/net/ipv4/conf/all/rp_filter");
}

static struct endpoint first_source(const struct flood *flood)
{
    const char *address = flood->six           ? "fd77::8:1"
                          : flood->second_link ? "10.80.16.1"
                                               : "10.77.16.1";

    return endpoint_with_port(address, FORGED_PORT);
}

/* Starts the new clients of one network one after the other. If the flood is long enough, the time
 * that the last one has to join is over before the flood ends. */
static void start_new_clients(const struct rig *rig, const struct flood *flood, const char *network,
                              const struct address_requester *requester, struct joiners *joiners)
{
    int64_t spread_ms = flood->flood_ms - flood->join_ms - NEW_CLIENTS_AFTER_MS;
    int64_t first_ns = clock_now_ns() + NEW_CLIENTS_AFTER_MS * NS_PER_MS;

    spread_ms = spread_ms > 500 ? spread_ms : 500;
    *joiners = (struct joiners){.all = calloc(NEW_CLIENTS, sizeof(struct joiner)),
                                .count = NEW_CLIENTS,
                                .to = rig->at,
                                .limit_ns = flood->join_ms * NS_PER_MS,
                                .requester = requester};
    for (int i = 0; i < NEW_CLIENTS; i++) {
        joiners->all[i].udp = rig_open_there(rig, harness_format("%s%d", network, 1 + i));
        joiners->all[i].start_ns = first_ns + i * spread_ms * NS_PER_MS / NEW_CLIENTS;
    }
    joiners_start(joiners);
}

/* Waits for the new clients and prints their results. Returns the number that joined. */
static size_t end_new_clients(const char *what, struct joiners *joiners)
{
    size_t joined;
    int64_t worst_ns = 0;

    joiners_wait(joiners);
    joined = joiners_joined(joiners);
    for (size_t i = 0; i < joiners->count; i++) {
        const struct joiner *joiner = &joiners->all[i];

        if (joiner->joined_ns - joiner->start_ns > worst_ns)
            worst_ns = joiner->joined_ns - joiner->start_ns;
    }
    fprintf(stderr, "  %s new clients: %zu of %zu joined within %lld ms, the last after %.1f ms\n",
            what, joined, joiners->count, (long long)(joiners->limit_ns / NS_PER_MS),
            (double)worst_ns / NS_PER_MS);
    joiners_close(joiners);
    free(joiners->all);
    return joined;
}

/* Each forged datagram was received; its challenge or pong has been sent or counted as failed. */
static void expect_all_counted(struct rig *rig, const struct flooder *flooder)
{
    int64_t answered =
        server_stat(&rig->server, "challenged") + server_stat(&rig->server, "ponged");
    int64_t failed = server_stat(&rig->server, "challenge_failed");

    fprintf(stderr, "  challenged or ponged %lld, challenge_failed %lld\n", (long long)answered,
            (long long)failed);
    expect(answered + failed >= flooder->count,
           "expected %u forged datagrams to be answered or counted, %lld and %lld were",
           flooder->count, (long long)answered, (long long)failed);
    harness_equal("reply_failed", server_stat(&rig->server, "reply_failed"), 0);
    harness_equal("kernel_drops", server_stat(&rig->server, "kernel_drops"), 0);
}

static void expect_joined(const char *what, size_t joined)
{
    expect(joined * 100 >= NEW_CLIENTS * 99,
           "expected 99 %% of %s new clients to join, %zu of %d did", what, joined, NEW_CLIENTS);
}

static void test_flood(const struct flood *flood)
{
    struct rig rig = {0};
    struct joiners off_link, on_link;
    struct address_requester requester;
    size_t off_joined, on_joined;
    int64_t start_ns, flooded_ns, end_ns;
    struct flooder flooder = {.sources = flood->sources,
                              .rate_pps = flood->rate_pps,
                              .count = flood->rate_pps * (uint32_t)flood->flood_ms / 1000,
                              .text = flood->pings ? PING : "hi",
                              .text_bytes = flood->pings ? sizeof PING : 2};

    rig_build(&rig, flood->six);
    add_new_client_addresses(&rig);
    if (flood->second_link)
        add_second_link();
    rig_serve(
        &rig, flood->wildcard,
        harness_format("[admission]\npolicy = cookie\n[server]\nworkers = %d\n", flood->workers));
    flooder.to = rig.at;
    flooder.first = first_source(flood);
    address_requester_open(&requester, &rig.link, &rig.at);
    rig_probe(&rig);
    start_ns = clock_now_ns();
    flooder_start(&flooder, &rig.link);
    start_new_clients(&rig, flood, flood->six ? "fd78::1:" : "10.78.1.", NULL, &off_link);
    start_new_clients(&rig, flood, flood->six ? "fd77::1:" : "10.77.1.", &requester, &on_link);
    flooder_wait(&flooder);
    flooded_ns = clock_now_ns();
    clock_wait_until_ns(flooded_ns + flood->after_ms * NS_PER_MS);
    end_ns = clock_now_ns();
    rig_stop_probing(&rig);

    fprintf(stderr, "%s\n", describe(flood));
    off_joined = end_new_clients("off-link", &off_link);
    on_joined = end_new_clients("on-link", &on_link);
    address_requester_close(&requester);
    rig_report(&rig, "  during", start_ns, flooded_ns);
    rig_report(&rig, "  after", flooded_ns, end_ns);
    rig_expect_in_time(&rig, "during", start_ns, flooded_ns);
    rig_expect_in_time(&rig, "after", flooded_ns, end_ns);
    expect_joined("off-link", off_joined);
    /* The server distinguishes them from dead addresses only after about a second. */
    if (flood->join_ms >= LONG_JOIN_MS)
        expect_joined("on-link", on_joined);
    expect_all_counted(&rig, &flooder);
    rig_end(&rig);
}

Test(brief_cookie_flood, clients_get_their_replies_during_a_flood_from_ten_dead_addresses)
{
    test_flood(&(struct flood){.sources = 10,
                               .rate_pps = 1000,
                               .flood_ms = 2500,
                               .after_ms = 500,
                               .join_ms = 1500,
                               .six = true,
                               .workers = 4});
}

Test(brief_cookie_flood,
     clients_get_their_replies_during_a_flood_from_forty_thousand_dead_addresses)
{
    test_flood(&(struct flood){.sources = 40000,
                               .rate_pps = 1000,
                               .flood_ms = 2500,
                               .after_ms = 500,
                               .join_ms = 1500,
                               .wildcard = true,
                               .workers = 1});
}

Test(brief_cookie_flood, clients_get_their_replies_during_a_burst)
{
    test_flood(&(struct flood){.sources = 20000,
                               .rate_pps = 20000,
                               .flood_ms = 1000,
                               .after_ms = 2000,
                               .join_ms = 1500,
                               .workers = 1});
}

/* All combinations of number of sources, family, listener and workers. The last kind is a burst of
 * 20,000 datagrams in one second. */
enum { KINDS = 5, COMBINATIONS = KINDS * 8 };

ParameterizedTestParameters(long_cookie_flood, clients_get_their_replies)
{
    static const uint32_t sources[KINDS - 1] = {1, 10, 1000, 40000};
    static struct flood floods[COMBINATIONS];

    for (int i = 0; i < COMBINATIONS; i++) {
        struct flood *flood = &floods[i];

        if (i / 8 < KINDS - 1)
            *flood = (struct flood){.sources = sources[i / 8],
                                    .rate_pps = 1000,
                                    .flood_ms = 7000,
                                    .after_ms = 4000,
                                    .join_ms = LONG_JOIN_MS};
        else
            *flood = (struct flood){.sources = 20000,
                                    .rate_pps = 20000,
                                    .flood_ms = 1000,
                                    .after_ms = 4000,
                                    .join_ms = LONG_JOIN_MS};
        flood->six = (i & 1) != 0;
        flood->wildcard = (i & 2) != 0;
        flood->workers = (i & 4) != 0 ? 4 : 1;
    }
    return cr_make_param_array(struct flood, floods, COMBINATIONS);
}

ParameterizedTest(struct flood *flood, long_cookie_flood, clients_get_their_replies)
{
    test_flood(flood);
}

Test(long_cookie_flood,
     clients_get_their_replies_during_a_flood_from_dead_addresses_of_another_link)
{
    test_flood(&(struct flood){.sources = 1000,
                               .rate_pps = 1000,
                               .flood_ms = 7000,
                               .after_ms = 4000,
                               .join_ms = LONG_JOIN_MS,
                               .wildcard = true,
                               .second_link = true,
                               .workers = 1});
}

Test(long_cookie_flood, clients_get_their_replies_during_a_flood_of_pings)
{
    test_flood(&(struct flood){.sources = 1000,
                               .rate_pps = 1000,
                               .flood_ms = 7000,
                               .after_ms = 4000,
                               .join_ms = LONG_JOIN_MS,
                               .pings = true,
                               .six = true,
                               .workers = 1});
}
