/* `udpctl bridge` between the real server and a stand-in for Redis: entries, gaps, and what happens
 * when one of the three ends. */
#include "bridge_program.h"
#include "http.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_bridge, .fini = harness_end, .timeout = 120);

static struct server server;
static struct redis redis;
static struct redis_stream stream;
static struct bridge bridge;
static int udp, connection;

/* Opens the client, which is registered then. */
static void open_client(void)
{
    udp = udp_open("127.0.0.1");
    udp_send_text(udp, &server.at[0], "hi");
    server_await_clients(&server, 1);
}

/* Starts the server, its client, and Redis; with path at a Unix socket. */
static void begin(const char *path)
{
    bridge_start_server(&server);
    redis_open(&redis, path);
    open_client();
}

/* Connects another bridge to Redis. */
static void start_bridge(void)
{
    connection = bridge_connect(&bridge, &server, &redis);
}

static void finish(const char *counts)
{
    bridge_stop(&bridge, counts);
    server_stop(&server);
}

/* Answers reads until count entries were read. */
static void serve_all(size_t count)
{
    size_t served = 0;
    while (served < count)
        served += redis_serve(connection, &stream, NULL);
    harness_equal("entries", (int64_t)served, (int64_t)count);
}

static void add_entries(size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++)
        redis_stream_add(&stream, harness_format("%zu-0", i), harness_format("payload m%zu", i));
}

static void expect_messages(size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++)
        udp_expect(udp, &server.at[0], harness_format("m%zu", i));
}

/* The first read asks only for the state of the stream. */
static void serve_state(void)
{
    harness_equal(
        "entries",
        (int64_t)redis_serve(connection, &stream, "18446744073709551615-18446744073709551615"), 0);
}

Test(system_bridge, publishes_all_entries_in_their_order)
{
    begin(NULL);
    add_entries(1, 100);
    start_bridge();
    serve_state();
    serve_all(100);
    expect_messages(1, 100);
    add_entries(101, 3);
    serve_all(3);
    expect_messages(101, 3);
    bridge_stop(&bridge, "ended orders published=103 duplicates=0 skipped=0 uncertain=0 missing=0");
    harness_contains("streams", ctl_ok(&server, "streams", "orders", NULL), "103-0");
    udp_expect_nothing(udp, "all were published once");
    server_stop(&server);
}

Test(system_bridge, a_first_start_begins_after_the_last_entry)
{
    begin(harness_path("redis"));
    add_entries(1, 5);
    bridge_start(&bridge, &server, &redis, NULL);
    connection = redis_accept(&redis);
    serve_state();
    harness_equal("entries", (int64_t)redis_serve(connection, &stream, "5-0"), 0);
    redis_expect_wait(connection, "5-0");
    add_entries(6, 1);
    redis_answer(connection, "*-1\r\n");
    serve_all(1);
    expect_messages(6, 1);
    bridge_stop(&bridge, "published=1 ");
    harness_contains("stdout", bridge.process.texts[0].data, "publishing orders of unix:");
    server_stop(&server);
}

Test(system_bridge, reports_each_entry_that_is_not_published)
{
    static const char *const reasons[] = {
        "publishing the entry 2-0 of the stream orders: it has no field 'payload'; ",
        "publishing the entry 3-0 of the stream orders: a selector is empty, or has a blank",
        "publishing the entry 4-0 of the stream orders: its payload is longer than 65507 bytes",
        "publishing the entry 5-0 of the stream orders: cannot broadcast: bad selector",
    };
    begin(NULL);
    redis_stream_add(&stream, "1-0", "payload m1");
    redis_stream_add(&stream, "2-0", "text x");
    redis_stream_add(&stream, "3-0", "payload x to ");
    redis_stream_add(&stream, "4-0", harness_format("payload %065508d", 0));
    redis_stream_add(&stream, "5-0", "payload x listener 127.0.0.1:1");
    redis_stream_add(&stream, "6-0", "payload x to 10.0.0.0/8");
    redis_stream_add(&stream, "7-0", "payload m7 to 127.0.0.0/8 idle_max 1h confirm true");
    start_bridge();
    serve_state();
    serve_all(7);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        bridge_expect(&bridge, reasons[i]);
    expect_messages(1, 1);
    expect_messages(7, 1);
    finish("published=3 duplicates=0 skipped=4 ");
}

/* ---- gaps ---- */

/* Publishes entries 1 to 5, and then trims the stream so that 8 to 10 are left. */
static void make_gap(const char *strict)
{
    add_entries(1, 5);
    bridge_start(&bridge, &server, &redis, "--from", "0", strict, NULL);
    connection = redis_accept(&redis);
    serve_state();
    serve_all(5);
    add_entries(6, 5);
    stream.first = 7;
}

/* The server has counted so many gaps of the stream, and entries that are missing in them. */
static void expect_gaps(int64_t gaps, int64_t missing)
{
    const char *list = ctl_ok(&server, "--json", "streams", "orders", NULL);
    const char *metrics =
        http_get(harness_format("unix:%s", harness_path("metrics")), "/metrics").body;
    harness_equal("gaps of the stream", json_integer(list, "gaps"), gaps);
    harness_equal("missing entries of the stream", json_integer(list, "missing"), missing);
    harness_equal("gaps", metric(metrics, "udpsrv_publish_gaps_total"), gaps);
    harness_equal("missing entries", metric(metrics, "udpsrv_publish_missing_entries_total"),
                  missing);
}

