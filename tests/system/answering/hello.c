/* The frames hello and confirm, as a client without a broadcast sees them: who is answered, what is
 * renewed, and what is counted. */

#include "frames.h"

#include <string.h>

TestSuite(system_hello, .fini = harness_end, .timeout = 60);

#define OPEN   "[admission]\npolicy = open\n[reply]\nmessage = yes\n"
#define COOKIE "[admission]\npolicy = cookie\n[reply]\nmessage = yes\n"

static const char *const policies[] = {OPEN, COOKIE};
enum { POLICIES = sizeof policies / sizeof policies[0], IS_COOKIE = 1, CONFIRM = 7, HELLO = 8 };

static void join(int policy, int udp, const struct server *server)
{
    if (policy == IS_COOKIE)
        frame_join(udp, &server->at[0]);
    else
        udp_ask(udp, &server->at[0], "hi", "yes");
}

static void expect_named(int udp, const struct endpoint *server)
{
    uint8_t bytes[128];
    struct endpoint from;

    harness_equal("the bytes of a named", udp_receive(udp, bytes, sizeof bytes, &from), 6);
    expect(memcmp(bytes, "\0UDP\x09\0", 6) == 0, "expected a named without a name");
    expect(endpoint_same(server, &from), "expected it from %s", endpoint_text(server));
}

static void expect_counts(struct server *server, int64_t named, int64_t bad, int64_t received)
{
    harness_equal("named", server_stat(server, "named"), named);
    harness_equal("drop_bad_frame", server_stat(server, "drop_bad_frame"), bad);
    harness_equal("received", server_stat(server, "received"), received);
}

Test(system_hello, of_a_registered_client_is_answered_with_or_without_a_name)
{
    static const char *const hellos[] = {"\x01", "\x01lamp-7", "\x01l\xc3\xa4mp"};

    for (int policy = 0; policy < POLICIES; policy++) {
        struct server server = {0};
        int udp = udp_open("127.0.0.1");

        server_start(&server, policies[policy], "-l", "127.0.0.1:0", NULL);
        join(policy, udp, &server);
        for (size_t i = 0; i < 3; i++) {
            frame_send(udp, &server.at[0], HELLO, NULL, hellos[i]);
            expect_named(udp, &server.at[0]);
        }
        udp_send(udp, &server.at[0], "\0UDP\x08\0", 6);
        expect_named(udp, &server.at[0]);
        expect_counts(&server, 4, 0, policy == IS_COOKIE ? 6 : 5);
        expect_balance("stats", server_ask(&server, "stats"));
        server_stop(&server);
    }
}

Test(system_hello, from_an_unregistered_source_is_dropped_under_open_and_registers_nothing)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, OPEN, "-l", "127.0.0.1:0", NULL);
    frame_send(udp, &server.at[0], HELLO, NULL, "\x01");
    server_await_stat(&server, "drop_bad_frame", 1);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    udp_ask(udp, &server.at[0], "hi", "yes");
    udp_expect_nothing(udp, "an answer to the hello of an unregistered source");
    server_stop(&server);
}

Test(system_hello, from_an_unregistered_source_is_challenged_under_cookie)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    uint8_t cookie[FRAME_COOKIE];

    server_start(&server, COOKIE, "-l", "127.0.0.1:0", NULL);
    frame_send(udp, &server.at[0], HELLO, NULL, "\x01");
    frame_expect_challenge(udp, &server.at[0], cookie);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    frame_send(udp, &server.at[0], 2, cookie, "");
    udp_expect(udp, &server.at[0], "yes");
    frame_send(udp, &server.at[0], HELLO, NULL, "\x01");
    expect_named(udp, &server.at[0]);
    expect_counts(&server, 1, 0, 3);
    harness_equal("challenged", server_stat(&server, "challenged"), 1);
    server_stop(&server);
}

Test(system_hello, in_an_answer_to_a_challenge_is_dropped)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    uint8_t cookie[FRAME_COOKIE];

    server_start(&server, COOKIE, "-l", "127.0.0.1:0", NULL);
    frame_request_challenge(udp, &server.at[0], cookie);
    uint8_t answer[FRAME_CHALLENGE + 6] = "\0UDP\x02";
    memcpy(answer + FRAME_HEAD, cookie, sizeof cookie);
    memcpy(answer + FRAME_CHALLENGE, "\0UDP\x08\x01", 6);
    udp_send(udp, &server.at[0], answer, sizeof answer);
    server_await_stat(&server, "drop_bad_frame", 1);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    server_stop(&server);
}

