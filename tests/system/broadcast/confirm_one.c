/* Messages to one client that are to be confirmed, of operators and gateways. */

#include "devices.h"
#include "frames.h"

#include <stdio.h>
#include <string.h>

TestSuite(system_confirm_one, .fini = harness_end, .timeout = 90);

#define QUIET "[reply]\nmode = none\n"

Test(system_confirm_one, sends_to_one_client_until_it_confirms)
{
    struct server server = {0};
    struct process sending;

    server_start(&server, QUIET "[server]\nworkers = 4\n", "-l", "127.0.0.1:0", "-l",
                 "tcp:127.0.0.1:0", NULL);
    int device = device_join(&server), other = device_join(&server);
    struct endpoint name = udp_name(device);
    process_start(&sending, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "send", "--confirm",
                                        endpoint_text(&name), "news", NULL});
    expect_message(device, "news");
    confirm_message(device, &server.at[0], "news");
    harness_equal("the status of udpctl", process_wait(&sending), 0);
    harness_equal("confirmed", text_integer(sending.texts[0].data, "confirmed"), 1);
    harness_equal("datagrams", text_integer(sending.texts[0].data, "datagrams"), 2);
    udp_expect_nothing(other, "only one client gets it");
    harness_contains("jobs", ctl_ok(&server, "jobs", NULL),
                     harness_format("client=%s", endpoint_text(&name)));

    struct result result = ctl(&server, "send", "--confirm", "--within", "1s", "--json",
                               endpoint_text(&name), "more", NULL);
    harness_equal("the status without a confirmation", result.status, 1);
    harness_equal("silent", json_integer(result.out, "silent"), 1);

    int stream = stream_open(server.others[0]), plain = udp_open("127.0.0.1");
    stream_write_text(stream, "hi\n");
    udp_send_text(plain, &server.at[0], "hi");
    server_await_stat(&server, "joined", 4);
    name = udp_name(plain);
    result = ctl(&server, "send", "--confirm", endpoint_text(&name), "news", NULL);
    harness_equal("the status of a plain client", result.status, 1);
    harness_equal("plain", text_integer(result.out, "plain"), 1);
    harness_contains("the error", result.err, "the client confirms nothing");
    udp_expect(plain, &server.at[0], "news");
    const char *list = ctl_ok(&server, "clients", "--listener", server.others[0], "--json", NULL);
    result = ctl(&server, "send", "--confirm", json_text(list, "address"), "news", NULL);
    harness_equal("plain", text_integer(result.out, "plain"), 1);
    stream_expect(stream, "news");
    server_stop(&server);
}

Test(system_confirm_one, is_asked_for_by_a_gateway)
{
    struct server server = {0};
    struct process gateway;

    server_start(&server, QUIET, "-l", "127.0.0.1:0", NULL);
    int device = device_join(&server);
    struct endpoint name = udp_name(device);
    process_start(&gateway, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "gateway", NULL});
    process_write(&gateway, harness_format("{\"to\":\"%s\",\"text\":\"one\",\"confirm\":true,"
                                           "\"ref\":1}\n",
                                           endpoint_text(&name)));
    confirm_message(device, &server.at[0], "one");
    process_await_text(&gateway, "{\"ref\":1,\"sent\":1,\"failed\":0,\"confirmed\":1,\"silent\":0,"
                                 "\"plain\":0,\"rounds\":1,\"datagrams\":1}\n");
    process_write(&gateway, "{\"broadcast\":{\"text\":\"two\",\"confirm\":true,\"within\":9},"
                            "\"ref\":2}\n");
    confirm_message(device, &server.at[0], "two");
    process_await_text(&gateway, "\"confirmed\":1,\"silent\":0,\"plain\":0,\"rounds\":1,"
                                 "\"datagrams\":1}\n");
    process_write(&gateway, "{\"to\":\"127.0.0.1:9\",\"text\":\"x\",\"confirm\":true,\"ref\":3}\n");
    process_await_text(&gateway, "{\"ref\":3,\"error\":\"cannot send to 127.0.0.1:9: no such ");
    process_close_stdin(&gateway);
    harness_equal("the status of the gateway", process_wait(&gateway), 0);
    server_stop(&server);
}

/* Receives messages until count of them have this text and different numbers; returns these in
 * their order. On a busy host earlier messages may have been repeated meanwhile. */
