/* Keyed names: who does not have the key of a device does not get its name, with a recorded hello
 * either, and the device keeps it. */

#include "hellos.h"

#include "base/hmac_sha256.h"
#include "text/hex.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_keyed_names, .fini = harness_end, .timeout = 60);

static struct server server;

static void start(void)
{
    const char *path = harness_path("names.key");
    FILE *file = fopen(path, "we");
    expect(file != NULL && fputs(NAMES_KEY "\n", file) >= 0 && fclose(file) == 0 &&
               chmod(path, 0600) == 0,
           "expected to write %s", path);
    server = (struct server){.listeners = 0};
    server_start(&server,
                 harness_format("[reply]\nmessage = yes\n[clients]\nnames = keyed\n"
                                "names-key-file = %s\n[admission]\npolicy = cookie\n",
                                path),
                 "-l", "127.0.0.1:0", NULL);
}

/* Registers a client, and returns the cookie that it has got. */
static int join(uint8_t cookie[FRAME_COOKIE])
{
    int udp = udp_open("127.0.0.1");
    frame_request_challenge(udp, &server.at[0], cookie);
    frame_send(udp, &server.at[0], 2, cookie, "hi");
    udp_expect(udp, &server.at[0], "yes");
    return udp;
}

static void send_keyed(int udp, const uint8_t cookie[FRAME_COOKIE], const char *device,
                       const char *name)
{
    uint8_t hello[HELLO_ROOM];
    udp_send(udp, &server.at[0], hello, hello_make_keyed(hello, cookie, device, name));
}

static int join_as(const char *name)
{
    uint8_t cookie[FRAME_COOKIE];
    int udp = join(cookie);
    send_keyed(udp, cookie, name, name);
    hello_expect(udp, &server.at[0], NAMED_GIVEN, name);
    return udp;
}

static void expect_holder(int udp, const char *name)
{
    ctl_ok(&server, "send", harness_format("@%s", name), "for the holder", NULL);
    udp_expect(udp, &server.at[0], "for the holder");
}

