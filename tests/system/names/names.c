/* Named clients: a name leads to the newest address of its device, in every command that takes an
 * address, and to no other client. */

#include "hellos.h"
#include "process.h"
#include "subscriber.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_names, .fini = harness_end, .timeout = 60);

#define TRUSTED "[reply]\nmessage = yes\n[clients]\nnames = trusted\n"

static struct server server;

static void start(const char *config)
{
    server = (struct server){.listeners = 0};
    server_start(&server, config, "-l", "127.0.0.1:0", NULL);
}

static int join(void)
{
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, &server.at[0], "hi", "yes");
    return udp;
}

static int join_as(const char *name)
{
    int udp = udp_open("127.0.0.1");
    hello_join(udp, &server.at[0], "yes", name);
    return udp;
}

static const char *address_of(int udp)
{
    const struct endpoint name = udp_name(udp);
    return endpoint_text(&name);
}

static void expect_status(struct result result, int status, const char *part)
{
    harness_equal("the status", result.status, status);
    harness_contains("the message", result.err, part);
}

Test(system_names, lead_to_their_clients_in_send_client_and_kick)
{
    start(TRUSTED);
    int lamp = join_as("lamp-7"), gate = join_as("front gate"), plain = join();
    ctl_ok(&server, "send", "@lamp-7", "to the lamp", NULL);
    udp_expect(lamp, &server.at[0], "to the lamp");
    const char *sent = ctl_ok(&server, "--json", "send", "@front gate", "open", NULL);
    cr_assert_str_eq(json_text(sent, "address"), address_of(gate));
    udp_expect(gate, &server.at[0], "open");
    const char *shown = ctl_ok(&server, "--json", "client", "@lamp-7", NULL);
    cr_assert_str_eq(json_text(shown, "address"), address_of(lamp));
    cr_assert_str_eq(json_text(shown, "name"), "lamp-7");
    harness_equal("kicked", text_integer(ctl_ok(&server, "kick", "@lamp-7", NULL), "kicked"), 1);
    expect_status(ctl(&server, "send", "@lamp-7", "x", NULL), 1, "no client has that name");
    udp_expect_nothing(plain, "a message to a client with a name");
    udp_expect_nothing(lamp, "a message to a client that was kicked");
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

/* docs/protocol.md: so a device may have a key that this server does not need. */
Test(system_names, are_given_to_keyed_hellos_whose_cookie_and_mac_are_not_looked_at)
{
    static const uint8_t no_cookie[FRAME_COOKIE] = {0};
    uint8_t hello[HELLO_ROOM];
    start(TRUSTED);
    int lamp = join();
    size_t size = hello_make_keyed(hello, no_cookie, "another device", "lamp-7");
    udp_send(lamp, &server.at[0], hello, size);
    hello_expect(lamp, &server.at[0], NAMED_GIVEN, "lamp-7");
    udp_send(lamp, &server.at[0], "\0UDP\x08\x01", 6);
    hello_expect(lamp, &server.at[0], NAMED_UNUSED, "");
    harness_equal("named", server_stat(&server, "named"), 2);
    harness_equal("bad_names", server_stat(&server, "bad_names"), 0);
    harness_equal("bad_cookies", server_stat(&server, "bad_cookies"), 0);
    server_stop(&server);
}

/* udpctl(8): a command line reads a backslash as the control protocol does, a gateway does not. */
Test(system_names, with_a_backslash_are_escaped_on_the_command_line_and_not_in_a_gateway)
{
    struct process gateway;
    start(TRUSTED);
    int lamp = join_as("lamp-7"), other = join_as("lamp\\x2d7");
    ctl_ok(&server, "send", "@lamp\\x2d7", "to the lamp", NULL);
    udp_expect(lamp, &server.at[0], "to the lamp");
    ctl_ok(&server, "send", "@lamp\\\\x2d7", "to the other one", NULL);
    udp_expect(other, &server.at[0], "to the other one");
    process_start(&gateway, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "gateway", NULL});
    process_write(&gateway, "{\"to\":\"@lamp\\\\x2d7\",\"text\":\"by the gateway\"}\n");
    udp_expect(other, &server.at[0], "by the gateway");
    server_stop(&server);
}

