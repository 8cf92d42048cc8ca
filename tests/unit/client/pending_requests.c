/* Tests of the requests that wait for replies: window, timeouts, counters and challenges. */
#include "client/pending_requests.h"

#include "base/prng.h"

#include <criterion/criterion.h>

#include <string.h>

enum { TIMEOUT_NS = 2000 };

static struct pending_requests requests;

static void begin(void)
{
    pending_requests_init(&requests, TIMEOUT_NS);
}

static void send_at(uint64_t now_ns)
{
    cr_assert(pending_requests_can_send(&requests, 10));
    pending_requests_add(&requests, "0123456789", 10, false, now_ns);
}

static enum received_kind reply_at(uint64_t now_ns)
{
    uint64_t rtt_ns;
    return pending_requests_receive(&requests, now_ns, &rtt_ns);
}

static uint32_t expire_at(uint64_t now_ns)
{
    uint32_t keepalives;
    return pending_requests_expire(&requests, now_ns, &keepalives);
}

TestSuite(pending_requests, .init = begin, .timeout = 10);

Test(pending_requests, has_all_answered_before_the_first_request)
{
    cr_assert(pending_requests_all_answered(&requests));
    cr_assert_eq(pending_requests_deadline_ns(&requests), UINT64_MAX);
    cr_assert_eq(expire_at(UINT64_MAX), 0);
}

Test(pending_requests, has_all_answered_when_each_request_had_a_reply)
{
    send_at(0);
    send_at(0);
    reply_at(1);
    cr_assert_not(pending_requests_all_answered(&requests));
    reply_at(2);
    cr_assert(pending_requests_all_answered(&requests));
    cr_assert_eq(requests.answered, 2);
    cr_assert_eq(pending_requests_deadline_ns(&requests), UINT64_MAX);
}

Test(pending_requests, is_full_at_the_window_and_can_send_after_a_reply)
{
    for (int i = 0; i < PENDING_REQUESTS_WINDOW; i++)
        send_at(0);
    cr_assert_not(pending_requests_can_send(&requests, 0));
    reply_at(1);
    cr_assert(pending_requests_can_send(&requests, 0));
}

Test(pending_requests, counts_bytes_against_the_window)
{
    static const uint8_t bytes[PENDING_REQUESTS_WINDOW_BYTES - 10];
    pending_requests_add(&requests, bytes, sizeof bytes, false, 0);
    cr_assert(pending_requests_can_send(&requests, 10));
    cr_assert_not(pending_requests_can_send(&requests, 11));
    reply_at(1);
    cr_assert(pending_requests_can_send(&requests, 11));
}

Test(pending_requests, can_send_one_datagram_of_any_size)
{
    cr_assert(pending_requests_can_send(&requests, 2 * PENDING_REQUESTS_WINDOW_BYTES));
}

Test(pending_requests, keeps_its_order_when_the_window_wraps)
{
    for (uint64_t i = 0; i < 3 * PENDING_REQUESTS_WINDOW; i++) {
        send_at(i);
        send_at(i);
        reply_at(i);
        reply_at(i);
    }
    pending_requests_add(&requests, "x", 1, false, 5000);
    pending_requests_add(&requests, "x", 1, false, 6000);
    cr_assert_eq(pending_requests_deadline_ns(&requests), 5000 + TIMEOUT_NS);
    cr_assert_eq(expire_at(5000 + TIMEOUT_NS), 1);
    cr_assert_eq(pending_requests_deadline_ns(&requests), 6000 + TIMEOUT_NS);
}

Test(pending_requests, expires_at_the_deadline_and_not_before)
{
    send_at(100);
    cr_assert_eq(pending_requests_deadline_ns(&requests), 100 + TIMEOUT_NS);
    cr_assert_eq(expire_at(100 + TIMEOUT_NS - 1), 0);
    cr_assert_eq(expire_at(100 + TIMEOUT_NS), 1);
    cr_assert_not(pending_requests_all_answered(&requests));
    cr_assert_eq(pending_requests_deadline_ns(&requests), UINT64_MAX);
}

Test(pending_requests, expires_nothing_while_replies_are_received)
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
    cr_assert(pending_requests_all_answered(&requests));
}

Test(pending_requests, does_not_count_an_unsolicited_datagram_as_an_answer)
{
    reply_at(0);
    send_at(1);
    cr_assert_not(pending_requests_all_answered(&requests));
    cr_assert_eq(requests.answered, 0);
}

