/* `udpctl bridge` and the answers of a server that refuses entries, or has ended: between a
 * stand-in for Redis and one for the server. */
#include "bridge_program.h"
#include "fake_server.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_bridge_refusals, .fini = harness_end, .timeout = 120);

static struct redis_stream stream;
static struct redis redis;
static struct bridge bridge;
static int listener, connection;

static void answer(int control, const char *lines)
{
    expect(operator_send(control, lines, strlen(lines)), "expected to answer '%s'", lines);
}

/* Accepts a session, and answers `streams` by a line of the stream, or none if it is NULL. */
static int accept_session(const char *line)
{
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    expect(poll(&wait, 1, HARNESS_DEADLINE_MS) == 1, "expected a session");
    int control = accept(listener, NULL, NULL);
    stream_expect(control, "streams");
    answer(control, harness_format("ok\nstream other 9-0 1 done yes\n%s.\n",
                                   line != NULL ? harness_format("stream %s\n", line) : ""));
    stream_expect(control, "gateway to=255.255.255.255");
    answer(control, "ok\n");
    return control;
}

/* Starts a bridge with entries 1 to count, of which the server knows that line. Returns the
 * session. */
static int start(size_t count, const char *line)
{
    const char *path = harness_path("control");
    const struct server server = {.socket = path};
    listener = fake_server_listen(path);
    redis_open(&redis, NULL);
    for (size_t i = 1; i <= count; i++)
        redis_stream_add(&stream, harness_format("%zu-0", i), harness_format("payload m%zu", i));
    connection = bridge_connect(&bridge, &server, &redis);
    int control = accept_session(line);
    if (line == NULL)
        redis_serve(connection, &stream, NULL);
    return control;
}

/* Expects the request of entry i. Returns its reference. */
static unsigned expect_request(int control, size_t i)
{
    const char *line = stream_line(control);
    unsigned ref = 0;
    expect(line != NULL && sscanf(line, "broadcast %u ", &ref) == 1, "expected a request, got '%s'",
           line != NULL ? line : "the end");
    harness_contains("a request", line,
                     harness_format(" key=orders:%zu-0 entries-added=%zu 6d", i, i));
    return ref;
}

static void answer_done(int control, unsigned ref)
{
    answer(control, harness_format("result %u id=1 state=done targets=1 sent=1 failed=0 skipped=0 "
                                   "duration_ms=0\n",
                                   ref));
}

static void finish(const char *counts)
{
    bridge_stop(&bridge, counts);
    close(connection);
    close(listener);
}

Test(system_bridge_refusals, returns_to_the_first_entry_that_was_refused_and_skips_none)
{
    int control = start(4, NULL);
    unsigned refs[5];
    redis_serve(connection, &stream, "0-0");
    for (size_t i = 1; i <= 4; i++)
        refs[i] = expect_request(control, i);
    answer_done(control, refs[1]);
    answer(control,
           harness_format("error %u cannot broadcast: the queue is full; wait for a job to end\n"
                          "error %u cannot broadcast: one with a key was refused before; send that "
                          "again first\n",
                          refs[2], refs[3]));
    stream_expect_nothing(control, "the last result is missing");
    answer(control,
           harness_format("error %u cannot broadcast: one was refused before; x\n", refs[4]));
    bridge_expect(&bridge,
                  "publishing the stream orders: cannot broadcast: the queue is full; wait "
                  "for a job to end; it is sent again");
    stream_expect_end(control);
    close(control);
    control = accept_session("orders 1-0 1 done yes");
    redis_serve(connection, &stream, "1-0");
    for (size_t i = 2; i <= 4; i++)
        answer_done(control, expect_request(control, i));
    finish("published=4 duplicates=0 skipped=0 ");
    close(control);
}

Test(system_bridge_refusals, an_entry_that_is_refused_again_and_again_is_never_skipped)
{
    int control = start(2, NULL);
    redis_serve(connection, &stream, "0-0");
    for (int attempt = 1; attempt <= 4; attempt++) {
        unsigned one = expect_request(control, 1), two = expect_request(control, 2);
        answer(control, harness_format("error %u cannot broadcast: why; next\n"
                                       "error %u cannot broadcast: another; next\n",
                                       one, two));
        bridge_expect(&bridge, "publishing the stream orders: cannot broadcast: why; next; it is");
        stream_expect_end(control);
        close(control);
        control = accept_session(NULL);
        redis_serve(connection, &stream, "0-0");
    }
    for (size_t i = 1; i <= 2; i++)
        answer_done(control, expect_request(control, i));
    finish("published=2 duplicates=0 skipped=0 ");
    close(control);
}

Test(system_bridge_refusals, a_wrong_selector_does_not_delay_what_follows)
{
    int control = start(2, NULL);
    redis_serve(connection, &stream, "0-0");
    unsigned one = expect_request(control, 1), two = expect_request(control, 2);
    answer(control, harness_format("permanent %u\n"
                                   "error %u cannot broadcast: bad selector 'x': y; z\n",
                                   one, one));
    answer_done(control, two);
    bridge_expect(&bridge, "publishing the entry 1-0 of the stream orders: cannot broadcast: bad "
                           "selector 'x': y; z; it is skipped");
    finish("published=1 duplicates=0 skipped=1 ");
    close(control);
}

