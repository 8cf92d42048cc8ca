/* Tests of udpload --fanout --confirm: what its clients confirm and lose, against the counts of the
 * server. */

#include "udpload_stand_in.h"

#include <string.h>

TestSuite(system_udpload_confirm, .fini = harness_end, .timeout = 60);

static struct server server;

/* Runs udpload --fanout --confirm with further words, and returns its report. */
static const char *measure(const char *words)
{
    stand_in_name = endpoint_text(&server.at[0]);
    load_process = (struct process){.pid = 0};
    load_start(harness_format("--fanout --confirm --control %s -t 1 --json FILE %s @",
                              server.socket, words));
    return load_report();
}

static int64_t count_of(const char *json, const char *what)
{
    return json_integer(json, what);
}

static void expect_all_confirmed(const char *config, const char *local)
{
    server = (struct server){0};
    server_start(&server, config, "-l", local, NULL);
    const char *json = measure("-c 600 -n 2 -T 4");
    report_count(json, "broadcasts", 2);
    report_count(json, "received", 1200);
    report_count(json, "doubled", 0);
    report_count(json, "targets", 1200);
    /* "clients" of "confirm", which stands before that of the setting. */
    report_count(json, "clients", 1200);
    report_count(json, "confirmed", 1200);
    report_count(json, "silent", 0);
    report_count(json, "seen_twice", 0);
    report_count(json, "frames_dropped", 0);
    report_count(json, "confirmations_dropped", 0);
    report_count(json, "server_confirmed", 1200);
    report_count(json, "server_silent", 0);
    report_count(json, "plain", 0);
    harness_contains("the text", load_text(0), "fan-out, confirmations");
    harness_equal("hellos answered", server_stat(&server, "named") >= 600, 1);
    harness_equal("confirmed", server_stat(&server, "confirmed"), 1200);
    server_await_clients(&server, 0);
    server_stop(&server);
}

Test(system_udpload_confirm, counts_each_client_that_confirms_each_broadcast)
{
    expect_all_confirmed(NULL, "127.0.0.1:0");
    expect_all_confirmed("[server]\nworkers = 4\n", "[::1]:0");
}

Test(system_udpload_confirm, says_hello_after_the_challenges_of_a_server_too)
{
    expect_all_confirmed("[admission]\npolicy = cookie\n", "127.0.0.1:0");
}

/* The seed decides how many datagrams are lost: by this one, frames and confirmations, and few
 * enough that the second or third round is the last one. All that was lost is known, so each count
 * has its counterpart. */
Test(system_udpload_confirm, accounts_for_each_datagram_that_drop_loses)
{
    server = (struct server){0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    const char *json = measure("-c 20 --drop 15% --seed 10");
    harness_equal("clients", count_of(json, "clients"), 20);
    harness_equal("own drops", count_of(json, "own_drops"), 0);
    expect(count_of(json, "frames_dropped") > 0 && count_of(json, "confirmations_dropped") > 0,
           "expected losses: %s", json);
    harness_equal("confirmations refused", count_of(json, "confirmations_failed"), 0);
    harness_equal("frames that arrived", count_of(json, "frames"), count_of(json, "datagrams"));
    harness_equal("frames that were shown or repeated",
                  count_of(json, "received") + count_of(json, "frames_repeated"),
                  count_of(json, "frames") - count_of(json, "frames_dropped"));
    harness_equal("confirmed", count_of(json, "confirmed"), count_of(json, "server_confirmed"));
    harness_equal("silent", count_of(json, "silent"), count_of(json, "server_silent"));
    harness_equal("confirmations at the server",
                  server_stat(&server, "confirmed") + server_stat(&server, "confirmed_again"),
                  count_of(json, "confirmations") - count_of(json, "confirmations_dropped"));
    report_count(json, "seen_twice", 0);
    expect(count_of(json, "rounds") >= 2, "expected a second round: %s", json);
    server_stop(&server);
}

Test(system_udpload_confirm, has_plain_clients_of_others_beside_its_own)
{
    server = (struct server){0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < 30; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_clients(&server, 30);
    const char *json = measure("-c 400");
    report_count(json, "confirmed", 400);
    report_count(json, "plain", 30);
    report_count(json, "targets", 430);
    server_await_clients(&server, 30);
    server_stop(&server);
}

/* A frame is longer than its payload, which is as long here as a request may be. */
Test(system_udpload_confirm, confirms_long_broadcasts)
{
    server = (struct server){0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    const char *json = measure("-c 50 --size 2048");
    report_count(json, "received", 50);
    report_count(json, "confirmed", 50);
    server_stop(&server);
}
