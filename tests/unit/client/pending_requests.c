#include "client/pending_requests.h"

#include "base/prng.h"

#include <criterion/criterion.h>

#include <string.h>

enum { TIMEOUT_NS = 2000 };

static struct pending_requests exchange;

static void begin(void)
{
    pending_requests_init(&exchange, TIMEOUT_NS);
}

static void send_at(uint64_t now_ns)
{
    cr_assert(pending_requests_has_room(&exchange, 10));
    pending_requests_sent(&exchange, "0123456789", 10, false, now_ns);
}

static enum received_kind reply_at(uint64_t now_ns)
{
    uint64_t rtt_ns;
    return pending_requests_reply(&exchange, now_ns, &rtt_ns);
}

static uint32_t expire_at(uint64_t now_ns)
{
    uint32_t keepalives;
    return pending_requests_expire(&exchange, now_ns, &keepalives);
}

TestSuite(pending_requests, .init = begin, .timeout = 10);

Test(pending_requests, is_complete_before_the_first_request)
{
    cr_assert(pending_requests_complete(&exchange));
    cr_assert_eq(pending_requests_deadline_ns(&exchange), UINT64_MAX);
    cr_assert_eq(expire_at(UINT64_MAX), 0);
}

Test(pending_requests, is_complete_when_each_request_had_a_reply)
{
    send_at(0);
    send_at(0);
    reply_at(1);
    cr_assert_not(pending_requests_complete(&exchange));
    reply_at(2);
    cr_assert(pending_requests_complete(&exchange));
    cr_assert_eq(exchange.answered, 2);
    cr_assert_eq(pending_requests_deadline_ns(&exchange), UINT64_MAX);
}

Test(pending_requests, is_full_at_the_window_and_has_room_behind_a_reply)
{
    for (int i = 0; i < PENDING_REQUESTS_WINDOW; i++)
        send_at(0);
    cr_assert_not(pending_requests_has_room(&exchange, 0));
    reply_at(1);
    cr_assert(pending_requests_has_room(&exchange, 0));
}

Test(pending_requests, counts_bytes_against_the_window)
{
    static const uint8_t bytes[PENDING_REQUESTS_WINDOW_BYTES - 10];
    pending_requests_sent(&exchange, bytes, sizeof bytes, false, 0);
    cr_assert(pending_requests_has_room(&exchange, 10));
    cr_assert_not(pending_requests_has_room(&exchange, 11));
    reply_at(1);
    cr_assert(pending_requests_has_room(&exchange, 11));
}

Test(pending_requests, has_room_for_one_datagram_of_any_size)
{
    cr_assert(pending_requests_has_room(&exchange, 2 * PENDING_REQUESTS_WINDOW_BYTES));
}

Test(pending_requests, keeps_its_order_when_the_window_wraps)
{
    for (uint64_t i = 0; i < 3 * PENDING_REQUESTS_WINDOW; i++) {
        send_at(i);
        send_at(i);
        reply_at(i);
        reply_at(i);
    }
    pending_requests_sent(&exchange, "x", 1, false, 5000);
    pending_requests_sent(&exchange, "x", 1, false, 6000);
    cr_assert_eq(pending_requests_deadline_ns(&exchange), 5000 + TIMEOUT_NS);
    cr_assert_eq(expire_at(5000 + TIMEOUT_NS), 1);
    cr_assert_eq(pending_requests_deadline_ns(&exchange), 6000 + TIMEOUT_NS);
}

Test(pending_requests, gives_up_at_the_deadline_and_not_before)
{
    send_at(100);
    cr_assert_eq(pending_requests_deadline_ns(&exchange), 100 + TIMEOUT_NS);
    cr_assert_eq(expire_at(100 + TIMEOUT_NS - 1), 0);
    cr_assert_eq(expire_at(100 + TIMEOUT_NS), 1);
    cr_assert_not(pending_requests_complete(&exchange));
    cr_assert_eq(pending_requests_deadline_ns(&exchange), UINT64_MAX);
}

Test(pending_requests, gives_up_nothing_while_replies_flow)
{
    send_at(0);
    send_at(0);
    reply_at(1500);
    cr_assert_eq(expire_at(1500 + TIMEOUT_NS - 1), 0);
    cr_assert_eq(expire_at(1500 + TIMEOUT_NS), 1);
}

