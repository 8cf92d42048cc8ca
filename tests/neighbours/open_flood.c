/* Under policy = open, a flood from dead addresses: the server registers them and replies to them,
 * and those replies wait for neighbour resolution. The replies to other clients must not wait. */

#include "clock.h"
#include "flooder.h"
#include "rig.h"
#include "wmem.h"

#include <criterion/parameterized.h>
#include <stdio.h>

TestSuite(brief_open_flood, .fini = harness_end, .timeout = 60);
TestSuite(long_open_flood, .fini = wmem_end, .timeout = 60);

struct listener {
    bool six, wildcard;
    bool unprivileged;
    int workers;
};

/* Each reply waits in the kernel for 3 s; the waiting ones occupy about 764,000 bytes there. */
enum { SOURCES = 10, RATE_PPS = 300, AFTER_MS = 500 };

static void test_flood(const struct listener *listener, int flood_ms)
{
    struct rig rig = {0};
    int64_t start_ns, flooded_ns, end_ns;
    struct flooder flooder = {.sources = SOURCES,
                              .rate_pps = RATE_PPS,
                              .count = (uint32_t)(RATE_PPS * flood_ms / 1000),
                              .text = "hi",
                              .text_bytes = 2};

    if (listener->unprivileged) {
        rig.server.owner = WMEM_UNPRIVILEGED_UID;
        rig.server.wrapper = wmem_unprivileged_wrapper;
    }
    rig_build(&rig, listener->six);
    rig_serve(
        &rig, listener->wildcard,
        harness_format("[admission]\npolicy = open\n[server]\nworkers = %d\n", listener->workers));
    flooder.to = rig.at;
    flooder.first = endpoint_with_port(listener->six ? "fd77::8:1" : "10.77.16.1", 5000);
    rig_probe(&rig);
    start_ns = clock_now_ns();
    flooder_start(&flooder, &rig.link);
    flooder_wait(&flooder);
    flooded_ns = clock_now_ns();
    clock_wait_until_ns(flooded_ns + AFTER_MS * NS_PER_MS);
    end_ns = clock_now_ns();
    rig_stop_probing(&rig);

    fprintf(stderr, "policy = open, %d/s from %d dead addresses, IPv%d, %s, workers = %d\n",
            RATE_PPS, SOURCES, listener->six ? 6 : 4, listener->wildcard ? "wildcard" : "bound",
            listener->workers);
    rig_report(&rig, "  during", start_ns, flooded_ns);
    rig_report(&rig, "  after", flooded_ns, end_ns);
    rig_expect_in_time(&rig, "during", start_ns, flooded_ns);
    rig_expect_in_time(&rig, "after", flooded_ns, end_ns);
    harness_equal("kernel_drops", server_stat(&rig.server, "kernel_drops"), 0);
    rig_end(&rig);
}

Test(brief_open_flood, clients_get_their_replies_during_a_flood_from_dead_addresses)
{
    test_flood(&(struct listener){.wildcard = true, .workers = 1}, 3200);
}

ParameterizedTestParameters(long_open_flood,
                            clients_get_their_replies_during_a_flood_from_dead_addresses)
{
    enum { COMBINATIONS = 8 };
    static struct listener listeners[COMBINATIONS];

    for (int i = 0; i < COMBINATIONS; i++)
        listeners[i] = (struct listener){
            .six = (i & 1) != 0, .wildcard = (i & 2) != 0, .workers = (i & 4) != 0 ? 4 : 1};
    return cr_make_param_array(struct listener, listeners, COMBINATIONS);
}

ParameterizedTest(struct listener *listener, long_open_flood,
                  clients_get_their_replies_during_a_flood_from_dead_addresses)
{
    test_flood(listener, 7000);
}

Test(long_open_flood, clients_get_their_replies_without_capabilities_where_wmem_max_is_large)
{
    wmem_set("1048576");
    test_flood(&(struct listener){.wildcard = true, .unprivileged = true, .workers = 1}, 7000);
}
