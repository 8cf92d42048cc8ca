/* Under policy = cookie, datagrams from addresses of the link that nobody has: each is challenged,
 * and each challenge waits for an ARP or ND answer that never comes. Proven clients and those who
 * join meanwhile must not notice. */

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
    int join_ms; /* how long a newcomer has to join */
    bool six, wildcard;
    bool pings;       /* and no requests: pongs are due in place of challenges */
    bool second_link; /* the sources are of another link than that which they come by */
    int workers;
};

enum {
    FORGED_PORT = 5000,
    NEWCOMERS = 100, /* of each kind */
    LONG_JOIN_MS = 5000,
    /* The first of them comes when the flood has filled what it can. */
    NEWCOMERS_AFTER_MS = 500,
};

/* A frame with a nonce of one byte, by hand. */
static const char PING[6] = "\0UDP\4n";

static const char *describe(const struct flood *flood)
{
    return harness_format("%u forged %s/s from %u addresses%s, IPv%d, %s, workers = %d",
                          flood->rate_pps, flood->pings ? "pings" : "requests", flood->sources,
                          flood->second_link ? " of a second link" : "", flood->six ? 6 : 4,
                          flood->wildcard ? "wildcard" : "bound", flood->workers);
}

/* So many addresses of the link that are the neighbour's and have never been spoken to. */
static void add_newcomers(const struct rig *rig)
{
    const char *address = rig->six ? "fd77::1:$i/128" : "10.77.1.$i/32";

    rig_shell_there(rig,
                    harness_format("for i in $(seq %d); do echo addr add %s dev far %s; done | "
                                   "ip -batch -",
                                   NEWCOMERS, address, rig->six ? "nodad" : ""));
}

/* A link of the server's on which nobody else is; sources there are forged from the first one,
 * which a host accepts unless its rp_filter is strict. */
static void add_second_link(void)
{
    netns_shell("ip link add second type veth peer name nobody\n"
                "ip addr add 10.80.0.1/16 dev second\n"
                "ip link set second up\n"
                "ip link set nobody up\n"
                "echo 2 >/proc/sys/net/ipv4/conf/all/rp_filter");
}

static struct endpoint first_source(const struct flood *flood)
{
    const char *address = flood->six           ? "fd77::8:1"
                          : flood->second_link ? "10.80.16.1"
                                               : "10.77.16.1";

    return endpoint_with_port(address, FORGED_PORT);
}

/* Newcomers of one network begin one after the other; the last one early enough to have its time
 * within the flood, where that is long enough. */
static void start_newcomers(const struct rig *rig, const struct flood *flood, const char *network,
                            const struct announcer *announcer, struct joiners *joiners)
{
    int64_t spread_ms = flood->flood_ms - flood->join_ms - NEWCOMERS_AFTER_MS;
    int64_t first_ns = clock_now_ns() + NEWCOMERS_AFTER_MS * NS_PER_MS;

    spread_ms = spread_ms > 500 ? spread_ms : 500;
    *joiners = (struct joiners){.all = calloc(NEWCOMERS, sizeof(struct joiner)),
                                .count = NEWCOMERS,
                                .to = rig->at,
                                .limit_ns = flood->join_ms * NS_PER_MS,
                                .announcer = announcer};
    for (int i = 0; i < NEWCOMERS; i++) {
        joiners->all[i].udp = rig_open_there(rig, harness_format("%s%d", network, 1 + i));
        joiners->all[i].start_ns = first_ns + i * spread_ms * NS_PER_MS / NEWCOMERS;
    }
    joiners_start(joiners);
}

/* Waits for them and tells how they fared; returns how many joined. */
static size_t end_newcomers(const char *what, struct joiners *joiners)
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
    fprintf(stderr, "  %s newcomers: %zu of %zu joined within %lld ms, the last after %.1f ms\n",
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
    expect(joined * 100 >= NEWCOMERS * 99, "expected 99 %% of %s newcomers to join, %zu of %d did",
           what, joined, NEWCOMERS);
}