Test(system_names, lead_a_confirmed_message_to_its_client_which_is_listed_with_its_name)
{
    enum { NUMBER_AT = 5, NUMBER_BYTES = 8, HEAD_BYTES = 14 };
    uint8_t message[64], confirm[NUMBER_AT + NUMBER_BYTES] = "\0UDP\x07";
    struct process sending;
    start(TRUSTED);
    int lamp = join(), gate = join_as("front gate");
    frame_send(lamp, &server.at[0], 8, NULL,
               "\x01"
               "lamp-7");
    hello_expect(lamp, &server.at[0], NAMED_GIVEN, "lamp-7");
    process_start(&sending, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "send", "--confirm",
                                        "@lamp-7", "news", NULL});
    harness_equal("the bytes of the message", udp_receive(lamp, message, sizeof message, NULL),
                  HEAD_BYTES + 4);
    memcpy(confirm + NUMBER_AT, message + NUMBER_AT, NUMBER_BYTES);
    udp_send(lamp, &server.at[0], confirm, sizeof confirm);
    harness_equal("the status of udpctl", process_wait(&sending), 0);
    harness_equal("confirmed", text_integer(sending.texts[0].data, "confirmed"), 1);
    udp_expect_nothing(gate, "a confirmed message to another client");
    const char *list = ctl_ok(&server, "--json", "job", "1", "--confirmed", NULL);
    cr_assert_str_eq(json_text(list, "name"), "lamp-7");
    cr_assert_str_eq(json_text(list, "address"), address_of(lamp));
    server_stop(&server);
}

Test(system_names, are_listed_beside_their_clients)
{
    start(TRUSTED);
    int lamp = join_as("K\xc3\xbc"
                       "che 1"),
        plain = join();
    const char *list = ctl_ok(&server, "clients", NULL);
    harness_contains("the list", list, "NAME\n");
    harness_contains("the list", list,
                     "  K\xc3\xbc"
                     "che 1\n");
    list = ctl_ok(&server, "--json", "client", address_of(plain), NULL);
    cr_assert_str_eq(json_text(list, "name"), "");
    list = ctl_ok(&server, "--json", "client", address_of(lamp), NULL);
    cr_assert_str_eq(json_text(list, "name"), "K\xc3\xbc"
                                              "che 1");
    harness_contains("the control line", server_ask(&server, "clients"), " K\\xc3\\xbcche\\x201\n");
    server_stop(&server);
}

Test(system_names, restrict_the_list_of_clients_to_their_client)
{
    start(TRUSTED);
    int lamp = join_as("lamp-7");
    join_as("gate");
    const char *list = ctl_ok(&server, "--json", "clients", "@lamp-7", NULL);
    cr_assert_str_eq(json_text(list, "address"), address_of(lamp));
    harness_equal("clients in the list", (int64_t)text_count(list, "\"address\""), 1);
    expect_status(ctl(&server, "clients", "@nobody", NULL), 1, "no client has that name");
    expect_status(ctl(&server, "clients", "lamp-7", NULL), 2, "'clients' takes only @NAME");
    expect_status(ctl(&server, "clients", "@lamp-7", "--address", "127.0.0.1", NULL), 2,
                  "'clients' takes @NAME or selectors, not both");
    server_stop(&server);
}

Test(system_names, that_no_client_has_are_refused)
{
    start(TRUSTED);
    expect_status(ctl(&server, "send", "@nobody", "x", NULL), 1,
                  "cannot send to '@nobody': no client has that name");
    expect_status(ctl(&server, "kick", "@nobody", NULL), 1,
                  "cannot find client '@nobody': no client has that name");
    expect_status(ctl(&server, "client", "@", NULL), 2, "bad name '@': the name is empty");
    server_stop(&server);
    start("[reply]\nmessage = yes\n");
    int lamp = join();
    hello_send(lamp, &server.at[0], "lamp-7");
    hello_expect(lamp, &server.at[0], NAMED_UNUSED, "");
    expect_status(ctl(&server, "send", "@lamp-7", "x", NULL), 1,
                  "clients have no names, since clients.names is off");
    server_stop(&server);
}

