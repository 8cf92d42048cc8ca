/* Confirmed broadcasts: rounds for the clients that have not confirmed, their counts and lists, and
 * what happens between two rounds. */

#include "devices.h"
#include "frames.h"
#include "subscriber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(system_confirm, .fini = harness_end, .timeout = 90);

enum { LEAVE = 3 };

#define QUIET "[reply]\nmode = none\n"

/* On a busy host a confirmation may be late, and the client gets the message again: at most once in
 * a round. */
static void expect_rounds(int64_t rounds, int64_t datagrams, int least_rounds, int devices,
                          int64_t least_datagrams)
{
    expect(rounds >= least_rounds && rounds <= 5, "expected %d rounds or more, not %d",
           least_rounds, (int)rounds);
    expect(datagrams >= least_datagrams &&
               datagrams <= least_datagrams + devices * (rounds - least_rounds + 1),
           "expected %d datagrams or more in %d rounds, not %d", (int)least_datagrams, (int)rounds,
           (int)datagrams);
}

/* ---- counts ---- */

Test(system_confirm, counts_devices_that_confirm_and_plain_clients_of_udp_and_streams)
{
    static const int workers[] = {1, 4};
    enum { DEVICES = 40, PLAIN = 20 };

    for (int i = 0; i < 2; i++) {
        struct server server = {0};
        struct process waiting;
        int devices[DEVICES], plain[PLAIN];
        const char *report;

        server_start(&server, harness_format(QUIET "[server]\nworkers = %d\n", workers[i]), "-l",
                     "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", NULL);
        int stream = stream_open(server.others[0]);
        stream_write_text(stream, "hi\n");
        for (int k = 0; k < PLAIN; k++) {
            plain[k] = udp_open("127.0.0.1");
            udp_send_text(plain[k], &server.at[0], "hi");
        }
        for (int k = 0; k < DEVICES; k++)
            devices[k] = device_join(&server);
        server_await_stat(&server, "joined", DEVICES + PLAIN + 1);
        process_start(&waiting, NULL,
                      (const char *const[]){"udpctl", "-s", server.socket, "broadcast", "--confirm",
                                            "--json", "news", NULL});
        for (int k = 0; k < DEVICES; k++)
            confirm_message(devices[k], &server.at[0], "news");
        for (int k = 0; k < PLAIN; k++)
            udp_expect(plain[k], &server.at[0], "news");
        stream_expect(stream, "news");
        harness_equal("the status of udpctl", process_wait(&waiting), 0);
        report = waiting.texts[0].data;
        harness_equal("targets", json_integer(report, "targets"), DEVICES + PLAIN + 1);
        harness_equal("sent", json_integer(report, "sent"), DEVICES + PLAIN + 1);
        harness_equal("confirmed", json_integer(report, "confirmed"), DEVICES);
        harness_equal("silent", json_integer(report, "silent"), 0);
        harness_equal("plain", json_integer(report, "plain"), PLAIN + 1);
        expect_rounds(json_integer(report, "rounds"), json_integer(report, "datagrams"), 1, DEVICES,
                      DEVICES + PLAIN + 1);
        expect_tally(&server, 1, DEVICES, 0, PLAIN + 1);
        harness_equal("confirmed", server_stat(&server, "confirmed"), DEVICES);
        expect_balance("stats", server_ask(&server, "stats"));
        harness_contains("the log", server_await_log(&server, "a broadcast ended"),
                         " confirmed=40 silent=0 plain=21 rounds=");
        server_stop(&server);
    }
}

Test(system_confirm, ends_at_once_if_no_client_can_confirm)
{
    struct server server = {0};
    int plain = udp_open("127.0.0.1");

    server_start(&server, QUIET, "-l", "127.0.0.1:0", NULL);
    udp_send_text(plain, &server.at[0], "hi");
    server_await_stat(&server, "joined", 1);
    ctl_ok(&server, "broadcast", "--confirm", "news", NULL);
    udp_expect(plain, &server.at[0], "news");
    expect_tally(&server, 1, 0, 0, 1);
    ctl_ok(&server, "broadcast", "plain", NULL);
    harness_equal("a broadcast without --confirm has no rounds", job_count(&server, 2, "rounds"),
                  -1);
    server_stop(&server);
}

/* ---- rounds ---- */