static void receive_each(int udp, const char *text, uint64_t *numbers, int count)
{
    for (int found = 0; found < count;) {
        const char *got;
        uint64_t number = receive_message(udp, &got);
        bool is_new = strcmp(got, text) == 0;

        for (int i = 0; i < found; i++)
            is_new &= numbers[i] != number;
        if (is_new)
            numbers[found++] = number;
    }
}

Test(system_confirm_one, silent_clients_of_a_gateway_leave_broadcasts_their_places_and_lists)
{
    enum { MESSAGES = 64 };
    struct server server = {0};
    struct process gateway;
    struct result refused;

    server_start(&server, QUIET "[broadcast]\nqueue = 1\n", "-l", "127.0.0.1:0", NULL);
    int device = device_join(&server), silent = device_join(&server);
    struct endpoint name = udp_name(silent);
    ctl_ok(&server, "broadcast", "--confirm", "--no-wait", "news", NULL);
    confirm_message(device, &server.at[0], "news");
    uint64_t news = expect_message(silent, "news");
    process_start(&gateway, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "gateway", NULL});
    for (int i = 0; i < MESSAGES; i++)
        process_write(&gateway, harness_format("{\"to\":\"%s\",\"text\":\"x\",\"confirm\":true,"
                                               "\"ref\":%d}\n",
                                               endpoint_text(&name), i));
    uint64_t numbers[MESSAGES];
    receive_each(silent, "x", numbers, MESSAGES);
    process_write(&gateway, harness_format("{\"to\":\"%s\",\"text\":\"x\",\"confirm\":true,"
                                           "\"ref\":\"last\"}\n",
                                           endpoint_text(&name)));
    process_await_text(&gateway,
                       "{\"ref\":\"last\",\"error\":\"cannot send: 64 messages that are to "
                       "be confirmed have not ended; ");
    refused = ctl(&server, "send", "--confirm", endpoint_text(&name), "x", NULL);
    harness_contains("the refusal", refused.err,
                     "cannot send: 64 messages that are to be confirmed");

    expect(is_listed(list_clients(&server, 1, "--confirmed"), device), "expected the first job's");
    confirm(silent, &server.at[0], news);
    await_job(&server, 1, "done");
    ctl_ok(&server, "broadcast", "--confirm", "--no-wait", "more", NULL);
    confirm_message(device, &server.at[0], "more");

    confirm(silent, &server.at[0], numbers[MESSAGES - 1]);
    process_await_text(&gateway, harness_format("{\"ref\":%d,\"sent\":1,\"failed\":0,"
                                                "\"confirmed\":1,",
                                                MESSAGES - 1));
    expect(is_listed(list_clients(&server, MESSAGES + 1, "--confirmed"), silent),
           "expected the client of the message");
    expect(is_listed(list_clients(&server, 2, "--silent"), silent), "expected the other ones'");
    process_write(&gateway, harness_format("{\"to\":\"%s\",\"text\":\"y\",\"confirm\":true,"
                                           "\"ref\":\"again\"}\n",
                                           endpoint_text(&name)));
    server_await_log(&server, harness_format("job=%d", MESSAGES + 3));
    server_stop(&server);
    process_await_text(&gateway, "{\"ref\":\"again\",");
    process_wait(&gateway);
}

Test(system_confirm_one, a_message_of_a_gateway_that_waits_for_its_turn_may_be_cancelled)
{
    enum { OTHERS = 20 };
    struct server server = {0};
    struct process gateway;

    server_start(&server, QUIET "[broadcast]\nrate = 1\n", "-l", "127.0.0.1:0", NULL);
    int device = device_join(&server);
    struct endpoint name = udp_name(device);
    for (int i = 0; i < OTHERS; i++)
        udp_send_from_new_client(&server.at[0]);
    server_await_stat(&server, "joined", OTHERS + 1);
    ctl_ok(&server, "broadcast", "--no-wait", "slow", NULL);
    process_start(&gateway, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "gateway", NULL});
    process_write(&gateway, harness_format("{\"to\":\"%s\",\"text\":\"x\",\"confirm\":true}\n",
                                           endpoint_text(&name)));
    while (strstr(ctl_ok(&server, "jobs", NULL), "client=") == NULL)
        harness_wait_ms(5);
    ctl_ok(&server, "cancel", "2", NULL);
    process_await_text(&gateway, "{\"error\":\"cannot send: job 2 was cancelled before ");
    process_close_stdin(&gateway);
    harness_equal("the status of the gateway", process_wait(&gateway), 0);
    server_kill(&server);
}