Test(system_names, move_to_the_newest_address_and_the_old_client_is_removed)
{
    struct subscriber subscriber;
    start(TRUSTED);
    int old = join_as("lamp-7");
    const char *before = harness_format("%s", address_of(old));
    subscriber_open(&subscriber, &server, "events kinds=moved");
    int new = join_as("lamp-7");
    subscriber_expect(&subscriber, " moved address=", before,
                      harness_format(" to=%s", address_of(new)), " name=lamp-7 listener=", NULL);
    server_await_stat(&server, "moved", 1);
    harness_equal("clients", server_stat(&server, "clients"), 1);
    ctl_ok(&server, "send", "@lamp-7", "here", NULL);
    udp_expect(new, &server.at[0], "here");
    ctl_ok(&server, "broadcast", "news", NULL);
    udp_expect(new, &server.at[0], "news");
    udp_expect_nothing(old, "a copy to the address that the device had before");
    subscriber_close(&subscriber);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_names, of_a_client_that_takes_another_one_are_free_again)
{
    start(TRUSTED "names-max = 1\n");
    int lamp = join_as("old name");
    hello_ask(lamp, &server.at[0], "new name");
    expect_status(ctl(&server, "send", "@old name", "x", NULL), 1, "no client has that name");
    ctl_ok(&server, "send", "@new name", "x", NULL);
    udp_expect(lamp, &server.at[0], "x");
    server_stop(&server);
}

