/* One wildcard listener on two links, one of which is too slow for the replies to its clients: the
 * clients of the other link must get their replies in time. */

#include "clock.h"
#include "rig.h"

#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

TestSuite(brief_slow_link, .fini = harness_end, .timeout = 60);
TestSuite(long_slow_link, .fini = harness_end, .timeout = 60);

struct slow_link {
    char policy[8];
    int rate_kbit;   /* of the slow link */
    int limit_bytes; /* of its queue */
    int workers;
    bool bound; /* to the address of the fast link, to which the clients of both links send */
    int more_addresses; /* of the fast link, which have clients before the slow link has any */
};

enum { SLOW_RATE_PPS = 2000, WARM_UP_MS = 1000, MEASURED_MS = 2000 };

static const char SLOW_SETUP[] = "ip addr add 10.79.0.1/16 dev slow";
static const char FAR_SETUP[] = "ip addr add 10.79.0.9/16 dev far";
static const char FAR_ROUTE[] = "ip route add 10.77.0.0/16 via 10.79.0.1";

/* Starts clients that request more than the slow link can carry. */
static void load_slow_link(const struct neighbours *slow_link, const struct slow_link *kind,
                           struct prober *load)
{
    int sockets[RIG_CLIENTS];
    struct endpoint to = endpoint_with_port(kind->bound ? "10.77.0.1" : "10.79.0.1", RIG_PORT);

    for (int i = 0; i < RIG_CLIENTS; i++)
        sockets[i] = udp_open_in(slow_link->there, slow_link, "10.79.0.9");
    prober_open(load, &to, sockets, RIG_CLIENTS);
    prober_start(load, SLOW_RATE_PPS);
}

/* Adds an address of the server on the fast link, and lets a client join there. */
static void add_address_with_client(const struct rig *rig, const char *address)
{
    int udp = rig_open_there(rig, "10.77.0.9");
    struct endpoint to = endpoint_with_port(address, RIG_PORT);
    struct joiner joiner = {.udp = udp, .start_ns = clock_now_ns()};
    struct joiners one = {.all = &joiner, .count = 1, .to = to, .limit_ns = 15 * NS_PER_S};

    netns_shell(harness_format("ip addr add %s/16 dev near", address));
    joiners_run(&one);
    harness_equal("clients that joined", (int64_t)joiners_joined(&one), 1);
    joiners_close(&one);
}

static void test_other_link(const struct slow_link *kind)
{
    struct rig rig = {0};
    struct neighbours slow_link;
    struct prober load;
    struct prober_window slow_window;
    int64_t start_ns, end_ns;

    rig_build(&rig, false);
    add_neighbour(&slow_link, "slow", SLOW_SETUP, FAR_SETUP);
    netns_shell(harness_format("tc qdisc add dev slow root tbf rate %dkbit burst 2kb limit %d",
                               kind->rate_kbit, kind->limit_bytes));
    netns_shell_in(slow_link.there, &slow_link, FAR_ROUTE);
    rig_serve(&rig, !kind->bound,
              harness_format("[admission]\npolicy = %s\n[server]\nworkers = %d\n", kind->policy,
                             kind->workers));
    for (int i = 0; i < kind->more_addresses; i++)
        add_address_with_client(&rig, harness_format("10.77.0.%d", 2 + i));
    rig_probe(&rig);
    load_slow_link(&slow_link, kind, &load);
    clock_wait_until_ns(clock_now_ns() + WARM_UP_MS * NS_PER_MS);
    start_ns = clock_now_ns();
    clock_wait_until_ns(start_ns + MEASURED_MS * NS_PER_MS);
    end_ns = clock_now_ns();
    rig_stop_probing(&rig);
    prober_stop(&load);

    fprintf(stderr, "a link of %d kbit/s, policy = %s, a queue of %d bytes, workers = %d\n",
            kind->rate_kbit, kind->policy, kind->limit_bytes, kind->workers);
    rig_report(&rig, "  the other link", start_ns, end_ns);
    slow_window = prober_window(&load, start_ns, end_ns);
    expect(slow_window.late > 0, "expected late replies on the slow link");
    rig_expect_in_time(&rig, "the other link", start_ns, end_ns);
    prober_close(&load);
    rig_end(&rig);
}

Test(brief_slow_link, clients_of_another_link_get_their_replies)
{
    test_other_link(&(struct slow_link){
        .policy = "open", .rate_kbit = 256, .limit_bytes = 1000000, .workers = 1});
}

/* A link whose queue is larger than a send buffer, one whose queue overflows, and one of 8 kbit/s;
 * for both policies, with one worker and with four. */
ParameterizedTestParameters(long_slow_link, clients_of_another_link_get_their_replies)
{
    enum { COMBINATIONS = 12 };
    static const struct slow_link links[COMBINATIONS / 4] = {
        {.rate_kbit = 256, .limit_bytes = 1000000},
        {.rate_kbit = 256, .limit_bytes = 5000},
        {.rate_kbit = 8, .limit_bytes = 1000000},
    };
    static struct slow_link combinations[COMBINATIONS];

    for (int i = 0; i < COMBINATIONS; i++) {
        combinations[i] = links[i / 4];
        combinations[i].workers = (i & 1) != 0 ? 4 : 1;
        strcpy(combinations[i].policy, (i & 2) != 0 ? "cookie" : "open");
    }
    return cr_make_param_array(struct slow_link, combinations, COMBINATIONS);
}

ParameterizedTest(struct slow_link *slow_link, long_slow_link,
                  clients_of_another_link_get_their_replies)
{
    test_other_link(slow_link);
}

Test(long_slow_link, clients_of_another_link_at_the_same_local_address_get_their_replies)
{
    test_other_link(&(struct slow_link){
        .policy = "open", .rate_kbit = 256, .limit_bytes = 1000000, .workers = 1, .bound = true});
}

Test(long_slow_link, clients_of_another_link_with_many_addresses_get_their_replies)
{
    test_other_link(&(struct slow_link){.policy = "open",
                                        .rate_kbit = 256,
                                        .limit_bytes = 1000000,
                                        .workers = 1,
                                        .more_addresses = 4});
}