/* Confirms as the n-th one, and lets the server count the confirmations now and then, so that its
 * receive buffer holds those that come meanwhile. */
static void confirm_nth(struct server *server, int udp, uint64_t number, int nth)
{
    enum { AT_ONCE = 200 };

    confirm(udp, &server->at[0], number);
    if (nth % AT_ONCE == 0)
        server_await_stat(server, "confirmed", nth);
}

/* Expects that a list has exactly the devices whose index is a multiple of EACH, or all others. */
static void expect_list(const struct server *server, const char *which, const int *devices,
                        int count, int each)
{
    static bool listed[UINT16_MAX + 1];
    const char *list = list_clients(server, 1, which), *at = list;
    bool is_silent = strcmp(which, "--silent") == 0;

    memset(listed, 0, sizeof listed);
    for (; (at = strstr(at, "127.0.0.1:")) != NULL; at++)
        listed[strtoul(at + strlen("127.0.0.1:"), NULL, 10) & UINT16_MAX] = true;
    for (int i = 0; i < count; i++) {
        struct endpoint name = udp_name(devices[i]);
        expect(listed[endpoint_port(&name)] == ((i % each == 0) == is_silent),
               "expected device %d in the other list than %s", i, which);
    }
    int silent = (count + each - 1) / each;
    harness_equal(which, (int64_t)text_count(list, "\n") - 1, is_silent ? silent : count - silent);
}