Test(pending_requests, counts_a_late_reply_as_an_answer)
{
    send_at(0);
    expire_at(TIMEOUT_NS);
    reply_at(TIMEOUT_NS + 1);
    cr_assert(pending_requests_complete(&exchange));
}

Test(pending_requests, does_not_count_an_unasked_datagram)
{
    reply_at(0);
    send_at(1);
    cr_assert_not(pending_requests_complete(&exchange));
    cr_assert_eq(exchange.answered, 0);
}

Test(pending_requests, gives_all_up_when_refused)
{
    send_at(0);
    send_at(0);
    pending_requests_refused(&exchange);
    cr_assert_eq(exchange.count, 0);
    cr_assert_eq(exchange.waiting_bytes, 0);
    cr_assert_not(pending_requests_complete(&exchange));
}

Test(pending_requests, lets_a_keepalive_use_up_its_reply)
{
    pending_requests_sent(&exchange, NULL, 0, true, 0);
    send_at(1);
    reply_at(2);
    cr_assert_eq(exchange.answered, 0);
    reply_at(3);
    cr_assert_eq(exchange.answered, 1);
    cr_assert(pending_requests_complete(&exchange));
}

Test(pending_requests, misses_no_reply_to_a_keepalive)
{
    uint32_t keepalives;
    pending_requests_sent(&exchange, NULL, 0, true, 0);
    cr_assert_eq(pending_requests_expire(&exchange, TIMEOUT_NS, &keepalives), 0);
    cr_assert_eq(keepalives, 1);
    cr_assert(pending_requests_complete(&exchange));
    cr_assert_eq(pending_requests_lost(&exchange), 0);
}

Test(pending_requests, tells_replies_from_broadcasts_by_what_is_due)
{
    cr_assert_eq(reply_at(0), RECEIVED_BROADCAST);
    send_at(1);
    pending_requests_sent(&exchange, NULL, 0, true, 2);
    cr_assert_eq(reply_at(3), RECEIVED_REPLY);
    cr_assert_eq(reply_at(4), RECEIVED_KEEPALIVE);
    cr_assert_eq(reply_at(5), RECEIVED_BROADCAST);
    send_at(6);
    expire_at(6 + TIMEOUT_NS);
    cr_assert_eq(reply_at(7 + TIMEOUT_NS), RECEIVED_LATE);
    cr_assert_eq(reply_at(8 + TIMEOUT_NS), RECEIVED_BROADCAST);
    cr_assert_eq(exchange.broadcasts, 3);
    cr_assert_eq(exchange.received, 6);
}

Test(pending_requests, takes_all_for_broadcasts_when_it_waits_for_nothing)
{
    pending_requests_init(&exchange, 0);
    pending_requests_sent(&exchange, "x", 1, false, 0);
    cr_assert_eq(reply_at(1), RECEIVED_BROADCAST);
    cr_assert_eq(pending_requests_lost(&exchange), 0);
}

Test(pending_requests, times_round_trips)
{
    uint64_t rtt_ns;
    send_at(100);
    send_at(200);
    send_at(300);
    pending_requests_reply(&exchange, 150, &rtt_ns);
    cr_assert_eq(rtt_ns, 50);
    pending_requests_reply(&exchange, 230, &rtt_ns);
    cr_assert_eq(rtt_ns, 30);
    pending_requests_reply(&exchange, 400, &rtt_ns);
    cr_assert_eq(rtt_ns, 100);
    pending_requests_reply(&exchange, 500, &rtt_ns);
    cr_assert_eq(rtt_ns, 0);
    cr_assert_eq(exchange.timed, 3);
    cr_assert_eq(exchange.rtt_min_ns, 30);
    cr_assert_eq(exchange.rtt_max_ns, 100);
    cr_assert_eq(exchange.rtt_sum_ns, 180);
}

Test(pending_requests, counts_as_lost_what_was_given_up)
{
    send_at(0);
    send_at(0);
    cr_assert_eq(pending_requests_lost(&exchange), 0);
    expire_at(TIMEOUT_NS);
    send_at(TIMEOUT_NS);
    cr_assert_eq(pending_requests_lost(&exchange), 2);
    reply_at(TIMEOUT_NS);
    reply_at(TIMEOUT_NS);
    cr_assert_eq(pending_requests_lost(&exchange), 1);
    send_at(TIMEOUT_NS);
    pending_requests_refused(&exchange);
    cr_assert_eq(pending_requests_lost(&exchange), 2);
}

