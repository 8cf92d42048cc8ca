/* Tests of when the simulated clients confirm. */
#include "load/confirm/confirmation_wheel.h"

#include "base/prng.h"

#include <criterion/criterion.h>

enum { CLIENTS = 1000, MS_NS = 1000000 };

static struct confirmation_wheel *wheel;
static const uint64_t START_NS = 77 * UINT64_C(1000000007);

static void begin(void)
{
    wheel = confirmation_wheel_new(CLIENTS);
    cr_assert_not_null(wheel);
}

static void end(void)
{
    confirmation_wheel_free(wheel);
}

static void expect_none(uint64_t now_ns)
{
    uint32_t client;
    cr_assert_not(confirmation_wheel_take(wheel, now_ns, &client));
}

static void expect_client(uint64_t now_ns, uint32_t expected)
{
    uint32_t client;
    cr_assert(confirmation_wheel_take(wheel, now_ns, &client));
    cr_assert_eq(client, expected);
}

TestSuite(confirmation_wheel, .init = begin, .fini = end, .timeout = 10);

Test(confirmation_wheel, is_empty_at_first)
{
    cr_assert_eq(confirmation_wheel_next_ns(wheel), UINT64_MAX);
    expect_none(START_NS);
}

Test(confirmation_wheel, returns_a_client_when_it_is_due_and_at_most_a_millisecond_later)
{
    confirmation_wheel_add(wheel, 7, START_NS, START_NS + 5 * MS_NS);
    expect_none(START_NS);
    expect_none(START_NS + 5 * MS_NS - 1);
    expect_client(START_NS + 6 * MS_NS, 7);
    expect_none(START_NS + 60 * MS_NS);
    cr_assert_eq(confirmation_wheel_next_ns(wheel), UINT64_MAX);
}

Test(confirmation_wheel, returns_a_client_without_a_delay_within_a_millisecond)
{
    confirmation_wheel_add(wheel, 7, START_NS, START_NS);
    cr_assert(confirmation_wheel_next_ns(wheel) <= START_NS + MS_NS);
    expect_client(START_NS + MS_NS, 7);
}

Test(confirmation_wheel, keeps_the_first_time_of_a_client)
{
    confirmation_wheel_add(wheel, 7, START_NS, START_NS + 5 * MS_NS);
    confirmation_wheel_add(wheel, 7, START_NS, START_NS + 50 * MS_NS);
    expect_client(START_NS + 6 * MS_NS, 7);
    expect_none(START_NS + 100 * MS_NS);
    confirmation_wheel_add(wheel, 7, START_NS + 100 * MS_NS, START_NS + 150 * MS_NS);
    expect_client(START_NS + 151 * MS_NS, 7);
}

Test(confirmation_wheel, limits_the_delay)
{
    const uint64_t last_ns = START_NS + (uint64_t)(CONFIRMATION_WHEEL_MAX_MS + 1) * MS_NS;
    confirmation_wheel_add(wheel, 7, START_NS, UINT64_MAX / 2);
    expect_none(last_ns - 2 * (uint64_t)MS_NS);
    expect_client(last_ns, 7);
}

Test(confirmation_wheel, returns_each_client_once_in_the_order_of_their_times)
{
    static uint64_t due_ns[CLIENTS];
    struct prng prng;
    uint64_t now_ns = START_NS, last_ns = 0;
    uint32_t client, taken = 0;
    prng_init(&prng, 1);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        due_ns[i] = START_NS + prng_next(&prng) % (25500 * UINT64_C(1000000));
        confirmation_wheel_add(wheel, i, START_NS, due_ns[i]);
    }
    while ((now_ns = confirmation_wheel_next_ns(wheel)) != UINT64_MAX) {
        cr_assert(now_ns >= last_ns);
        last_ns = now_ns;
        while (confirmation_wheel_take(wheel, now_ns, &client)) {
            cr_assert(now_ns >= due_ns[client] && now_ns < due_ns[client] + MS_NS);
            due_ns[client] = 0; /* it must not come again */
            taken++;
        }
    }
    cr_assert_eq(taken, CLIENTS);
}

Test(confirmation_wheel, returns_all_that_a_late_caller_has_missed)
{
    uint32_t client, taken = 0;
    for (uint32_t i = 0; i < CLIENTS; i++)
        confirmation_wheel_add(wheel, i, START_NS, START_NS + i * (uint64_t)MS_NS);
    while (confirmation_wheel_take(wheel, START_NS + 100000 * (uint64_t)MS_NS, &client))
        taken++;
    cr_assert_eq(taken, CLIENTS);
}

Test(confirmation_wheel, is_empty_after_it_was_cleared)
{
    for (uint32_t i = 0; i < CLIENTS; i++)
        confirmation_wheel_add(wheel, i, START_NS, START_NS + i * (uint64_t)MS_NS);
    confirmation_wheel_clear(wheel);
    expect_none(START_NS + 100000 * (uint64_t)MS_NS);
    confirmation_wheel_add(wheel, 3, START_NS, START_NS);
    expect_client(START_NS + MS_NS, 3);
}