static void withstand(const struct flood *flood)
{
    struct rig rig = {0};
    struct joiners off_link, on_link;
    struct announcer announcer;
    size_t off_joined, on_joined;
    int64_t start_ns, flooded_ns, end_ns;
    struct flooder flooder = {.sources = flood->sources,
                              .rate_pps = flood->rate_pps,
                              .count = flood->rate_pps * (uint32_t)flood->flood_ms / 1000,
                              .text = flood->pings ? PING : "hi",
                              .text_bytes = flood->pings ? sizeof PING : 2};

    rig_build(&rig, flood->six);
    add_newcomers(&rig);
    if (flood->second_link)
        add_second_link();
    rig_serve(
        &rig, flood->wildcard,
        harness_format("[admission]\npolicy = cookie\n[server]\nworkers = %d\n", flood->workers));
    flooder.to = rig.at;
    flooder.first = first_source(flood);
    announcer_open(&announcer, &rig.link, &rig.at);
    rig_probe(&rig);
    start_ns = clock_now_ns();
    flooder_start(&flooder, &rig.link);
    start_newcomers(&rig, flood, flood->six ? "fd78::1:" : "10.78.1.", NULL, &off_link);
    start_newcomers(&rig, flood, flood->six ? "fd77::1:" : "10.77.1.", &announcer, &on_link);
    flooder_wait(&flooder);
    flooded_ns = clock_now_ns();
    clock_wait_until_ns(flooded_ns + flood->after_ms * NS_PER_MS);
    end_ns = clock_now_ns();
    rig_stop_probing(&rig);

    fprintf(stderr, "%s\n", describe(flood));
    off_joined = end_newcomers("off-link", &off_link);
    on_joined = end_newcomers("on-link", &on_link);
    announcer_close(&announcer);
    rig_report(&rig, "  during", start_ns, flooded_ns);
    rig_report(&rig, "  after", flooded_ns, end_ns);
    rig_expect_in_time(&rig, "during", start_ns, flooded_ns);
    rig_expect_in_time(&rig, "after", flooded_ns, end_ns);
    expect_joined("off-link", off_joined);
    /* They are told from dead addresses within a second or so. */
    if (flood->join_ms >= LONG_JOIN_MS)
        expect_joined("on-link", on_joined);
    expect_all_counted(&rig, &flooder);
    rig_end(&rig);
}

Test(brief_cookie_flood, from_ten_dead_addresses_costs_no_client_its_reply)
{
    withstand(&(struct flood){.sources = 10,
                              .rate_pps = 1000,
                              .flood_ms = 2500,
                              .after_ms = 500,
                              .join_ms = 1500,
                              .six = true,
                              .workers = 4});
}

Test(brief_cookie_flood, from_forty_thousand_dead_addresses_costs_no_client_its_reply)
{
    withstand(&(struct flood){.sources = 40000,
                              .rate_pps = 1000,
                              .flood_ms = 2500,
                              .after_ms = 500,
                              .join_ms = 1500,
                              .wildcard = true,
                              .workers = 1});
}

Test(brief_cookie_flood, in_a_burst_costs_no_client_its_reply)
{
    withstand(&(struct flood){.sources = 20000,
                              .rate_pps = 20000,
                              .flood_ms = 1000,
                              .after_ms = 2000,
                              .join_ms = 1500,
                              .workers = 1});
}

/* Every combination of addresses, family, listener and workers; the last kind is a burst of 20,000
 * within a second. */
enum { KINDS = 5, COMBINATIONS = KINDS * 8 };

ParameterizedTestParameters(long_cookie_flood, costs_no_client_its_reply)
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

ParameterizedTest(struct flood *flood, long_cookie_flood, costs_no_client_its_reply)
{
    withstand(flood);
}

Test(long_cookie_flood, from_dead_addresses_of_another_link_costs_no_client_its_reply)
{
    withstand(&(struct flood){.sources = 1000,
                              .rate_pps = 1000,
                              .flood_ms = 7000,
                              .after_ms = 4000,
                              .join_ms = LONG_JOIN_MS,
                              .wildcard = true,
                              .second_link = true,
                              .workers = 1});
}

Test(long_cookie_flood, of_pings_costs_no_client_its_reply)
{
    withstand(&(struct flood){.sources = 1000,
                              .rate_pps = 1000,
                              .flood_ms = 7000,
                              .after_ms = 4000,
                              .join_ms = LONG_JOIN_MS,
                              .pings = true,
                              .six = true,
                              .workers = 1});
}