Test(pending_requests, waits_for_nothing_without_a_timeout)
{
    pending_requests_init(&exchange, 0);
    for (int i = 0; i < 2 * PENDING_REQUESTS_WINDOW; i++)
        send_at(0);
    cr_assert(pending_requests_complete(&exchange));
    cr_assert_eq(exchange.sent, 2 * PENDING_REQUESTS_WINDOW);
    cr_assert_eq(pending_requests_deadline_ns(&exchange), UINT64_MAX);
}

/* ---- challenges ---- */

static void expect_challenged(const char *expected)
{
    const uint8_t *bytes;
    size_t size;
    bool any = pending_requests_challenged(&exchange, 50, &bytes, &size);
    cr_assert_eq(any, expected != NULL);
    if (any)
        cr_assert(size == strlen(expected) && memcmp(bytes, expected, size) == 0, "not %s",
                  expected);
}

static void say(const char *text)
{
    pending_requests_sent(&exchange, text, strlen(text), false, 0);
}

Test(pending_requests, repeats_what_waits_for_challenges_in_order_of_sending)
{
    say("a");
    say("bc");
    say("");
    expect_challenged("a");
    expect_challenged("bc");
    expect_challenged("");
    expect_challenged("a");
    reply_at(60);
    expect_challenged("bc");
    cr_assert_eq(exchange.answered, 1);
}

Test(pending_requests, repeats_nothing_when_nothing_waits)
{
    expect_challenged(NULL);
    say("a");
    reply_at(1);
    expect_challenged(NULL);
}

Test(pending_requests, leaves_a_server_that_is_never_content)
{
    say("a");
    for (int i = 0; i < PENDING_REQUESTS_PROOFS_MAX; i++)
        expect_challenged("a");
    expect_challenged(NULL);
    say("b");
    expect_challenged("b");
}

Test(pending_requests, waits_on_from_the_challenge)
{
    say("a");
    expect_challenged("a"); /* at 50 */
    cr_assert_eq(pending_requests_deadline_ns(&exchange), 50 + TIMEOUT_NS);
}

Test(pending_requests, keeps_what_was_said_whole_however_sizes_follow)
{
    static uint8_t said[PENDING_REQUESTS_WINDOW_BYTES];
    struct prng prng;
    prng_init(&prng, 77);
    uint32_t first = 0, next = 0; /* the requests that wait, by number */
    static struct {
        size_t size;
        uint8_t fill;
    } of[100000];
    while (next < 20000) {
        size_t size = prng_next(&prng) % (prng_next(&prng) % 8 == 0 ? 65536 : 3000);
        if (pending_requests_has_room(&exchange, size) && prng_next(&prng) % 3 > 0) {
            of[next].size = size;
            of[next].fill = (uint8_t)prng_next(&prng);
            memset(said, of[next].fill, size);
            pending_requests_sent(&exchange, said, size, false, 0);
            next++;
        } else if (first < next) {
            const struct pending_request *oldest = &exchange.waiting[exchange.oldest];
            cr_assert_eq(oldest->size, of[first].size);
            memset(said, of[first].fill, oldest->size);
            cr_assert(memcmp(exchange.kept + oldest->at, said, oldest->size) == 0, "request %u",
                      first);
            reply_at(0);
            first++;
        }
    }
}

Test(pending_requests, says_what_waits_once_more)
{
    const uint8_t *bytes;
    size_t size;
    pending_requests_sent(&exchange, "one", 3, false, 0);
    pending_requests_sent(&exchange, "two", 3, false, 0);
    pending_requests_sent(&exchange, "three", 5, false, 0);
    reply_at(100);
    cr_assert(pending_requests_again(&exchange, 0, 1500, &bytes, &size));
    cr_assert(size == 3 && memcmp(bytes, "two", 3) == 0);
    cr_assert(pending_requests_again(&exchange, 1, 1500, &bytes, &size));
    cr_assert(size == 5 && memcmp(bytes, "three", 5) == 0);
    cr_assert_not(pending_requests_again(&exchange, 2, 1500, &bytes, &size));
    cr_assert_eq(pending_requests_deadline_ns(&exchange), 1500 + TIMEOUT_NS,
                 "its time begins anew");
    cr_assert_eq(exchange.sent, 3, "it is no other request");
}