Test(system_names, beyond_names_max_are_refused_and_counted)
{
    start(TRUSTED "names-max = 2\n");
    int a = join_as("a"), b = join_as("b"), c = join();
    hello_send(c, &server.at[0], "c");
    hello_expect(c, &server.at[0], NAMED_FULL, "");
    harness_equal("refused_names", server_stat(&server, "refused_names"), 1);
    hello_ask(a, &server.at[0], "a");
    int moved = join_as("b");
    ctl_ok(&server, "send", "@b", "x", NULL);
    udp_expect(moved, &server.at[0], "x");
    udp_expect_nothing(b, "a message to a name that has moved");
    udp_ask(c, &server.at[0], "hi", "yes");
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

static void expect_next_has_a_place(int next, int gone)
{
    expect_status(ctl(&server, "send", "@a", "x", NULL), 1, "no client has that name");
    hello_ask(next, &server.at[0], "b");
    ctl_ok(&server, "kick", "@b", NULL);
    close(gone);
}

Test(system_names, of_clients_that_have_left_or_were_kicked_are_free_at_once)
{
    start(TRUSTED "names-max = 1\n[server]\nworkers = 4\n");
    int next = join(), gone = join_as("a");
    hello_send(next, &server.at[0], "b");
    hello_expect(next, &server.at[0], NAMED_FULL, "");
    frame_send(gone, &server.at[0], 3, NULL, "");
    server_await_stat(&server, "left", 1);
    expect_next_has_a_place(next, gone);

    udp_ask(next, &server.at[0], "hi", "yes");
    gone = join_as("a");
    ctl_ok(&server, "kick", "@a", NULL);
    expect_next_has_a_place(next, gone);

    gone = join_as("a");
    ctl_ok(&server, "kick", "--address", "127.0.0.1/32", "--yes", NULL);
    udp_ask(next, &server.at[0], "hi", "yes");
    expect_next_has_a_place(next, gone);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

/* The last messages of a client, and its end, are shown with the name that it had. */
Test(system_names, are_shown_with_what_came_before_the_end_of_their_client)
{
    enum { MESSAGES = 500 };
    struct subscriber lamp_says, lamp_ends;
    start(TRUSTED);
    for (int round = 0; round < 2; round++) {
        int lamp = join_as("lamp");
        subscriber_open(&lamp_says, &server, "listen name=lamp");
        subscriber_open(&lamp_ends, &server, "events name=lamp");
        for (int i = 0; i < MESSAGES; i++)
            udp_ask(lamp, &server.at[0], "x", "yes");
        if (round == 0)
            frame_send(lamp, &server.at[0], 3, NULL, "");
        else
            ctl_ok(&server, "kick", "@lamp", NULL);
        subscriber_read_until(&lamp_says, MESSAGES);
        harness_equal("lost", lamp_says.lost, 0);
        if (round == 1)
            subscriber_expect(&lamp_ends, " kicked ", " name=lamp ", NULL);
        server_await_stat(&server, round == 0 ? "left" : "kicked", 1);
        expect_status(ctl(&server, "send", "@lamp", "x", NULL), 1, "no client has that name");
        subscriber_close(&lamp_says);
        subscriber_close(&lamp_ends);
        close(lamp);
    }
    server_stop(&server);
}

/* The place is free when the client has expired. */
Test(system_names, of_clients_that_have_expired_are_forgotten)
{
    start(TRUSTED "names-max = 1\nttl = 300ms\nsweep = 100ms\n");
    int gone = join_as("a"), next = udp_open("127.0.0.1");
    uint8_t bytes[64] = {0};
    for (int tries = 0; bytes[5] != NAMED_GIVEN; tries++) {
        expect(tries < 200, "expected the place of a client that has expired");
        udp_send_text(next, &server.at[0], "hi");
        hello_send(next, &server.at[0], "b");
        udp_expect(next, &server.at[0], "yes");
        expect(udp_receive(next, bytes, sizeof bytes, NULL) >= 6, "expected an answer");
        harness_wait_ms(20);
    }
    expect_status(ctl(&server, "send", "@a", "x", NULL), 1, "no client has that name");
    close(gone);
    server_stop(&server);
}

/* A client that joins from the address of one that has left is another one. */
Test(system_names, are_not_inherited_by_the_next_client_of_the_same_address)
{
    start(TRUSTED);
    int lamp = join_as("lamp-7");
    frame_send(lamp, &server.at[0], 3, NULL, "");
    server_await_stat(&server, "left", 1);
    udp_ask(lamp, &server.at[0], "hi", "yes");
    expect_status(ctl(&server, "send", "@lamp-7", "x", NULL), 1, "no client has that name");
    cr_assert_str_eq(json_text(ctl_ok(&server, "--json", "client", address_of(lamp), NULL), "name"),
                     "");
    hello_ask(lamp, &server.at[0], "lamp-7");
    ctl_ok(&server, "send", "@lamp-7", "x", NULL);
    udp_expect(lamp, &server.at[0], "x");
    server_stop(&server);
}

/* Each client changes its port again and again; the workers are several, so that names move from
 * one to another. */
Test(system_names, follow_clients_whose_ports_change)
{
    enum { CLIENTS = 50, ROUNDS = 10 };
    int sockets[CLIENTS];
    start(TRUSTED "[server]\nworkers = 4\n");
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < CLIENTS; i++) {
            /* The former socket is closed later, so that the new one has another port. */
            int former = round > 0 ? sockets[i] : -1;
            sockets[i] = join_as(harness_format("lamp-%d", i));
            if (former >= 0)
                close(former);
        }
    server_await_stat(&server, "moved", CLIENTS * (ROUNDS - 1));
    harness_equal("clients", server_stat(&server, "clients"), CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        ctl_ok(&server, "send", harness_format("@lamp-%d", i), harness_format("%d", i), NULL);
        udp_expect(sockets[i], &server.at[0], harness_format("%d", i));
    }
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

static bool has_datagram(int udp)
{
    uint8_t byte;
    return recv(udp, &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
}

/* Two clients say hello with one name in turns, the first one also before the server has removed
 * it. */
static void expect_one_client_after_bursts(const char *workers)
{
    enum { PAIRS = 50 };
    int winners[PAIRS];
    start(harness_format(TRUSTED "[server]\nworkers = %s\n", workers));
    for (int i = 0; i < PAIRS; i++) {
        const char *name = harness_format("lamp-%d", i);
        int first = join_as(name), second = join();
        /* The one that came last may be decided on first, if another worker has received it; then
         * the second client is not answered, and repeats its hello as clients do. */
        for (int turn = 0; turn < 2 || !has_datagram(second); turn++) {
            hello_send(second, &server.at[0], name);
            if (turn < 2)
                hello_send(first, &server.at[0], name);
            else
                harness_wait_ms(1);
        }
        hello_expect(second, &server.at[0], NAMED_GIVEN, name);
        winners[i] = second;
        close(first);
    }
    for (int i = 0; i < PAIRS; i++) {
        const char *name = harness_format("@lamp-%d", i);
        cr_assert_str_eq(json_text(ctl_ok(&server, "--json", "client", name, NULL), "address"),
                         address_of(winners[i]));
        ctl_ok(&server, "kick", name, NULL);
    }
    harness_equal("moved", server_stat(&server, "moved"), PAIRS);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_names, are_left_to_the_client_that_was_answered_last_after_a_burst_of_two)
{
    expect_one_client_after_bursts("1");
}

Test(system_names, are_left_to_the_client_that_was_answered_last_also_on_several_workers)
{
    expect_one_client_after_bursts("4");
}

Test(system_names, are_shown_with_messages_and_select_them_wherever_the_client_is)
{
    struct subscriber all, lamps;
    start(TRUSTED);
    int lamp = join_as("lamp 7"), gate = join_as("gate"), plain = join();
    subscriber_open(&all, &server, "listen");
    subscriber_open(&lamps, &server, "listen name=lamp\\x207");
    udp_ask(gate, &server.at[0], "a", "yes");
    cr_assert_str_eq(subscriber_line(&all), "from gate");
    subscriber_expect(&all, "message ", address_of(gate), " 61 ", NULL);
    udp_ask(plain, &server.at[0], "b", "yes");
    subscriber_expect(&all, "message ", address_of(plain), " 62 ", NULL);
    udp_ask(lamp, &server.at[0], "c", "yes");
    cr_assert_str_eq(subscriber_line(&lamps), "from lamp\\x207");
    subscriber_expect(&lamps, "message ", address_of(lamp), " 63 ", NULL);
    int moved = join_as("lamp 7");
    udp_ask(moved, &server.at[0], "d", "yes");
    /* Its first message is shown, too, if the name was given before that is written. */
    const char *line;
    do
        cr_assert_str_eq(subscriber_line(&lamps), "from lamp\\x207");
    while (strstr(line = subscriber_line(&lamps), " 64 ") == NULL);
    harness_contains("the message", line, address_of(moved));
    struct result refused = ctl(&server, "listen", "lamp", NULL);
    expect_status(refused, 2, "'listen' takes only @NAME");
    refused = ctl(&server, "events", "@a", "@b", NULL);
    expect_status(refused, 2, "more than one @NAME");
    subscriber_close(&all);
    subscriber_close(&lamps);
    server_stop(&server);
}

/* udpctl prints nothing when it has subscribed, so clients go on until it has ended. */
Test(system_names, are_printed_by_listen_and_events)
{
    static const char *const commands[] = {"listen", "events"};
    start(TRUSTED);
    for (int i = 0; i < 2; i++) {
        struct process process;
        process_start(&process, NULL,
                      (const char *const[]){"udpctl", "-s", server.socket, "--json", commands[i],
                                            "@lamp 7", "-n", "1", NULL});
        do {
            int lamp = join_as("lamp 7");
            udp_ask(lamp, &server.at[0], "c", "yes");
            close(lamp);
            process_pump(&process, 20);
        } while (process.streams[0] >= 0 || process.streams[1] >= 0);
        harness_equal("the status", process_wait(&process), 0);
        harness_contains("the line", process.texts[0].data, ",\"name\":\"lamp 7\",\"listener\":");
        harness_contains("the line", process.texts[0].data,
                         i == 0 ? "\"text\":\"" : "\"event\":\"moved\"");
    }
    server_stop(&server);
}

Test(system_names, lead_to_clients_in_a_gateway)
{
    struct process gateway;
    start(TRUSTED);
    int lamp = join_as("front gate");
    process_start(&gateway, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "gateway", NULL});
    process_write(&gateway, "{\"to\":\"@front gate\",\"text\":\"open\",\"ref\":1}\n");
    udp_expect(lamp, &server.at[0], "open");
    process_await_text(&gateway, "\"ref\":1");
    process_write(&gateway, "{\"to\":\"@nobody\",\"text\":\"open\",\"ref\":2}\n");
    process_await_text(&gateway, "no client has that name");
    server_stop(&server);
}
