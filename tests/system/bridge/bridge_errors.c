/* What `udpctl bridge` reports about a Redis that refuses, is another program, or does not answer,
 * and about its command line. */
#include "bridge_program.h"

#include <string.h>
#include <unistd.h>

TestSuite(system_bridge_errors, .fini = harness_end, .timeout = 120);

static struct server server;
static struct redis redis;
static struct bridge bridge;

static const char QUEUED[] = "+OK\r\n+QUEUED\r\n+QUEUED\r\n";

static void begin(void)
{
    bridge_start_server(&server);
    redis_open(&redis, NULL);
}

/* Starts a bridge that is given no options. */
static void start_bridge(const struct redis *at)
{
    bridge_start(&bridge, &server, at, NULL);
}

/* Starts a bridge whose first command is answered by that, and expects that it ends. */
static void expect_refusal(const char *answer, const char *error)
{
    start_bridge(&redis);
    int connection = redis_accept_only(&redis);
    expect(redis_command(connection) != NULL, "expected a command");
    redis_answer(connection, answer);
    bridge_expect_status(&bridge, 1);
    harness_contains("stderr", bridge.process.texts[1].data, error);
    close(connection);
}

/* The same for its first read. */
static void expect_refused_read(const char *answer, const char *error)
{
    int connection = bridge_connect(&bridge, &server, &redis);
    redis_expect(connection, "MULTI");
    redis_answer(connection, answer);
    bridge_expect_status(&bridge, 1);
    harness_contains("stderr", bridge.process.texts[1].data, error);
    close(connection);
}

Test(system_bridge_errors, ends_with_a_reason_when_redis_refuses_for_a_reason_that_stays)
{
    begin();
    expect_refusal("-NOAUTH Authentication required.\r\n",
                   "Redis answers 'NOAUTH Authentication required.'; give the password by "
                   "--password-file or REDISCLI_AUTH");
    expect_refusal("-NOPERM this user has no permissions\r\n",
                   "; permit the user the commands and the key");
    expect_refused_read(harness_format("%s*2\r\n-WRONGTYPE x\r\n-WRONGTYPE x\r\n", QUEUED),
                        "Redis answers 'WRONGTYPE x'; give the name of a stream");
    expect_refused_read("+OK\r\n-NOPERM x\r\n+QUEUED\r\n-EXECABORT discarded\r\n",
                        "Redis answers 'NOPERM x'; permit the user");
    server_stop(&server);
}

/* Starts a bridge whose first read is answered by that, and expects that it reports it and connects
 * again. */
static void expect_retry(const char *answer, const char *error)
{
    int connection = bridge_connect(&bridge, &server, &redis);
    redis_expect(connection, "MULTI");
    redis_answer(connection, answer);
    bridge_expect(&bridge, error);
    close(connection);
    connection = redis_accept(&redis);
    redis_expect(connection, "MULTI");
    close(connection);
    bridge_stop(&bridge, "published=0 ");
}

Test(system_bridge_errors, connects_again_after_what_may_pass)
{
    begin();
    expect_retry("HTTP/1.1 400 Bad Request\r\n",
                 "the reply is not that of Redis: a line begins with none of + - : $ *; check that "
                 "Redis listens there; the next attempt follows in 0.");
    expect_retry("-LOADING Redis is loading the dataset in memory\r\n+a\r\n+b\r\n"
                 "-EXECABORT x\r\n",
                 "Redis answers 'LOADING Redis is loading the dataset in memory'; check Redis; the "
                 "next attempt follows in 0.");
    expect_retry(harness_format("%s*1\r\n", QUEUED),
                 "the reply is not understood: the reply to EXEC has no two results");
    server_stop(&server);
}

/* Answers each PING until a connection has sent MULTI, and returns that one. On a busy host an
 * answer may be late: then the bridge has closed the connection, and opens another one. */
static int accept_until_multi(void)
{
    for (;;) {
        int connection = redis_accept_only(&redis);
        const char *command;

        while ((command = redis_command(connection)) != NULL && strcmp(command, "PING") == 0)
            operator_send(connection, "+PONG\r\n", 7);
        if (command != NULL) {
            cr_assert_str_eq(command, "MULTI");
            return connection;
        }
        close(connection);
    }
}