Test(system_confirm, repeats_the_message_only_for_the_silent_clients_and_lists_exactly_them)
{
    enum { EACH = 3, SILENT = 1000, DEVICES = EACH * SILENT };
    struct server server = {0};
    static int devices[DEVICES];
    uint64_t number = 0;
    int confirmed = 0;

    if (!harness_raise_file_limit(DEVICES + 100))
        cr_skip_test("this process may not open %d descriptors", DEVICES + 100);
    server_start(&server, QUIET "[server]\nworkers = 4\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < DEVICES; i++)
        devices[i] = device_join(&server);
    ctl_ok(&server, "broadcast", "--confirm", "--no-wait", "news", NULL);
    for (int i = 0; i < DEVICES; i++) {
        number = expect_message(devices[i], "news");
        if (i % EACH != 0)
            confirm_nth(&server, devices[i], number, ++confirmed);
    }
    server_await_stat(&server, "confirmed", DEVICES - SILENT);
    bool is_in_time = job_count(&server, 1, "rounds") == 1;
    expect_list(&server, "--silent", devices, DEVICES, EACH);
    expect_list(&server, "--confirmed", devices, DEVICES, EACH);
    for (int i = 0; i < DEVICES; i += EACH) {
        expect(expect_message(devices[i], "news") == number, "expected the same number");
        confirm_nth(&server, devices[i], number, ++confirmed);
    }
    await_job(&server, 1, "done");
    expect_tally(&server, 1, DEVICES, 0, 0);
    expect_rounds(job_count(&server, 1, "rounds"), job_count(&server, 1, "datagrams"), 2, DEVICES,
                  DEVICES + SILENT);
    harness_equal("sent", job_count(&server, 1, "sent"), DEVICES);
    for (int i = 0; i < DEVICES && is_in_time; i++)
        if (i % EACH != 0)
            udp_expect_nothing(devices[i], "it has confirmed before the second round");
    harness_equal("silent clients at the end",
                  (int64_t)text_count(list_clients(&server, 1, "--silent"), "\n"), 1);
    server_stop(&server);
}

/* Has a client expire, and no other one: a client keeps the ttl of its last datagram. */
static void expire(struct server *server, int udp)
{
    int64_t received = server_stat(server, "received");

    server_configure(server, QUIET "[clients]\nttl = 50ms\nsweep = 50ms\n");
    server_ask(server, "reload");
    udp_send_text(udp, &server->at[0], "here");
    server_await_stat(server, "received", received + 1);
    server_configure(server, QUIET "[clients]\nsweep = 50ms\n");
    server_ask(server, "reload");
    server_await_stat(server, "expired", 1);
}

Test(system_confirm, does_not_repeat_it_for_clients_that_were_removed_nor_for_their_successors)
{
    enum { KICKED, LEFT, REJOINED, EXPIRED, SILENT, DEVICES };
    struct server server = {0};
    int devices[DEVICES], successors[DEVICES];
    uint64_t number = 0;

    server_start(&server, QUIET, "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < DEVICES; i++)
        devices[i] = device_join(&server);
    server_ask(&server, "broadcast nowait confirm 6e657773");
    for (int i = 0; i < DEVICES; i++)
        number = expect_message(devices[i], "news");
    struct endpoint kicked = udp_name(devices[KICKED]);
    server_ask(&server, harness_format("kick %s", endpoint_text(&kicked)));
    frame_send(devices[LEFT], &server.at[0], LEAVE, NULL, "");
    frame_send(devices[REJOINED], &server.at[0], LEAVE, NULL, "");
    server_await_stat(&server, "left", 2);
    udp_send_text(devices[REJOINED], &server.at[0], "again");
    device_send_hello(devices[REJOINED], &server.at[0]);
    /* These take the free slots. */
    for (int i = 0; i < 2; i++)
        successors[i] = device_join(&server);
    expire(&server, devices[EXPIRED]);
    successors[2] = device_join(&server);
    expect(is_listed(list_clients(&server, 1, "--silent"), devices[SILENT]), "expected one");
    harness_equal("registered silent clients",
                  (int64_t)text_count(list_clients(&server, 1, "--silent"), "\n") - 1, 1);
    /* Of clients without a frame of the job, and of an unregistered one. */
    for (int i = 0; i < 3; i++)
        confirm(successors[i], &server.at[0], number);
    confirm(devices[KICKED], &server.at[0], number);
    confirm(devices[REJOINED], &server.at[0], number);
    server_await_stat(&server, "drop_bad_frame", 5);
    expect_message(devices[SILENT], "news");
    confirm(devices[SILENT], &server.at[0], number);
    server_await_stat(&server, "confirmed", 1);
    confirm(devices[SILENT], &server.at[0], number);
    server_await_stat(&server, "confirmed_again", 1);
    for (int i = 0; i < 3; i++)
        udp_expect_nothing(successors[i], "another device has confirmed the next round");
    for (int i = 0; i < SILENT; i++)
        udp_expect_nothing(devices[i], "another device has confirmed the next round");
    expect_tally(&server, 1, 1, DEVICES - 1, 0);
    expect_rounds(job_count(&server, 1, "rounds"), job_count(&server, 1, "datagrams"), 2, 1,
                  DEVICES + 1);
    expect(job_is(&server, 1, "confirming"), "expected it to wait for the clients that left");
    server_stop(&server);
}

Test(system_confirm, repeats_a_message_that_the_kernel_has_refused_and_reports_its_confirmation)
{
    struct server server = {0};
    struct process sending;

    netns_enter();
    netns_shell("ip addr add 10.9.0.1/32 dev lo; ip addr add 10.9.0.100/32 dev lo");
    server_start(&server, QUIET "[admission]\npolicy = open\n", "-l", "10.9.0.100:0", NULL);
    int device = udp_open("10.9.0.1");
    struct endpoint name = udp_name(device);
    udp_send_text(device, &server.at[0], "hi");
    device_send_hello(device, &server.at[0]);
    netns_shell("ip addr del 10.9.0.1/32 dev lo; ip route add unreachable 10.9.0.1/32");
    process_start(&sending, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "send", "--confirm",
                                        endpoint_text(&name), "news", NULL});
    await_job(&server, 1, "confirming");
    harness_equal("failed", job_count(&server, 1, "failed"), 1);
    netns_shell("ip route del unreachable 10.9.0.1/32; ip addr add 10.9.0.1/32 dev lo");
    confirm_message(device, &server.at[0], "news");
    harness_equal("the status of udpctl", process_wait(&sending), 0);
    harness_contains("the result", sending.texts[0].data, "failed     1\nconfirmed  1\n");
    harness_equal("bytes of errors", (int64_t)sending.texts[1].size, 0);
    server_stop(&server);
}

/* ---- between rounds ---- */

/* Expects this text without a frame; on a busy host a message may have been repeated before it. */
static void expect_text(int udp, const char *text)
{
    char bytes[256];
    ssize_t size;

    do
        size = udp_receive(udp, bytes, sizeof bytes, NULL);
    while (size > DEVICE_MESSAGE_HEAD && memcmp(bytes, "\0UDP", 4) == 0);
    expect(size == (ssize_t)strlen(text) && memcmp(bytes, text, strlen(text)) == 0, "expected '%s'",
           text);
}

Test(system_confirm, lets_other_broadcasts_run_and_is_cancelled_between_rounds)
{
    struct server server = {0};
    struct process waiting;

    server_start(&server, QUIET, "-l", "127.0.0.1:0", NULL);
    int device = device_join(&server);
    process_start(&waiting, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "broadcast", "--confirm",
                                        "news", NULL});
    uint64_t number = expect_message(device, "news");
    await_job(&server, 1, "confirming");
    ctl_ok(&server, "broadcast", "other", NULL);
    expect_text(device, "other");
    expect(job_is(&server, 1, "confirming"), "expected it to wait for its next round");
    harness_contains("watch", ctl_ok(&server, "watch", "-n", "1", NULL), "job 1 0.0% confirmed");
    harness_contains("the end", ctl_ok(&server, "cancel", "1", NULL), "cancelled");
    harness_equal("the status of udpctl", process_wait(&waiting), 1);
    harness_contains("the report", waiting.texts[0].data, "silent       1");
    expect_tally(&server, 1, 0, 1, 0);
    /* A confirmation that comes later changes the list, not the counts. */
    confirm(device, &server.at[0], number);
    server_await_stat(&server, "confirmed", 1);
    expect(is_listed(list_clients(&server, 1, "--confirmed"), device), "expected it in the list");
    expect_tally(&server, 1, 0, 1, 0);
    server_stop(&server);
}