Test(system_keyed_names, are_given_to_a_device_with_its_key_and_follow_it)
{
    start();
    expect_holder(join_as("lamp-7"), "lamp-7");
    expect_holder(join_as("lamp-7"), "lamp-7");
    server_await_stat(&server, "moved", 1);
    harness_equal("bad_names", server_stat(&server, "bad_names"), 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_keyed_names, are_refused_without_a_key_and_with_the_key_of_another_device)
{
    uint8_t cookie[FRAME_COOKIE], other_cookie[FRAME_COOKIE];
    start();
    int lamp = join_as("lamp-7"), thief = join(cookie);
    hello_send(thief, &server.at[0], "lamp-7");
    hello_expect(thief, &server.at[0], NAMED_WRONG_MODE, "");
    send_keyed(thief, cookie, "lamp-8", "lamp-7");
    hello_expect(thief, &server.at[0], NAMED_BAD_MAC, "");
    /* A name is part of the code: that of the thief's own name does not fit another one. */
    uint8_t hello[HELLO_ROOM];
    size_t size = hello_make_keyed(hello, cookie, "lamp-8", "lamp-8");
    hello[size - 1] = '7';
    udp_send(thief, &server.at[0], hello, size);
    hello_expect(thief, &server.at[0], NAMED_BAD_MAC, "");
    harness_equal("bad_names", server_stat(&server, "bad_names"), 3);
    close(join(other_cookie));
    expect_holder(lamp, "lamp-7");
    harness_equal("moved", server_stat(&server, "moved"), 0);
    server_stop(&server);
}

Test(system_keyed_names, are_refused_to_a_recorded_hello_from_another_address)
{
    uint8_t cookie[FRAME_COOKIE], thiefs[FRAME_COOKIE], hello[HELLO_ROOM];
    start();
    int lamp = join(cookie), thief = join(thiefs);
    size_t size = hello_make_keyed(hello, cookie, "lamp-7", "lamp-7");
    udp_send(lamp, &server.at[0], hello, size);
    hello_expect(lamp, &server.at[0], NAMED_GIVEN, "lamp-7");
    /* As it was recorded: the cookie is not the thief's, so the answer is a challenge. */
    udp_send(thief, &server.at[0], hello, size);
    frame_expect_challenge(thief, &server.at[0], thiefs);
    harness_equal("bad_cookies", server_stat(&server, "bad_cookies"), 1);
    /* With the thief's cookie, and the recorded code. */
    memcpy(hello + 6, thiefs, sizeof thiefs);
    udp_send(thief, &server.at[0], hello, size);
    hello_expect(thief, &server.at[0], NAMED_BAD_MAC, "");
    harness_equal("bad_names", server_stat(&server, "bad_names"), 1);
    expect_holder(lamp, "lamp-7");
    harness_equal("moved", server_stat(&server, "moved"), 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

/* An attacker that gets the address and port which the client had before its NAT gave it others, or
 * that can use them, has all that the client has sent from there: its cookie, and its hello. */
Test(system_keyed_names, are_refused_to_a_recorded_hello_from_the_address_that_they_moved_away_from)
{
    uint8_t cookie[FRAME_COOKIE], hello[HELLO_ROOM];
    start();
    int former = join(cookie);
    size_t size = hello_make_keyed(hello, cookie, "lamp-7", "lamp-7");
    udp_send(former, &server.at[0], hello, size);
    hello_expect(former, &server.at[0], NAMED_GIVEN, "lamp-7");
    int lamp = join_as("lamp-7");
    frame_send(former, &server.at[0], 2, cookie, "hi");
    udp_expect(former, &server.at[0], "yes");
    udp_send(former, &server.at[0], hello, size);
    hello_expect(former, &server.at[0], NAMED_BAD_MAC, "");
    harness_equal("bad_names", server_stat(&server, "bad_names"), 1);
    harness_equal("moved", server_stat(&server, "moved"), 1);
    expect_holder(lamp, "lamp-7");
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_keyed_names, are_refused_to_each_guess_that_differs_in_one_bit)
{
    uint8_t cookie[FRAME_COOKIE], hello[HELLO_ROOM];
    start();
    int thief = join(cookie);
    size_t size = hello_make_keyed(hello, cookie, "lamp-7", "lamp-7");
    for (int bit = 0; bit < 128; bit++) {
        uint8_t guess[HELLO_ROOM];
        memcpy(guess, hello, size);
        guess[6 + FRAME_COOKIE + bit / 8] ^= (uint8_t)(1 << bit % 8);
        udp_send(thief, &server.at[0], guess, size);
        hello_expect(thief, &server.at[0], NAMED_BAD_MAC, "");
    }
    harness_equal("bad_names", server_stat(&server, "bad_names"), 128);
    udp_send(thief, &server.at[0], hello, size);
    hello_expect(thief, &server.at[0], NAMED_GIVEN, "lamp-7");
    server_stop(&server);
}

Test(system_keyed_names, are_given_for_the_key_that_udpctl_prints)
{
    uint8_t cookie[FRAME_COOKIE], key[SHA256_BYTES], mac[SHA256_BYTES];
    uint8_t hello[HELLO_ROOM] = "\0UDP\x08\x03";
    struct hmac_sha256 state;
    start();
    int lamp = join(cookie);
    const char *printed =
        run_ok(NULL, "udpctl", "key", "lamp-7", "--key-file", harness_path("names.key"), NULL);
    expect(hex_decode(key, printed, 2 * sizeof key), "expected a key");
    hmac_sha256_init(&state, key, sizeof key);
    hmac_sha256_add(&state, cookie, sizeof cookie);
    hmac_sha256_add(&state, "lamp-7", 6);
    hmac_sha256_finish(&state, mac);
    memcpy(hello + 6, cookie, sizeof cookie);
    memcpy(hello + 6 + sizeof cookie, mac, 16);
    memcpy(hello + KEYED_HELLO_HEAD, "lamp-7", 6);
    udp_send(lamp, &server.at[0], hello, KEYED_HELLO_HEAD + 6);
    hello_expect(lamp, &server.at[0], NAMED_GIVEN, "lamp-7");
    server_stop(&server);
}

Test(system_keyed_names, are_not_given_to_a_source_that_is_not_registered)
{
    uint8_t cookie[FRAME_COOKIE], again[FRAME_COOKIE];
    start();
    int udp = udp_open("127.0.0.1");
    frame_request_challenge(udp, &server.at[0], cookie);
    send_keyed(udp, cookie, "lamp-7", "lamp-7");
    frame_expect_challenge(udp, &server.at[0], again);
    harness_equal("clients", server_stat(&server, "clients"), 0);
    harness_equal("named", server_stat(&server, "named"), 0);
    server_stop(&server);
}