Test(system_bridge_refusals, duplicates_and_cancelled_broadcasts_are_reported)
{
    int control = start(2, NULL);
    redis_serve(connection, &stream, "0-0");
    unsigned one = expect_request(control, 1), two = expect_request(control, 2);
    answer(control, harness_format("result %u state=duplicate targets=0 sent=0\n"
                                   "result %u id=2 state=cancelled targets=9 sent=1\n",
                                   one, two));
    bridge_expect(&bridge,
                  "publishing the entry 1-0 of the stream orders: the server has published "
                  "it before, or a later one; it is not published again");
    bridge_expect(&bridge, "publishing the entry 2-0 of the stream orders: its broadcast was "
                           "cancelled; some clients may have got it");
    finish("published=0 duplicates=1 skipped=1 ");
    close(control);
}

Test(system_bridge_refusals, an_entry_that_is_uncertain_is_reported_once)
{
    int control = start(3, "orders 2-0 2 uncertain yes");
    bridge_expect(&bridge, "publishing the entry 2-0 of the stream orders: the server has ended "
                           "while it published it, so some clients may not have got it; ");
    redis_serve(connection, &stream, "2-0");
    unsigned ref = expect_request(control, 3);
    close(control); /* and once more */
    control = accept_session("orders 2-0 2 uncertain yes");
    redis_serve(connection, &stream, "2-0");
    expect(expect_request(control, 3) != ref, "expected another reference");
    process_kill(&bridge.process, 15);
    close(control);
    harness_equal("status", process_wait(&bridge.process), 0);
    harness_equal("reports", (int64_t)text_count(bridge.process.texts[1].data, "entry 2-0"), 1);
    harness_contains("counts", bridge.process.texts[0].data, "uncertain=1");
}

Test(system_bridge_refusals, a_server_without_a_state_file_is_reported_and_repeats_nothing)
{
    int control = start(4, "orders 1-0 1 done no");
    bridge_expect(&bridge, "publishing the stream orders: the server has no state file, so");
    redis_serve(connection, &stream, "1-0");
    answer_done(control, expect_request(control, 2));
    expect_request(control, 3);
    expect_request(control, 4);
    close(control);
    redis_stream_add(&stream, "5-0", "payload m5");
    control = accept_session(NULL);
    for (size_t i = 3; i <= 4; i++)
        bridge_expect(&bridge,
                      harness_format("publishing the entry %zu-0 of the stream orders: the "
                                     "server has ended, and has no state file",
                                     i));
    redis_serve(connection, &stream, "4-0");
    answer_done(control, expect_request(control, 5));
    finish("published=2 duplicates=0 skipped=0 uncertain=2 ");
    close(control);
}

/* Has a gap after the entry 1-0, and expects that the bridge reports it to the server. */
static int start_with_gap(void)
{
    int control = start(1, "orders 1-0 1 done yes");
    redis_stream_add(&stream, "5-0", "payload m5");
    stream.added = 5;
    stream.first = 1;
    redis_serve(connection, &stream, "1-0");
    stream_expect(control, "gap gap orders 1-0 5-0 3 4");
    return control;
}

Test(system_bridge_refusals, a_server_that_does_not_know_gaps_gets_what_follows)
{
    int control = start_with_gap();
    answer(control, "error gap cannot read the request: it is unknown; give `send`\n");
    bridge_expect(&bridge, "reporting a gap of the stream orders to the server: cannot read the "
                           "request: it is unknown; give `send`; the metrics of the server");
    answer_done(control, expect_request(control, 5));
    finish("published=1 duplicates=0 skipped=0 uncertain=0 missing=3 ");
    close(control);
}

Test(system_bridge_refusals, a_gap_is_reported_again_to_a_server_that_has_ended)
{
    int control = start_with_gap();
    expect_request(control, 5);
    close(control);
    control = accept_session("orders 1-0 1 done yes");
    redis_serve(connection, &stream, "1-0");
    stream_expect(control, "gap gap orders 1-0 5-0 3 4");
    answer(control, "result gap state=counted\n");
    answer_done(control, expect_request(control, 5));
    finish("published=1 duplicates=0 ");
    close(control);
}

Test(system_bridge_refusals, begins_another_session_when_the_server_ends_one_or_breaks_the_protocol)
{
    int control = start(1, "orders 1-0 1 done yes");
    answer(control, ".\n");
    bridge_expect(&bridge, "cannot publish: the server has ended the session; the next attempt");
    close(control);
    control = accept_session("orders 1-0 1 done yes");
    answer(control, "result 7 state=done\n");
    bridge_expect(&bridge, "no request has this reference");
    close(control);
    control = accept_session("orders 1-0 1 done yes");
    close(control);
    bridge_expect(&bridge, "the next attempt");
    control = accept_session("orders 1-0 1 done yes");
    finish("published=0 ");
    close(control);
}
