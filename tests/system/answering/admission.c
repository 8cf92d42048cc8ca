/* Admission of clients: cookie challenges and their answers, ping and leave frames, and the
 * prevention of reply loops between servers. */

#include "frames.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_admission, .fini = harness_end, .timeout = 60);

static const char COOKIE[] = "[admission]\npolicy = cookie\n[reply]\nmessage = yes\n";
static const char OPEN[] = "[admission]\npolicy = open\n[reply]\nmessage = yes\n";

static void expect_stat(struct server *server, const char *name, int64_t value)
{
    harness_equal(name, server_stat(server, name), value);
}

/* ---- cookies ---- */

Test(system_admission, an_unverified_source_gets_a_challenge_and_nothing_else)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    uint8_t cookie[FRAME_COOKIE];

    server_start(&server, COOKIE, "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < 3; i++)
        frame_request_challenge(udp, &server.at[0], cookie);
    udp_send(udp, &server.at[0], "", 0);
    frame_expect_challenge(udp, &server.at[0], cookie);
    ctl_ok(&server, "broadcast", "news", NULL);
    udp_expect_nothing(udp, "a broadcast to an unverified source");
    expect_stat(&server, "clients", 0);
    expect_stat(&server, "joined", 0);
    expect_stat(&server, "challenged", 4);
    expect_stat(&server, "replied", 0);
    expect_stat(&server, "copies_sent", 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_admission, a_client_that_has_answered_a_challenge_gets_replies_without_another_one)
{
    static const char *const at[] = {"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"};
    static const char *const from[] = {"127.0.0.1", "::1", "127.0.0.1"};

    for (size_t i = 0; i < 3; i++) {
        struct server server = {0};
        struct endpoint to;
        int udp = udp_open(from[i]);

        server_start(&server, COOKIE, "-l", at[i], NULL);
        to = i < 2 ? server.at[0] : endpoint_with_port("127.0.0.1", endpoint_port(&server.at[0]));
        frame_join(udp, &to);
        for (int k = 0; k < 3; k++)
            udp_ask(udp, &to, "hi", "yes");
        expect_stat(&server, "clients", 1);
        expect_stat(&server, "challenged", 1);
        expect_stat(&server, "replied", 4);
        ctl_ok(&server, "broadcast", "news", NULL);
        udp_expect(udp, &to, "news");
        server_stop(&server);
    }
}

Test(system_admission, an_answer_carries_a_whole_request_of_max_datagram_bytes)
{
    struct server server = {0};
    static char request[1001], answer[FRAME_CHALLENGE + 1001];
    uint8_t cookie[FRAME_COOKIE];
    int udp = udp_open("127.0.0.1");

    server_start(&server,
                 "[server]\nmax-datagram = 1000\n[admission]\npolicy = cookie\n[reply]\n"
                 "mode = echo\n",
                 "-l", "127.0.0.1:0", NULL);
    memset(request, 'x', 1000);
    udp_send(udp, &server.at[0], request, 1000);
    frame_expect_challenge(udp, &server.at[0], cookie);
    memcpy(answer, "\0UDP\2", FRAME_HEAD);
    memcpy(answer + FRAME_HEAD, cookie, FRAME_COOKIE);
    memcpy(answer + FRAME_CHALLENGE, request, 1000);
    udp_send(udp, &server.at[0], answer, FRAME_CHALLENGE + 1001);
    udp_send(udp, &server.at[0], answer, FRAME_CHALLENGE + 1000);
    udp_expect(udp, &server.at[0], request);
    udp_send(udp, &server.at[0], request, 1001);
    udp_send(udp, &server.at[0], answer, FRAME_CHALLENGE);
    udp_expect(udp, &server.at[0], "");
    expect_stat(&server, "drop_oversize", 2);
    server_stop(&server);
}

Test(system_admission, a_cookie_is_valid_only_for_its_source_port_and_listener)
{
    struct server server = {0};
    int a = udp_open("127.0.0.1"), b = udp_open("127.0.0.1");
    uint8_t cookie[FRAME_COOKIE], other[FRAME_COOKIE];

    server_start(&server, COOKIE, "-l", "127.0.0.1:0", "-l", "127.0.0.1:0", NULL);
    frame_request_challenge(a, &server.at[0], cookie);
    frame_send(b, &server.at[0], 2, cookie, "hi");
    frame_expect_challenge(b, &server.at[0], other);
    expect(memcmp(cookie, other, FRAME_COOKIE) != 0, "expected another cookie for another port");
    frame_send(a, &server.at[1], 2, cookie, "hi");
    frame_expect_challenge(a, &server.at[1], other);
    expect(memcmp(cookie, other, FRAME_COOKIE) != 0,
           "expected another cookie for another listener");
    cookie[3] ^= 1;
    frame_send(a, &server.at[0], 2, cookie, "hi");
    frame_expect_challenge(a, &server.at[0], other);
    expect_stat(&server, "bad_cookies", 3);
    expect_stat(&server, "challenged", 4);
    expect_stat(&server, "clients", 0);
    /* The cookie of the last challenge is valid. */
    frame_send(a, &server.at[0], 2, other, "hi");
    udp_expect(a, &server.at[0], "yes");
    server_stop(&server);
}

Test(system_admission, an_expired_client_is_challenged_again)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&server,
                 "[admission]\npolicy = cookie\n[clients]\nttl = 50ms\nsweep = 10ms\n[reply]\n"
                 "message = yes\n",
                 "-l", "127.0.0.1:0", NULL);
    frame_join(udp, &server.at[0]);
    server_await_stat(&server, "expired", 1);
    frame_join(udp, &server.at[0]);
    server_stop(&server);
}