Test(system_confirm, runs_two_broadcasts_at_once_and_keeps_their_confirmations_apart)
{
    struct server server = {0};

    server_start(&server, QUIET "[server]\nworkers = 2\n", "-l", "127.0.0.1:0", NULL);
    int device = device_join(&server);
    server_ask(&server, "broadcast nowait confirm 6f6e65");
    server_ask(&server, "broadcast nowait confirm 74776f");
    uint64_t one = expect_message(device, "one"), two = expect_message(device, "two");
    expect(one != two, "expected two numbers");
    confirm(device, &server.at[0], two);
    await_job(&server, 2, "done");
    expect_tally(&server, 2, 1, 0, 0);
    expect_tally(&server, 1, 0, 1, 0);
    expect(expect_message(device, "one") == one, "expected the next round of the first one");
    confirm(device, &server.at[0], one);
    await_job(&server, 1, "done");
    expect_tally(&server, 1, 1, 0, 0);
    int64_t rounds = job_count(&server, 1, "rounds");
    expect(rounds >= 2, "expected two rounds or more, not %d", (int)rounds);
    if (rounds == 2)
        udp_expect_nothing(device, "both are confirmed");
    server_stop(&server);
}

Test(system_confirm, sends_a_round_that_another_broadcast_held_back_longer_than_its_time)
{
    enum { RATE = 20, OTHERS = 110 };
    struct server server = {0};

    server_start(&server, harness_format(QUIET "[broadcast]\nrate = %d\n", RATE), "-l",
                 "127.0.0.1:0", NULL);
    int device = device_join(&server);
    ctl_ok(&server, "broadcast", "--confirm", "--within", "4s", "--no-wait", "news", NULL);
    uint64_t number = expect_message(device, "news");
    await_job(&server, 1, "confirming");
    /* The round is due after 3 s at most, and the other broadcast takes more than 5 s. */
    for (int i = 0; i < OTHERS; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "joined", OTHERS + 1);
    server_ask(&server, "broadcast nowait 736c6f77");
    server_ask(&server, "broadcast nowait 6e657874");
    udp_expect(device, &server.at[0], "slow");
    /* It is confirmed at once: the broadcast ends a second or two after this round. */
    expect(expect_message(device, "news") == number, "expected the round before the next job");
    confirm(device, &server.at[0], number);
    await_job(&server, 2, "done");
    expect(job_count(&server, 2, "duration_ms") >= 4000, "expected the other one to be slower");
    await_job(&server, 1, "done");
    expect_tally(&server, 1, 1, 0, 0);
    harness_equal("rounds", job_count(&server, 1, "rounds"), 2);
    udp_expect(device, &server.at[0], "next");
    server_kill(&server);
}

