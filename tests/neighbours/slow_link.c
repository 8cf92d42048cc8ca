/* One wildcard listener on two links, of which one is slower than what its clients ask for: those
 * of the other link must not notice. */

#include "clock.h"
#include "rig.h"

#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

TestSuite(brief_slow_link, .fini = harness_end, .timeout = 60);
TestSuite(long_slow_link, .fini = harness_end, .timeout = 60);

struct slow {
    char policy[8];
    int rate_kbit;   /* of the slow line */
    int limit_bytes; /* of the queue before it */
    int workers;
    bool bound;         /* to the address of the fast link, which clients of both speak to */
    int more_addresses; /* of the fast link, which have clients before the slow link has */
};

enum { SLOW_RATE_PPS = 2000, WARM_UP_MS = 1000, WATCHED_MS = 2000 };

static const char SLOW_SETUP[] = "ip addr add 10.79.0.1/16 dev slow";
static const char FAR_SETUP[] = "ip addr add 10.79.0.9/16 dev far";
static const char FAR_ROUTE[] = "ip route add 10.77.0.0/16 via 10.79.0.1";

/* Clients that ask for more than their line carries. */
static void load_slow_link(const struct neighbours *slow, const struct slow *kind,
                           struct prober *load)
{
    int sockets[RIG_CLIENTS];
    struct endpoint to = endpoint_with_port(kind->bound ? "10.77.0.1" : "10.79.0.1", RIG_PORT);

    for (int i = 0; i < RIG_CLIENTS; i++)
        sockets[i] = udp_open_in(slow->there, slow, "10.79.0.9");
    prober_open(load, &to, sockets, RIG_CLIENTS);
    prober_start(load, SLOW_RATE_PPS);
}

/* Another address of the server's on the fast link, and a client that speaks to it. */
static void use_address(const struct rig *rig, const char *address)
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

static void ask_beside(const struct slow *slow_kind)
{
    struct rig rig = {0};
    struct neighbours slow;
    struct prober load;
    struct prober_window slow_window;
    int64_t start_ns, end_ns;

    rig_build(&rig, false);
    add_neighbour(&slow, "slow", SLOW_SETUP, FAR_SETUP);
    netns_shell(harness_format("tc qdisc add dev slow root tbf rate %dkbit burst 2kb limit %d",
                               slow_kind->rate_kbit, slow_kind->limit_bytes));
    netns_shell_in(slow.there, &slow, FAR_ROUTE);
    rig_serve(&rig, !slow_kind->bound,
              harness_format("[admission]\npolicy = %s\n[server]\nworkers = %d\n",
                             slow_kind->policy, slow_kind->workers));
    for (int i = 0; i < slow_kind->more_addresses; i++)
        use_address(&rig, harness_format("10.77.0.%d", 2 + i));
    rig_probe(&rig);
    load_slow_link(&slow, slow_kind, &load);
    clock_wait_until_ns(clock_now_ns() + WARM_UP_MS * NS_PER_MS);
    start_ns = clock_now_ns();
    clock_wait_until_ns(start_ns + WATCHED_MS * NS_PER_MS);
    end_ns = clock_now_ns();
    rig_stop_probing(&rig);
    prober_stop(&load);

    fprintf(stderr, "a link of %d kbit/s, policy = %s, a queue of %d bytes, workers = %d\n",
            slow_kind->rate_kbit, slow_kind->policy, slow_kind->limit_bytes, slow_kind->workers);
    rig_report(&rig, "  the other link", start_ns, end_ns);
    slow_window = prober_window(&load, start_ns, end_ns);
    expect(slow_window.late > 0, "expected the slow link to be slower than asked for");
    rig_expect_in_time(&rig, "the other link", start_ns, end_ns);
    prober_close(&load);
    rig_end(&rig);
}

Test(brief_slow_link, holds_up_no_client_of_another_link)
{
    ask_beside(
        &(struct slow){.policy = "open", .rate_kbit = 256, .limit_bytes = 1000000, .workers = 1});
}

/* A line whose queue takes all that a send buffer holds, one whose queue is full and drops the
 * rest, and one that is next to dead; for both policies, with one worker and with four. */
ParameterizedTestParameters(long_slow_link, holds_up_no_client_of_another_link)
{
    enum { COMBINATIONS = 12 };
    static const struct slow lines[COMBINATIONS / 4] = {
        {.rate_kbit = 256, .limit_bytes = 1000000},
        {.rate_kbit = 256, .limit_bytes = 5000},
        {.rate_kbit = 8, .limit_bytes = 1000000},
    };
    static struct slow slows[COMBINATIONS];

    for (int i = 0; i < COMBINATIONS; i++) {
        slows[i] = lines[i / 4];
        slows[i].workers = (i & 1) != 0 ? 4 : 1;
        strcpy(slows[i].policy, (i & 2) != 0 ? "cookie" : "open");
    }
    return cr_make_param_array(struct slow, slows, COMBINATIONS);
}

ParameterizedTest(struct slow *slow, long_slow_link, holds_up_no_client_of_another_link)
{
    ask_beside(slow);
}

Test(long_slow_link, holds_up_no_client_of_another_link_who_speaks_to_the_same_address)
{
    ask_beside(&(struct slow){
        .policy = "open", .rate_kbit = 256, .limit_bytes = 1000000, .workers = 1, .bound = true});
}

Test(long_slow_link, holds_up_no_client_of_another_link_that_has_many_addresses)
{
    ask_beside(&(struct slow){.policy = "open",
                              .rate_kbit = 256,
                              .limit_bytes = 1000000,
                              .workers = 1,
                              .more_addresses = 4});
}