Test(system_hello, is_neither_relayed_nor_a_turn_of_the_rotation)
{
    struct server server = {0};
    int a = udp_open("127.0.0.1"), b = udp_open("127.0.0.1");

    server_start(&server, "[reply]\nmessage = one\nmessage = two\n[broadcast]\nrelay = others\n",
                 "-l", "127.0.0.1:0", NULL);
    udp_ask(a, &server.at[0], "", "one");
    frame_send(a, &server.at[0], HELLO, NULL, "\x01");
    expect_named(a, &server.at[0]);
    udp_ask(b, &server.at[0], "", "two");
    frame_send(a, &server.at[0], HELLO, NULL, "\x01");
    expect_named(a, &server.at[0]);
    frame_send(a, &server.at[0], CONFIRM, NULL, "12345678");
    server_await_stat(&server, "drop_bad_frame", 1);
    udp_expect_nothing(b, "a relayed hello or confirm");
    harness_equal("relayed", server_stat(&server, "relayed"), 0);
    server_stop(&server);
}

/* The server's record of the only client: how many datagrams have renewed it. */
static int64_t renewals(const struct server *server, int udp)
{
    const struct endpoint name = udp_name(udp);

    return json_integer(ctl_ok(server, "client", endpoint_text(&name), "--json", NULL), "received");
}

Test(system_hello, and_confirm_renew_the_client)
{
    for (int policy = 0; policy < POLICIES; policy++) {
        struct server server = {0};
        int udp = udp_open("127.0.0.1");

        server_start(&server, policies[policy], "-l", "127.0.0.1:0", NULL);
        join(policy, udp, &server);
        harness_equal("after the request", renewals(&server, udp), 1);
        frame_send(udp, &server.at[0], HELLO, NULL, "\x01");
        expect_named(udp, &server.at[0]);
        harness_equal("after the hello", renewals(&server, udp), 2);
        frame_send(udp, &server.at[0], CONFIRM, NULL, "12345678");
        server_await_stat(&server, "drop_bad_frame", 1);
        harness_equal("after the confirm", renewals(&server, udp), 3);
        frame_send(udp, &server.at[0], CONFIRM, NULL, "1234567");
        server_await_stat(&server, "drop_bad_frame", 2);
        harness_equal("after a malformed confirm", renewals(&server, udp), 3);
        server_stop(&server);
    }
}

Test(system_hello, does_not_change_a_broadcast_that_is_not_to_be_confirmed)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, OPEN, "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "yes");
    frame_send(udp, &server.at[0], HELLO, NULL, "\x01");
    expect_named(udp, &server.at[0]);
    ctl_ok(&server, "broadcast", "news", NULL);
    udp_expect(udp, &server.at[0], "news");
    server_stop(&server);
}

Test(system_hello, is_limited_like_any_other_datagram)
{
    for (int policy = 0; policy < POLICIES; policy++) {
        struct server server = {0};
        int udp = udp_open("127.0.0.1");
        enum { HELLOS = 40 };
        int64_t sum = 0;

        server_start(&server,
                     harness_format("%s[admission]\nrate = 1\nburst = 5\n", policies[policy]), "-l",
                     "127.0.0.1:0", NULL);
        join(policy, udp, &server);
        int64_t before = server_stat(&server, "received");
        for (int i = 0; i < HELLOS; i++)
            udp_send(udp, &server.at[0], "\0UDP\x08\x01", 6);
        server_await_stat(&server, "received", before + HELLOS);
        sum = server_stat(&server, "named") + server_stat(&server, "drop_limited");
        harness_equal("hellos answered and limited", sum, HELLOS);
        expect(server_stat(&server, "drop_limited") > HELLOS / 2, "expected most to be limited");
        expect_balance("stats", server_ask(&server, "stats"));
        server_stop(&server);
    }
}

Test(system_hello, confirms_of_no_message_are_dropped_and_get_no_answer)
{
    for (int policy = 0; policy < POLICIES; policy++) {
        struct server server = {0};
        int udp = udp_open("127.0.0.1"), unknown = udp_open("127.0.0.1");

        server_start(&server, policies[policy], "-l", "127.0.0.1:0", NULL);
        frame_send(unknown, &server.at[0], CONFIRM, NULL, "12345678");
        server_await_stat(&server, "drop_bad_frame", 1);
        harness_equal("clients", server_stat(&server, "clients"), 0);
        join(policy, udp, &server);
        frame_send(udp, &server.at[0], CONFIRM, NULL, "12345678");
        server_await_stat(&server, "drop_bad_frame", 2);
        udp_send(udp, &server.at[0], "\0UDP\x08\x01", 6);
        expect_named(udp, &server.at[0]);
        frame_send(udp, &server.at[0], CONFIRM, NULL, "12345678");
        server_await_stat(&server, "drop_bad_frame", 3);
        udp_expect_nothing(udp, "an answer to a confirm");
        udp_expect_nothing(unknown, "an answer to the confirm of an unregistered source");
        harness_equal("confirmed", server_stat(&server, "confirmed"), 0);
        harness_equal("confirmed_again", server_stat(&server, "confirmed_again"), 0);
        expect_balance("stats", server_ask(&server, "stats"));
        server_stop(&server);
    }
}