Test(system_confirm, has_at_most_eight_open_broadcasts_and_remembers_the_last_eight)
{
    enum { OPEN = 8 };
    struct server server = {0};
    struct result refused;

    server_start(&server, QUIET, "-l", "127.0.0.1:0", NULL);
    int device = device_join(&server);
    for (int i = 0; i < OPEN; i++)
        ctl_ok(&server, "broadcast", "--confirm", "--no-wait", "news", NULL);
    uint64_t first = expect_message(device, "news");
    refused = ctl(&server, "broadcast", "--confirm", "--no-wait", "news", NULL);
    harness_contains("the refusal", refused.err, "8 confirmed broadcasts have not ended");
    ctl_ok(&server, "broadcast", "plain ones may run", NULL);
    ctl_ok(&server, "cancel", "2", NULL);
    ctl_ok(&server, "broadcast", "--confirm", "--no-wait", "last", NULL);
    await_job(&server, 10, "confirming");
    refused = ctl(&server, "job", "2", "--silent", NULL);
    harness_contains("the refusal", refused.err, "only the last 8 confirmed broadcasts and ");
    expect(is_listed(list_clients(&server, 1, "--silent"), device), "an open one is remembered");
    refused = ctl(&server, "job", "9", "--silent", NULL);
    harness_contains("the refusal", refused.err, "it is not confirmed");
    confirm(device, &server.at[0], first);
    await_job(&server, 1, "done");
    server_stop(&server);
}

Test(system_confirm, ends_when_its_time_has_passed_and_when_the_server_stops)
{
    struct server server = {0};
    struct process waiting;

    server_start(&server, QUIET, "-l", "127.0.0.1:0", NULL);
    int device = device_join(&server);
    const char *report =
        ctl_ok(&server, "broadcast", "--confirm", "--within", "1s", "--json", "news", NULL);
    harness_equal("silent", json_integer(report, "silent"), 1);
    harness_equal("rounds", json_integer(report, "rounds"), 1);
    expect_message(device, "news");
    process_start(&waiting, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "broadcast", "--confirm",
                                        "more", NULL});
    expect_message(device, "more");
    await_job(&server, 2, "confirming");
    server_stop(&server);
    harness_equal("the status of udpctl", process_wait(&waiting), 1);
    harness_contains("the report", waiting.texts[0].data, "cancelled");
}

/* ---- payloads ---- */

Test(system_confirm, takes_payloads_that_fit_into_a_datagram_with_their_frame)
{
    enum { MOST = 65493 };
    static char digits[2 * (MOST + 1) + 1];
    static uint8_t bytes[MOST + DEVICE_MESSAGE_HEAD + 1];
    struct server server = {0};
    struct result refused;

    server_start(&server, QUIET, "-l", "127.0.0.1:0", NULL);
    int device = device_join(&server);
    memset(digits, '7', sizeof digits - 1);
    refused = ctl(&server, "broadcast", "--confirm", "--hex", digits, NULL);
    harness_contains("the refusal of udpctl", refused.err, "longer than 65493 bytes");
    int control = control_client_open(&server);
    operator_send(control, "broadcast nowait confirm ", 25);
    operator_send(control, digits, sizeof digits - 1);
    operator_send(control, "\n", 1);
    harness_contains("the refusal of udpsrv", operator_answer(control), "longer than 65493 bytes");
    digits[2 * MOST] = '\0';
    ctl_ok(&server, "broadcast", "--confirm", "--no-wait", "--hex", digits, NULL);
    harness_equal("bytes", udp_receive(device, bytes, sizeof bytes, NULL),
                  MOST + DEVICE_MESSAGE_HEAD);
    server_stop(&server);
}

/* ---- who is notified ---- */

Test(system_confirm, is_published_to_subscribers_and_observers)
{
    struct server server = {0};
    struct subscriber subscriber;

    server_start(
        &server,
        harness_format(QUIET "[control]\nobserver-socket = %s\n", harness_path("observers")), "-l",
        "127.0.0.1:0", NULL);
    int device = device_join(&server);
    subscriber_open(&subscriber, &server, "events kinds=job_ended");
    ctl_ok(&server, "broadcast", "--confirm", "--no-wait", "news", NULL);
    confirm_message(device, &server.at[0], "news");
    harness_contains("the event", subscriber_line(&subscriber),
                     " confirmed=1 silent=0 plain=0 rounds=1 datagrams=1");
    struct server observers = {.socket = harness_path("observers")};
    expect_tally(&observers, 1, 1, 0, 0);
    expect(is_listed(list_clients(&observers, 1, "--confirmed"), device), "expected its device");
    server_stop(&server);
}