Test(pending_requests, removes_all_when_refused)
{
    send_at(0);
    send_at(0);
    pending_requests_abandon(&requests);
    cr_assert_eq(requests.count, 0);
    cr_assert_eq(requests.waiting_bytes, 0);
    cr_assert_not(pending_requests_all_answered(&requests));
}

Test(pending_requests, takes_one_reply_for_a_keepalive)
{
    pending_requests_add(&requests, NULL, 0, true, 0);
    send_at(1);
    reply_at(2);
    cr_assert_eq(requests.answered, 0);
    reply_at(3);
    cr_assert_eq(requests.answered, 1);
    cr_assert(pending_requests_all_answered(&requests));
}

Test(pending_requests, counts_no_keepalive_as_lost)
{
    uint32_t keepalives;
    pending_requests_add(&requests, NULL, 0, true, 0);
    cr_assert_eq(pending_requests_expire(&requests, TIMEOUT_NS, &keepalives), 0);
    cr_assert_eq(keepalives, 1);
    cr_assert(pending_requests_all_answered(&requests));
    cr_assert_eq(pending_requests_lost_count(&requests), 0);
}

Test(pending_requests, distinguishes_replies_from_broadcasts_by_the_waiting_requests)
{
    cr_assert_eq(reply_at(0), RECEIVED_BROADCAST);
    send_at(1);
    pending_requests_add(&requests, NULL, 0, true, 2);
    cr_assert_eq(reply_at(3), RECEIVED_REPLY);
    cr_assert_eq(reply_at(4), RECEIVED_KEEPALIVE);
    cr_assert_eq(reply_at(5), RECEIVED_BROADCAST);
    send_at(6);
    expire_at(6 + TIMEOUT_NS);
    cr_assert_eq(reply_at(7 + TIMEOUT_NS), RECEIVED_LATE);
    cr_assert_eq(reply_at(8 + TIMEOUT_NS), RECEIVED_BROADCAST);
    cr_assert_eq(requests.broadcasts, 3);
    cr_assert_eq(requests.received, 6);
}

Test(pending_requests, takes_all_as_broadcasts_when_no_reply_is_expected)
{
    pending_requests_init(&requests, 0);
    pending_requests_add(&requests, "x", 1, false, 0);
    cr_assert_eq(reply_at(1), RECEIVED_BROADCAST);
    cr_assert_eq(pending_requests_lost_count(&requests), 0);
}

Test(pending_requests, measures_round_trip_times)
{
    uint64_t rtt_ns;
    send_at(100);
    send_at(200);
    send_at(300);
    pending_requests_receive(&requests, 150, &rtt_ns);
    cr_assert_eq(rtt_ns, 50);
    pending_requests_receive(&requests, 230, &rtt_ns);
    cr_assert_eq(rtt_ns, 30);
    pending_requests_receive(&requests, 400, &rtt_ns);
    cr_assert_eq(rtt_ns, 100);
    pending_requests_receive(&requests, 500, &rtt_ns);
    cr_assert_eq(rtt_ns, 0);
    cr_assert_eq(requests.rtt_count, 3);
    cr_assert_eq(requests.rtt_min_ns, 30);
    cr_assert_eq(requests.rtt_max_ns, 100);
    cr_assert_eq(requests.rtt_sum_ns, 180);
}

Test(pending_requests, counts_requests_as_lost_that_expired_or_were_refused)
{
    send_at(0);
    send_at(0);
    cr_assert_eq(pending_requests_lost_count(&requests), 0);
    expire_at(TIMEOUT_NS);
    send_at(TIMEOUT_NS);
    cr_assert_eq(pending_requests_lost_count(&requests), 2);
    reply_at(TIMEOUT_NS);
    reply_at(TIMEOUT_NS);
    cr_assert_eq(pending_requests_lost_count(&requests), 1);
    send_at(TIMEOUT_NS);
    pending_requests_abandon(&requests);
    cr_assert_eq(pending_requests_lost_count(&requests), 2);
}

Test(pending_requests, lets_no_request_wait_without_a_timeout)
{
    pending_requests_init(&requests, 0);
    for (int i = 0; i < 2 * PENDING_REQUESTS_WINDOW; i++)
        send_at(0);
    cr_assert(pending_requests_all_answered(&requests));
    cr_assert_eq(requests.sent, 2 * PENDING_REQUESTS_WINDOW);
    cr_assert_eq(pending_requests_deadline_ns(&requests), UINT64_MAX);
}