Test(system_admission, a_full_registry_replies_to_verified_clients_and_evicts_none)
{
    struct server server = {0};
    int first = udp_open("127.0.0.1"), second = udp_open("127.0.0.1");

    server_start(&server,
                 "[admission]\npolicy = cookie\n[clients]\nmax = 1\n[reply]\nmessage = yes\n", "-l",
                 "127.0.0.1:0", NULL);
    frame_join(first, &server.at[0]);
    frame_join(second, &server.at[0]);
    frame_join(second, &server.at[0]);
    udp_ask(first, &server.at[0], "hi", "yes");
    expect_stat(&server, "clients", 1);
    expect_stat(&server, "refused_full", 2);
    server_stop(&server);
}

Test(system_admission, a_reload_to_policy_cookie_removes_unverified_clients)
{
    struct server server = {0};
    int old = udp_open("127.0.0.1"), verified = udp_open("127.0.0.1");
    uint8_t cookie[FRAME_COOKIE];

    server_start(&server, OPEN, "-l", "127.0.0.1:0", NULL);
    udp_ask(old, &server.at[0], "hi", "yes");
    server_configure(&server, COOKIE);
    ctl_ok(&server, "reload", NULL);
    frame_join(verified, &server.at[0]);
    ctl_ok(&server, "broadcast", "news", NULL);
    udp_expect(verified, &server.at[0], "news");
    udp_expect_nothing(old, "a broadcast to an unverified source");
    frame_request_challenge(old, &server.at[0], cookie);
    /* An answer to an earlier challenge still gets its reply after the policy has become open. */
    server_configure(&server, OPEN);
    ctl_ok(&server, "reload", NULL);
    frame_send(old, &server.at[0], 2, cookie, "hi");
    udp_expect(old, &server.at[0], "yes");
    server_stop(&server);
}

