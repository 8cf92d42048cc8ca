#include "client/exchange.h"

#include <criterion/criterion.h>

enum { TIMEOUT_MS = 2000 };

static struct exchange exchange;

static void begin(void)
{
    exchange_init(&exchange, TIMEOUT_MS);
}

static void send_at(uint64_t now_ms)
{
    cr_assert(exchange_has_room(&exchange, 10));
    exchange_sent(&exchange, 10, false, now_ms);
}

TestSuite(client_exchange, .init = begin, .timeout = 10);

Test(client_exchange, is_complete_before_the_first_request)
{
    cr_assert(exchange_complete(&exchange));
    cr_assert_eq(exchange_deadline_ms(&exchange), UINT64_MAX);
    cr_assert_eq(exchange_expire(&exchange, UINT64_MAX), 0);
}

Test(client_exchange, is_complete_when_each_request_had_a_reply)
{
    send_at(0);
    send_at(0);
    exchange_reply(&exchange, 1);
    cr_assert_not(exchange_complete(&exchange));
    exchange_reply(&exchange, 2);
    cr_assert(exchange_complete(&exchange));
    cr_assert_eq(exchange.answered, 2);
    cr_assert_eq(exchange_deadline_ms(&exchange), UINT64_MAX);
}

Test(client_exchange, is_full_at_the_window_and_has_room_behind_a_reply)
{
    for (int i = 0; i < EXCHANGE_WINDOW; i++)
        send_at(0);
    cr_assert_not(exchange_has_room(&exchange, 0));
    exchange_reply(&exchange, 1);
    cr_assert(exchange_has_room(&exchange, 0));
}

Test(client_exchange, counts_bytes_against_the_window)
{
    exchange_sent(&exchange, EXCHANGE_WINDOW_BYTES - 10, false, 0);
    cr_assert(exchange_has_room(&exchange, 10));
    cr_assert_not(exchange_has_room(&exchange, 11));
    exchange_reply(&exchange, 1);
    cr_assert(exchange_has_room(&exchange, 11));
}

Test(client_exchange, has_room_for_one_datagram_of_any_size)
{
    cr_assert(exchange_has_room(&exchange, 2 * EXCHANGE_WINDOW_BYTES));
}

Test(client_exchange, keeps_its_order_when_the_window_wraps)
{
    for (uint64_t i = 0; i < 3 * EXCHANGE_WINDOW; i++) {
        send_at(i);
        send_at(i);
        exchange_reply(&exchange, i);
        exchange_reply(&exchange, i);
    }
    exchange_sent(&exchange, 1, false, 5000);
    exchange_sent(&exchange, 1, false, 6000);
    cr_assert_eq(exchange_deadline_ms(&exchange), 5000 + TIMEOUT_MS);
    cr_assert_eq(exchange_expire(&exchange, 5000 + TIMEOUT_MS), 1);
    cr_assert_eq(exchange_deadline_ms(&exchange), 6000 + TIMEOUT_MS);
}

Test(client_exchange, gives_up_at_the_deadline_and_not_before)
{
    send_at(100);
    cr_assert_eq(exchange_deadline_ms(&exchange), 100 + TIMEOUT_MS);
    cr_assert_eq(exchange_expire(&exchange, 100 + TIMEOUT_MS - 1), 0);
    cr_assert_eq(exchange_expire(&exchange, 100 + TIMEOUT_MS), 1);
    cr_assert_not(exchange_complete(&exchange));
    cr_assert_eq(exchange_deadline_ms(&exchange), UINT64_MAX);
}

Test(client_exchange, gives_up_nothing_while_replies_flow)
{
    send_at(0);
    send_at(0);
    exchange_reply(&exchange, 1500);
    cr_assert_eq(exchange_expire(&exchange, 1500 + TIMEOUT_MS - 1), 0);
    cr_assert_eq(exchange_expire(&exchange, 1500 + TIMEOUT_MS), 1);
}

Test(client_exchange, counts_a_late_reply_as_an_answer)
{
    send_at(0);
    exchange_expire(&exchange, TIMEOUT_MS);
    exchange_reply(&exchange, TIMEOUT_MS + 1);
    cr_assert(exchange_complete(&exchange));
}

Test(client_exchange, does_not_count_an_unasked_datagram)
{
    exchange_reply(&exchange, 0);
    send_at(1);
    cr_assert_not(exchange_complete(&exchange));
    cr_assert_eq(exchange.answered, 0);
}

Test(client_exchange, gives_all_up_when_refused)
{
    send_at(0);
    send_at(0);
    exchange_refused(&exchange);
    cr_assert_eq(exchange.count, 0);
    cr_assert_eq(exchange.waiting_bytes, 0);
    cr_assert_not(exchange_complete(&exchange));
}

Test(client_exchange, lets_a_keepalive_use_up_its_reply)
{
    exchange_sent(&exchange, 0, true, 0);
    send_at(1);
    exchange_reply(&exchange, 2);
    cr_assert_eq(exchange.answered, 0);
    exchange_reply(&exchange, 3);
    cr_assert_eq(exchange.answered, 1);
    cr_assert(exchange_complete(&exchange));
}

Test(client_exchange, misses_no_reply_to_a_keepalive)
{
    exchange_sent(&exchange, 0, true, 0);
    cr_assert_eq(exchange_expire(&exchange, TIMEOUT_MS), 1);
    cr_assert(exchange_complete(&exchange));
}

Test(client_exchange, waits_for_nothing_without_a_timeout)
{
    exchange_init(&exchange, 0);
    for (int i = 0; i < 2 * EXCHANGE_WINDOW; i++)
        send_at(0);
    cr_assert(exchange_complete(&exchange));
    cr_assert_eq(exchange.sent, 2 * EXCHANGE_WINDOW);
    cr_assert_eq(exchange_deadline_ms(&exchange), UINT64_MAX);
}
