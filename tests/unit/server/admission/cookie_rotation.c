/* The secrets of cookies in an upgrade: a cookie is valid as long as it would have been. */
#include "server/admission/cookie_rotation.h"

#include "handover_fixture.h"
#include "os/process/clock.h"

#include <errno.h>
#include <string.h>

static struct loop *loop;
static struct cookie_rotation former, next;
static int minutes;

static void on_minute(void *state)
{
    (void)state;
    minutes++;
    loop_stop(loop);
}

static void set_up(void)
{
    loop = loop_new();
    cr_assert_not_null(loop);
    cr_assert_eq(cookie_rotation_init(&former), 0);
    cr_assert_eq(cookie_rotation_init(&next), 0);
    cr_assert_eq(cookie_rotation_start(&next, loop, on_minute, NULL), 0);
    minutes = 0;
}

static void tear_down(void)
{
    cookie_rotation_stop(&next);
    loop_free(loop);
}

TestSuite(cookie_rotation, .init = set_up, .fini = tear_down);

static const struct addr source = {.ip = {192, 0, 2, 1}, .port = 4000, .family = ADDR_IPV4};

static void hand_over(void)
{
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    cookie_rotation_hand_over(&former, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(cookie_rotation_take_over(&next, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    handover_forget(&reader);
    handover_writer_free(&writer);
}

Test(cookie_rotation, takes_over_the_secrets_by_which_earlier_cookies_are_valid)
{
    static const struct siphash_key key = {7, 8};
    uint64_t now_ms = clock_now_ms();
    uint8_t earlier[COOKIE_BYTES], last[COOKIE_BYTES];
    cookie_make(&former.secrets, 3, &source, earlier);
    cookie_secrets_rotate(&former.secrets, &key, now_ms);
    cookie_make(&former.secrets, 3, &source, last);
    cr_assert_not(cookie_is_valid(&next.secrets, 3, &source, last, now_ms));
    hand_over();
    cr_assert(cookie_is_valid(&next.secrets, 3, &source, earlier, now_ms));
    cr_assert(cookie_is_valid(&next.secrets, 3, &source, last, now_ms));
    uint64_t end_ms = now_ms + 2 * COOKIE_ROTATION_MS;
    cr_assert(cookie_is_valid(&next.secrets, 3, &source, last, end_ms - 1));
    cr_assert_not(cookie_is_valid(&next.secrets, 3, &source, last, end_ms));
}

Test(cookie_rotation, rotates_them_when_the_former_process_would_have_done_it)
{
    uint8_t cookie[COOKIE_BYTES];
    former.secrets.current.from_ms = clock_now_ms() - COOKIE_ROTATION_MS + 50;
    uint64_t due_ms = former.secrets.current.from_ms + COOKIE_ROTATION_MS;
    cookie_make(&former.secrets, 3, &source, cookie);
    hand_over();
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(minutes, 1);
    cr_assert_geq(clock_now_ms(), due_ms);
    cr_assert_geq(next.secrets.current.from_ms, due_ms);
    cr_assert_eq(
        memcmp(&next.secrets.previous, &former.secrets.current, sizeof next.secrets.previous), 0);
    cr_assert(cookie_is_valid(&next.secrets, 3, &source, cookie, clock_now_ms()));
}

Test(cookie_rotation, rotates_them_at_once_if_that_is_due)
{
    former.secrets.current.from_ms = clock_now_ms() - COOKIE_ROTATION_MS - 1;
    hand_over();
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(minutes, 1);
}

Test(cookie_rotation, is_not_changed_by_a_record_that_is_too_short)
{
    struct cookie_secrets before = next.secrets;
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    for (int i = 0; i < 9; i++)
        handover_put64(&writer, 1);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(cookie_rotation_take_over(&next, &reader), -EPROTO);
    cr_assert_eq(memcmp(&before, &next.secrets, sizeof before), 0);
    handover_forget(&reader);
    handover_writer_free(&writer);
}