static const char GAP[] =
    "reading the stream orders after the entry 5-0 and before 8-0: 2 entries or more were removed "
    "before they were read; ";

Test(system_bridge, reports_a_gap_with_its_bounds_and_continues)
{
    begin(NULL);
    make_gap(NULL);
    serve_all(3);
    bridge_expect(&bridge, GAP);
    expect_messages(1, 5);
    expect_messages(8, 3);
    server_await_log(&server, "entries of a publish stream are missing stream=orders after=5-0 "
                              "before=8-0 missing=2");
    expect_gaps(1, 2);
    finish("published=8 duplicates=0 skipped=0 uncertain=0 missing=2 epochs=0");
}

Test(system_bridge, ends_at_a_gap_under_strict_before_it_publishes_more)
{
    begin(NULL);
    make_gap("--strict");
    expect_messages(1, 5);
    serve_all(3);
    bridge_expect_status(&bridge, 4);
    harness_contains("stderr", bridge.process.texts[1].data, GAP);
    close(connection);
    expect_gaps(1, 2);

    /* Once more: the server has kept how many entries were read. */
    bridge_start(&bridge, &server, &redis, "--strict", NULL);
    connection = redis_accept(&redis);
    redis_serve(connection, &stream, "5-0");
    bridge_expect_status(&bridge, 4);
    harness_contains("stderr", bridge.process.texts[1].data, GAP);
    close(connection);
    udp_expect_nothing(udp, "nothing after the gap was published");

    start_bridge();
    redis_serve(connection, &stream, "5-0");
    bridge_expect(&bridge, GAP);
    expect_messages(8, 3);
    bridge_stop(&bridge, "published=3 ");
    expect_gaps(1, 2);
    server_stop(&server);
}

Test(system_bridge, reports_a_stream_that_was_made_anew)
{
    begin(NULL);
    add_entries(1, 5);
    start_bridge();
    serve_state();
    serve_all(5);
    stream = (struct redis_stream){.count = 0};
    add_entries(9, 2);
    serve_all(2);
    bridge_expect(&bridge, "reading the stream orders after the entry 5-0: it is not the stream "
                           "that was read before");
    expect_messages(1, 5);
    expect_messages(9, 2);
    server_await_log(&server, "a publish stream is not the one that was read before");
    expect_gaps(1, 0);
    finish("published=7 duplicates=0 skipped=0 uncertain=0 missing=0 epochs=1");
}

/* ---- the end of one of the three ---- */

Test(system_bridge, continues_after_the_last_entry_of_the_server_when_it_was_killed)
{
    begin(NULL);
    add_entries(1, 20);
    start_bridge();
    serve_state();
    serve_all(20);
    expect_messages(1, 20);
    process_kill(&bridge.process, SIGKILL);
    process_wait(&bridge.process);
    close(connection);
    add_entries(21, 5);
    start_bridge();
    redis_serve(connection, &stream, "20-0");
    expect_messages(21, 5);
    bridge_stop(&bridge, "published=5 duplicates=0 ");
    udp_expect_nothing(udp, "each entry was published once");
    server_stop(&server);
}

Test(system_bridge, continues_when_redis_was_away)
{
    begin(NULL);
    add_entries(1, 5);
    start_bridge();
    serve_state();
    serve_all(5);
    redis_serve(connection, &stream, "5-0");
    close(connection);
    bridge_expect(&bridge, "reading the stream orders at redis://127.0.0.1:");
    add_entries(6, 5);
    connection = redis_accept(&redis);
    redis_serve(connection, &stream, "5-0");
    expect_messages(1, 10);
    finish("published=10 duplicates=0 ");
}

Test(system_bridge, continues_when_the_server_was_killed)
{
    begin(NULL);
    add_entries(1, 5);
    start_bridge();
    serve_state();
    serve_all(5);
    expect_messages(1, 5);
    server_await_stat(&server, "broadcasts", 5);
    const char *dir = server.dir;
    server_kill(&server);
    bridge_expect(&bridge, "the next attempt follows in");
    server = (struct server){.dir = dir};
    bridge_start_server(&server);
    add_entries(6, 1);
    /* It was not stopped, so its clients are those of the last snapshot: none. */
    open_client();
    while (redis_serve(connection, &stream, NULL) == 0)
        ;
    expect_messages(6, 1);
    finish("published=6 duplicates=0 skipped=0 ");
}

Test(system_bridge, waits_for_a_server_that_is_not_there_yet)
{
    server.socket = harness_path("later");
    redis_open(&redis, NULL);
    add_entries(1, 1);
    start_bridge();
    bridge_expect(&bridge, "cannot connect to ");
    bridge_start_server(&server);
    serve_state();
    serve_all(1);
    server_await_stat(&server, "broadcasts", 1);
    finish("published=1 ");
}