/* ---- Challenges ---- */

static void expect_challenged(const char *expected)
{
    const uint8_t *bytes;
    size_t size;
    bool any = pending_requests_answer_challenge(&requests, 50, &bytes, &size);
    cr_assert_eq(any, expected != NULL);
    if (any)
        cr_assert(size == strlen(expected) && memcmp(bytes, expected, size) == 0, "not %s",
                  expected);
}

static void send_text(const char *text)
{
    pending_requests_add(&requests, text, strlen(text), false, 0);
}

Test(pending_requests, answers_challenges_with_the_waiting_requests_in_order)
{
    send_text("a");
    send_text("bc");
    send_text("");
    expect_challenged("a");
    expect_challenged("bc");
    expect_challenged("");
    expect_challenged("a");
    reply_at(60);
    expect_challenged("bc");
    cr_assert_eq(requests.answered, 1);
}

Test(pending_requests, answers_no_challenge_when_no_request_waits)
{
    expect_challenged(NULL);
    send_text("a");
    reply_at(1);
    expect_challenged(NULL);
}

Test(pending_requests, stops_answering_a_server_that_never_accepts)
{
    send_text("a");
    for (int i = 0; i < PENDING_REQUESTS_CHALLENGES_MAX; i++)
        expect_challenged("a");
    expect_challenged(NULL);
    send_text("b");
    expect_challenged("b");
}

Test(pending_requests, restarts_the_timeout_at_a_challenge)
{
    send_text("a");
    expect_challenged("a"); /* at 50 */
    cr_assert_eq(pending_requests_deadline_ns(&requests), 50 + TIMEOUT_NS);
}

Test(pending_requests, keeps_payloads_intact_in_any_sequence_of_sizes)
{
    static uint8_t expected[PENDING_REQUESTS_WINDOW_BYTES];
    struct prng prng;
    prng_init(&prng, 77);
    uint32_t first = 0, next = 0; /* the requests that wait, by number */
    static struct {
        size_t size;
        uint8_t fill;
    } of[100000];
    while (next < 20000) {
        size_t size = prng_next(&prng) % (prng_next(&prng) % 8 == 0 ? 65536 : 3000);
        if (pending_requests_can_send(&requests, size) && prng_next(&prng) % 3 > 0) {
            of[next].size = size;
            of[next].fill = (uint8_t)prng_next(&prng);
            memset(expected, of[next].fill, size);
            pending_requests_add(&requests, expected, size, false, 0);
            next++;
        } else if (first < next) {
            const struct pending_request *oldest = &requests.waiting[requests.oldest];
            cr_assert_eq(oldest->size, of[first].size);
            memset(expected, of[first].fill, oldest->size);
            cr_assert(memcmp(requests.payloads + oldest->offset, expected, oldest->size) == 0,
                      "request %u", first);
            reply_at(0);
            first++;
        }
    }
}

Test(pending_requests, returns_the_waiting_requests_for_sending_again)
{
    const uint8_t *bytes;
    size_t size;
    pending_requests_add(&requests, "one", 3, false, 0);
    pending_requests_add(&requests, "two", 3, false, 0);
    pending_requests_add(&requests, "three", 5, false, 0);
    reply_at(100);
    cr_assert(pending_requests_resend(&requests, 0, 1500, &bytes, &size));
    cr_assert(size == 3 && memcmp(bytes, "two", 3) == 0);
    cr_assert(pending_requests_resend(&requests, 1, 1500, &bytes, &size));
    cr_assert(size == 5 && memcmp(bytes, "three", 5) == 0);
    cr_assert_not(pending_requests_resend(&requests, 2, 1500, &bytes, &size));
    cr_assert_eq(pending_requests_deadline_ns(&requests), 1500 + TIMEOUT_NS,
                 "its timeout is restarted");
    cr_assert_eq(requests.sent, 3, "it is not another request");
}

Test(pending_requests, does_not_take_a_confirmed_broadcast_for_a_reply)
{
    send_at(0);
    pending_requests_receive_message(&requests, TIMEOUT_NS - 1);
    cr_assert_eq(requests.count, 1);
    cr_assert_eq(requests.received, 1);
    cr_assert_eq(requests.broadcasts, 1);
    cr_assert_eq(expire_at(TIMEOUT_NS), 0, "the service is not silent");
    cr_assert_eq(reply_at(TIMEOUT_NS), RECEIVED_REPLY);
    cr_assert(pending_requests_all_answered(&requests));
}