Test(system_bridge_errors, notices_a_redis_that_stands_still)
{
    begin();
    bridge_start(&bridge, &server, &redis, "-t", "300ms", NULL);
    int first = redis_accept_only(&redis);
    bridge_expect(&bridge, "Redis does not answer in time to the first command; check whether it "
                           "stands still");
    int second = accept_until_multi();
    bridge_expect(&bridge, "Redis does not answer in time; ");
    bridge_stop(&bridge, "published=0 ");
    close(first);
    close(second);
    server_stop(&server);
}

Test(system_bridge_errors, reports_a_redis_that_is_not_there)
{
    bridge_start_server(&server);
    const struct redis nowhere = {.url = harness_format("unix:%s", harness_path("none"))},
                       refusing = {.url = harness_format("redis://%s", stream_refusing())},
                       name = {.url = "redis://redis.invalid"};
    start_bridge(&nowhere);
    bridge_expect(&bridge, "No such file or directory; check Redis and the network; the next");
    bridge_stop(&bridge, "published=0 ");
    start_bridge(&refusing);
    bridge_expect(&bridge, "refused: no program listens there; start Redis, or check the URL; ");
    bridge_stop(&bridge, "published=0 ");
    start_bridge(&name);
    bridge_expect(&bridge, "reading the stream orders at redis://redis.invalid: ");
    bridge_stop(&bridge, "published=0 ");
    server_stop(&server);
}

Test(system_bridge_errors, authenticates_and_selects_the_database)
{
    begin();
    redis.url = harness_format("%s/7", redis.url);
    bridge_start(&bridge, &server, &redis, "--user", "bridge", "--password-file",
                 harness_write_file("password", "se cret\n", 0600), NULL);
    int connection = redis_accept_only(&redis);
    const char *commands[] = {"AUTH bridge se cret", "SELECT 7", "PING"};
    for (size_t i = 0; i < 3; i++) {
        const char *command = redis_command(connection);
        expect(command != NULL && strcmp(command, commands[i]) == 0, "expected '%s', got '%s'",
               commands[i], command != NULL ? command : "the end");
    }
    redis_answer(connection, "-WRONGPASS invalid username-password pair\r\n+OK\r\n+PONG\r\n");
    bridge_expect_status(&bridge, 1);
    harness_contains(
        "stderr", bridge.process.texts[1].data,
        "Redis answers 'WRONGPASS invalid username-password pair'; check the password");
    close(connection);
    server_stop(&server);
}

static void expect_usage(const char *const *words, const char *error)
{
    const char *argv[HARNESS_ARGUMENTS_MAX] = {"udpctl", "-s", harness_path("none"), "bridge"};
    struct process process;
    for (size_t i = 0; words[i] != NULL; i++)
        argv[4 + i] = words[i];
    process_start(&process, NULL, argv);
    harness_equal(error, process_wait(&process), 2);
    harness_contains("stderr", process.texts[1].data, error);
    expect(strstr(process.texts[1].data, "secret") == NULL, "expected no password");
}

#define EXPECT_USAGE(error, ...) expect_usage((const char *[]){__VA_ARGS__, NULL}, error)

Test(system_bridge_errors, refuses_a_wrong_command_line_with_the_reason)
{
    const char *url = "redis://localhost";
    EXPECT_USAGE("'bridge' needs URL STREAM", url);
    EXPECT_USAGE("bad URL of Redis: a password on a command line can be read by every user",
                 "redis://user:secret@localhost", "orders");
    EXPECT_USAGE("bad URL of Redis: it must be redis://", "localhost", "orders");
    EXPECT_USAGE("bad URL of Redis: TLS is not supported", "rediss://localhost", "orders");
    EXPECT_USAGE("bad stream '': ", url, "");
    EXPECT_USAGE("bad --from '5-x': it must be an id", url, "orders", "--from", "5-x");
    EXPECT_USAGE("--user needs --password-file or REDISCLI_AUTH", url, "orders", "--user", "me");
    EXPECT_USAGE("bad --publish 'orders': it is the stream that is read", url, "orders",
                 "--publish", "orders");
    EXPECT_USAGE("--max-entries, --node, --events, --address, --listener and --idle-max need "
                 "--publish",
                 url, "orders", "--node", "x");
}

Test(system_bridge_errors, a_password_file_that_cannot_be_read_is_an_error)
{
    struct result result =
        run(NULL, "udpctl", "-s", harness_path("none"), "bridge", "redis://localhost", "orders",
            "--password-file", harness_path("missing"), NULL);
    harness_equal("status", result.status, 1);
    harness_contains("stderr", result.err, "reading the password file ");
    harness_contains("stderr", result.err, "No such file or directory; check its name");
}