Test(system_admission, udpcli_and_udpload_get_their_replies)
{
    struct server server = {0};
    const char *to, *file = harness_path("report.json"), *json;

    server_start(&server, COOKIE, "-l", "127.0.0.1:0", "-l", "[::1]:0", NULL);
    for (size_t i = 0; i < 2; i++) {
        to = endpoint_text(&server.at[i]);
        cr_assert_str_eq(run_ok(NULL, "udpcli", to, "hi", NULL), "yes\n");
        cr_assert_str_eq(run_ok("a\nb\nc\n", "udpcli", to, NULL), "yes\nyes\nyes\n");
    }
    run(NULL, "udpload", "-Q", "max", "-q", "64", "-c", "500", "-n", "5000", "-t", "60s",
        "--expect", "yes", "--json", file, endpoint_text(&server.at[0]), NULL);
    json = run_ok(NULL, "cat", file, NULL);
    harness_equal("sent", json_integer(json, "sent"), 5000);
    harness_equal("replied", json_integer(json, "replied"), 5000);
    harness_equal("challenged", json_integer(json, "challenged"), 500);
    harness_equal("unsolicited", json_integer(json, "unsolicited"), 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_admission, the_python_client_of_the_readme_gets_its_replies)
{
    struct server server = {0};
    const char *script;

    if (run(NULL, "python3", "-c", "", NULL).status != 0)
        cr_skip_test("python3 does not run here");
    server_start(&server, COOKIE, "-l", "127.0.0.1:0", NULL);
    script = run_ok(NULL, "sh", "-c",
                    harness_format("sed -n '/^## Clients that prove/,/^## /p' README.md | "
                                   "sed -n '/^```python/,/^```/p' | sed '1d;$d' | "
                                   "sed 's/\"192.0.2.1\", 3000/\"127.0.0.1\", %d/'",
                                   endpoint_port(&server.at[0])),
                    NULL);
    harness_contains("the README's script", script, "127.0.0.1");
    cr_assert_str_eq(run_ok("hi\nhi\nexit\n", "python3", "-c", script, NULL), "> yes\n> yes\n> ");
    expect_stat(&server, "challenged", 1);
    expect_stat(&server, "clients", 1);
    server_stop(&server);
}

/* ---- frames ---- */

Test(system_admission, a_ping_gets_a_pong_with_its_nonce_and_registers_no_client)
{
    static const char *const policies[] = {OPEN, COOKIE};

    for (size_t i = 0; i < 2; i++) {
        struct server server = {0};
        char bytes[64];
        int udp = udp_open("127.0.0.1");

        server_start(&server, policies[i], "-l", "127.0.0.1:0", NULL);
        frame_send(udp, &server.at[0], 4, NULL, "0123456789abcdef");
        harness_equal("bytes", udp_receive(udp, bytes, sizeof bytes, NULL), FRAME_CHALLENGE);
        expect(memcmp(bytes,
                      "\0UDP\5"
                      "0123456789abcdef",
                      FRAME_CHALLENGE) == 0,
               "expected its pong");
        frame_send(udp, &server.at[0], 4, NULL, "");
        harness_equal("bytes", udp_receive(udp, bytes, sizeof bytes, NULL), FRAME_HEAD);
        expect_stat(&server, "ponged", 2);
        expect_stat(&server, "clients", 0);
        expect_balance("stats", server_ask(&server, "stats"));
        server_stop(&server);
    }
}

Test(system_admission, a_leave_is_accepted_only_from_the_registered_address)
{
    struct server server = {0};
    int member = udp_open("127.0.0.1"), other = udp_open("127.0.0.1");

    server_start(&server, OPEN, "-l", "127.0.0.1:0", NULL);
    udp_ask(member, &server.at[0], "hi", "yes");
    frame_send(other, &server.at[0], 3, NULL, "");
    server_await_stat(&server, "drop_bad_frame", 1);
    expect_stat(&server, "clients", 1);
    frame_send(member, &server.at[0], 3, NULL, "");
    server_await_stat(&server, "left", 1);
    expect_stat(&server, "clients", 0);
    ctl_ok(&server, "broadcast", "news", NULL);
    udp_expect_nothing(member, "a broadcast to a client that left");
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_admission, a_leave_needs_the_cookie_under_policy_cookie)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");
    uint8_t cookie[FRAME_COOKIE], wrong[FRAME_COOKIE] = {0};

    server_start(&server, COOKIE, "-l", "127.0.0.1:0", NULL);
    frame_join(udp, &server.at[0]);
    frame_send(udp, &server.at[0], 3, NULL, "");
    frame_expect_challenge(udp, &server.at[0], cookie);
    frame_send(udp, &server.at[0], 3, wrong, "");
    frame_expect_challenge(udp, &server.at[0], cookie);
    expect_stat(&server, "clients", 1);
    expect_stat(&server, "bad_cookies", 1);
    frame_send(udp, &server.at[0], 3, cookie, "");
    server_await_stat(&server, "left", 1);
    expect_stat(&server, "clients", 0);
    server_stop(&server);
}

Test(system_admission, frames_for_clients_and_malformed_frames_get_no_answer)
{
    static const char *const policies[] = {OPEN, COOKIE};

    for (size_t i = 0; i < 2; i++) {
        struct server server = {0};
        uint8_t cookie[FRAME_COOKIE] = {0};
        int udp = udp_open("127.0.0.1");

        server_start(&server, policies[i], "-l", "127.0.0.1:0", NULL);
        frame_send(udp, &server.at[0], 1, cookie, "");
        frame_send(udp, &server.at[0], 5, NULL, "");
        frame_send(udp, &server.at[0], 2, NULL, "short");
        frame_send(udp, &server.at[0], 4, NULL, "a nonce that is too long");
        frame_send(udp, &server.at[0], 99, NULL, "");
        udp_send(udp, &server.at[0], "\0UDP", 4);
        server_await_stat(&server, "drop_bad_frame", 6);
        udp_expect_nothing(udp, "an answer to a malformed or unexpected frame");
        expect_balance("stats", server_ask(&server, "stats"));
        server_stop(&server);
    }
}

/* ---- loops ---- */

/* Sends 50 datagrams to a server, each after the previous one was received. Over loopback, a
 * datagram is answered before the next one is received, so all datagrams that an earlier one could
 * cause between two servers have been exchanged afterwards. */
