/* udpcli proves its name by a key, at a server with names = keyed and at a service that the test
 * plays. */

#include "restart.h"
#include "udpcli_service.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_udpcli_keyed_name, .fini = harness_end, .timeout = 60);

#define SERVER_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
/* The key of "lamp-7" under that key, of docs/protocol.md. */
#define LAMP_KEY "ca2cc01d8ced1ebf20425c596ebb329943eb3b7df0a277038f98397ba12f20a1"

static struct server server;

/* Starts a server, or starts it again, at this address. */
static void start_at(const char *address)
{
    const char *dir = server.dir;
    server = (struct server){.dir = dir};
    server_start(&server,
                 harness_format("[reply]\nmessage = yes\n[clients]\nnames = keyed\n"
                                "names-key-file = %s\n[admission]\npolicy = cookie\n",
                                harness_path("names.key")),
                 "-l", address, NULL);
    service_name = endpoint_text(&server.at[0]);
}

static void start(void)
{
    harness_write_file("names.key", SERVER_KEY "\n", 0600);
    start_at(restart_address());
}

/* Writes what `udpctl key` prints for a name to a file. */
static const char *write_key_of(const char *name)
{
    const char *key =
        run_ok(NULL, "udpctl", "key", name, "--key-file", harness_path("names.key"), NULL);
    return harness_write_file("device.key", key, 0600);
}

static void expect_failure(struct process *cli, const char *out, const char *message)
{
    udpcli_expect_end(cli, 1, out);
    harness_contains("the error message", udpcli_output(cli, 1), message);
}

static int64_t clients_with_name(const char *name)
{
    const char *list = ctl_ok(&server, "--json", "clients", NULL);
    return (int64_t)text_count(list, harness_format("\"name\":\"%s\"", name));
}