static void wait_for_exchanges(int udp, struct server *server)
{
    int64_t before = server_stat(server, "received");
    for (int i = 0; i < 50; i++) {
        udp_send_text(udp, &server->at[0], "hi");
        server_await_stat(server, "received", before + i + 1);
    }
}

Test(system_admission, two_servers_exchange_one_datagram_after_a_forged_one)
{
    static const char answer[] = "\0UDP\2"
                                 "0123456789abcdefhi";
    static const char *const triggers[] = {"hi", answer, "\0UDP\4", "\0UDP\3", ""};
    static const size_t sizes[] = {2, FRAME_CHALLENGE + 2, FRAME_HEAD, FRAME_HEAD, 0};
    struct server a = {0}, b = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&a, COOKIE, "-l", "127.0.0.1:0", NULL);
    server_start(&b, COOKIE, "-l", "127.0.0.1:0", NULL);
    for (int64_t i = 0; i < 5; i++) {
        int64_t received_a = server_stat(&a, "received"), received_b = server_stat(&b, "received");
        udp_send_forged(&b.at[0], &a.at[0], triggers[i], sizes[i]);
        server_await_stat(&b, "received", received_b + 1);
        wait_for_exchanges(udp, &b);
        wait_for_exchanges(udp, &a);
        harness_equal("datagrams to A: the trigger and those of the test",
                      server_stat(&a, "received"), received_a + 1 + 50);
        harness_equal("datagrams to B: one and those of the test", server_stat(&b, "received"),
                      received_b + 1 + 50);
    }
    expect_stat(&a, "clients", 0);
    expect_stat(&b, "drop_bad_frame", 5);
    server_stop(&a);
    server_stop(&b);
}

Test(system_admission, two_open_servers_on_the_same_port_exchange_no_datagram)
{
    struct server a = {0}, b = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&a, OPEN, "-l", "127.0.0.1:0", NULL);
    server_start(&b, OPEN, "-l", harness_format("127.0.0.2:%d", endpoint_port(&a.at[0])), NULL);
    udp_send_forged(&b.at[0], &a.at[0], "hi", 2);
    server_await_stat(&a, "drop_own_source", 1);
    wait_for_exchanges(udp, &a);
    wait_for_exchanges(udp, &b);
    expect_stat(&a, "received", 51);
    expect_stat(&b, "received", 50);
    server_stop(&a);
    server_stop(&b);
}

Test(system_admission, the_rate_limiter_ends_a_loop_of_two_open_servers_on_different_ports)
{
    static const char LIMITED[] =
        "[admission]\npolicy = open\nrate = 1\nburst = 100\n[reply]\nmessage = yes\n";
    struct server a = {0}, b = {0};

    server_start(&a, LIMITED, "-l", "127.0.0.1:0", NULL);
    /* At the same address, so that their ports differ. */
    server_start(&b, LIMITED, "-l", "127.0.0.1:0", NULL);
    udp_send_forged(&b.at[0], &a.at[0], "hi", 2);
    /* The server whose token bucket is empty first ends the loop. */
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    while (server_stat(&a, "drop_limited") + server_stat(&b, "drop_limited") == 0) {
        expect(harness_now_ms() < deadline, "expected the rate limiter to end the loop");
        harness_wait_ms(10);
    }
    expect(server_stat(&a, "received") + server_stat(&b, "received") < 300,
           "expected the loop to end with the bursts");
    server_stop(&a);
    server_stop(&b);
}

Test(system_admission, invalid_source_addresses_get_no_reply)
{
    static const char *const invalid[] = {"224.0.0.5:9", "239.255.255.250:9", "255.255.255.255:9"};
    static const char *const policies[] = {OPEN, COOKIE};

    for (size_t i = 0; i < 2; i++) {
        struct server server = {0};
        struct endpoint from;
        int64_t answers;
        int udp = udp_open("127.0.0.1");

        server_start(&server, policies[i], "-l", "127.0.0.1:0", NULL);
        for (size_t k = 0; k < sizeof invalid / sizeof invalid[0]; k++) {
            from = endpoint_of(invalid[k]);
            udp_send_forged(&from, &server.at[0], "hi", 2);
        }
        from = endpoint_with_port("127.0.0.1", 0);
        udp_send_forged(&from, &server.at[0], "hi", 2);
        udp_send_forged(&server.at[0], &server.at[0], "hi", 2);
        wait_for_exchanges(udp, &server);
        answers = server_stat(&server, "replied") + server_stat(&server, "challenged") +
                  server_stat(&server, "reply_failed");
        harness_equal("answers", answers, 50);
        expect_stat(&server, "drop_port_zero", 1);
        expect_stat(&server, "drop_own_source", 1);
        server_stop(&server);
    }
}