Test(system_udpcli_keyed_name, is_proven_by_the_key_that_udpctl_prints)
{
    struct process cli;
    start();
    const char *key = write_key_of("lamp-7");
    udpcli_start(&cli, NULL, harness_format("--name lamp-7 --key-file %s @ hi", key));
    udpcli_expect_success(&cli, "yes\n");
    harness_equal("clients with the name", clients_with_name("lamp-7"), 1);
    /* The next one must not get the port of the first. */
    udp_open(json_text(ctl_ok(&server, "--json", "client", "@lamp-7", NULL), "address"));
    udpcli_start(&cli, NULL, harness_format("--name lamp-7 --key-file %s @", key));
    process_write(&cli, "hi\n");
    server_await_stat(&server, "moved", 1);
    ctl_ok(&server, "send", "@lamp-7", "for the lamp", NULL);
    process_await_text(&cli, "for the lamp\n");
    udpcli_expect_success(&cli, "yes\nfor the lamp\n");
    harness_equal("bad_names", server_stat(&server, "bad_names"), 0);
    harness_equal("bad_cookies", server_stat(&server, "bad_cookies"), 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_udpcli_keyed_name, is_refused_with_another_key_or_without_one)
{
    struct process holder, cli;
    start();
    udpcli_start(&holder, NULL,
                 harness_format("--name lamp-7 --key-file %s @", write_key_of("lamp-7")));
    process_write(&holder, "hi\n");
    server_await_stat(&server, "named", 1);
    for (int lines = 0; lines < 2; lines++) {
        const char *operands = lines ? "@" : "@ hi";
        udpcli_start(
            &cli, NULL,
            harness_format("--name lamp-7 --key-file %s %s", write_key_of("lamp-8"), operands));
        process_write(&cli, lines ? "hi\n" : "");
        expect_failure(&cli, "yes\n", "the key is not that of this name");
        udpcli_start(&cli, NULL, harness_format("--name lamp-7 %s", operands));
        process_write(&cli, lines ? "hi\n" : "");
        expect_failure(&cli, "yes\n", "give the key of the name with --key-file");
    }
    harness_equal("bad_names", server_stat(&server, "bad_names"), 4);
    harness_equal("moved", server_stat(&server, "moved"), 0);
    ctl_ok(&server, "send", "@lamp-7", "for the holder", NULL);
    process_await_text(&holder, "for the holder\n");
    udpcli_expect_success(&holder, "yes\nfor the holder\n");
    server_stop(&server);
}

/* The server has another secret then, so the cookie of the client is no longer valid. */
Test(system_udpcli_keyed_name, is_proven_again_to_a_server_that_was_restarted)
{
    struct process cli;
    start();
    udpcli_start(&cli, NULL,
                 harness_format("--name lamp-7 --key-file %s @", write_key_of("lamp-7")));
    process_write(&cli, "hi\n");
    server_await_stat(&server, "named", 1);
    server_stop(&server);
    start_at(service_name);
    process_write(&cli, "again\n");
    server_await_stat(&server, "named", 1);
    harness_equal("clients with the name", clients_with_name("lamp-7"), 1);
    ctl_ok(&server, "send", "@lamp-7", "still here", NULL);
    process_await_text(&cli, "still here\n");
    udpcli_expect_success(&cli, "yes\nyes\nstill here\n");
    harness_equal("bad_names", server_stat(&server, "bad_names"), 0);
    server_stop(&server);
}

Test(system_udpcli_keyed_name, is_given_without_a_proof_by_a_server_that_needs_none)
{
    struct process cli;
    server = (struct server){.listeners = 0};
    server_start(&server, "[reply]\nmessage = yes\n[clients]\nnames = trusted\n", "-l",
                 "127.0.0.1:0", NULL);
    service_name = endpoint_text(&server.at[0]);
    udpcli_start(&cli, NULL,
                 harness_format("--name lamp-7 --key-file %s @ hi",
                                harness_write_file("device.key", LAMP_KEY "\n", 0600)));
    udpcli_expect_success(&cli, "yes\n");
    harness_equal("clients with the name", clients_with_name("lamp-7"), 1);
    server_stop(&server);
}

/* ---- At a service that the test plays ---- */

#define COOKIE     "0123456789abcdef"
#define CHALLENGE  "\0UDP\1" COOKIE
#define HELLO_HEAD "\0UDP\10\3" /* frames, keyed */
/* Over COOKIE, from the vector hello-keyed of docs/protocol.md. */
#define MAC                            \
    "\x5a\xca\xf3\xba\xb9\xbb\x15\x39" \
    "\x15\x5e\x95\x91\xb1\xa9\xf3\x3d"

static void send_literal(const char *bytes, size_t size)
{
    udp_send(service_udp, &service_client, bytes, size);
}

#define SEND(literal) send_literal(literal, sizeof(literal) - 1)

static void expect_keyed_hello(const char *expected, size_t size)
{
    char bytes[256];
    ssize_t got = udp_receive(service_udp, bytes, sizeof bytes, &service_client);
    expect(got == (ssize_t)size && memcmp(bytes, expected, size) == 0,
           "expected the keyed hello; there were %zd bytes of type %d", got, bytes[4]);
}

#define EXPECT_HELLO(literal) expect_keyed_hello(literal, sizeof(literal) - 1)

static void begin_lines(struct process *cli)
{
    service_open("127.0.0.1");
    udpcli_start(cli, NULL,
                 harness_format("-w 5m --name lamp-7 --key-file %s @",
                                harness_write_file("device.key", LAMP_KEY "\n", 0600)));
    process_write(cli, "hi\n");
    process_close_stdin(cli);
}

Test(system_udpcli_keyed_name, is_sent_again_at_once_with_the_cookie_of_a_new_challenge)
{
    struct process cli;
    begin_lines(&cli);
    service_expect("hi");
    SEND("\0UDP\1an older cookie.");
    char bytes[256];
    harness_equal("the answer", udp_receive(service_udp, bytes, sizeof bytes, NULL), 23);
    SEND("yes");
    harness_equal("the hello", udp_receive(service_udp, bytes, sizeof bytes, NULL), 44);
    expect(memcmp(bytes + 6, "an older cookie.", 16) == 0, "expected the cookie in the hello");
    SEND(CHALLENGE);
    EXPECT_HELLO(HELLO_HEAD COOKIE MAC "lamp-7");
    SEND("\0UDP\11\1lamp-7");
    udpcli_expect_success(&cli, "yes\n");
    udp_expect_nothing(service_udp, "no further hello");
}

/* Three tries, and as many hellos after challenges. */
Test(system_udpcli_keyed_name, is_not_sent_without_end_to_a_service_that_always_challenges)
{
    struct process cli;
    begin_lines(&cli);
    service_answer("hi", "yes");
    for (int i = 0; i < 6; i++) {
        char bytes[256];
        harness_equal("the hello", udp_receive(service_udp, bytes, sizeof bytes, NULL), 44);
        SEND(CHALLENGE);
    }
    expect_failure(&cli, "yes\n", "no hello was answered");
    udp_expect_nothing(service_udp, "a seventh hello");
}

Test(system_udpcli_keyed_name, needs_a_key_file_that_only_its_owner_can_read)
{
    struct process cli;
    service_open("127.0.0.1");
    struct {
        const char *path, *why, *next;
    } files[] = {
        {harness_path("missing"), "No such file or directory", "correct its path"},
        {harness_write_file("open", LAMP_KEY "\n", 0640), "its group or others", "(chmod 600)"},
        {harness_write_file("empty", "", 0600), "64 hexadecimal digits",
         "what `udpctl key` prints"},
        {harness_path(""), "it is not a regular file", "name the file of the key"},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        udpcli_start(&cli, NULL, harness_format("--name lamp-7 --key-file %s @ hi", files[i].path));
        expect_failure(&cli, "", harness_format("reading the key file %s: ", files[i].path));
        harness_contains("the reason", udpcli_output(&cli, 1), files[i].why);
        harness_contains("the advice", udpcli_output(&cli, 1), files[i].next);
    }
    udp_expect_nothing(service_udp, "a request without the key");
}
