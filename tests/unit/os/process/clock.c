/* Clocks: time since boot, wall clock as text. */
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

Test(clock, never_decreases)
{
    uint64_t last_ns = clock_now_ns();
    for (int i = 0; i < 1000; i++) {
        uint64_t now_ns = clock_now_ns();
        cr_assert_geq(now_ns, last_ns);
        last_ns = now_ns;
    }
}

Test(clock, is_the_time_since_boot_in_both_units)
{
    struct timespec boot;
    uint64_t before_ms = clock_now_ns() / 1000000;
    uint64_t now_ms = clock_now_ms();
    clock_gettime(CLOCK_BOOTTIME, &boot);
    cr_assert_leq(before_ms, now_ms);
    cr_assert_leq(now_ms, (uint64_t)boot.tv_sec * 1000 + (uint64_t)boot.tv_nsec / 1000000);
}

Test(clock, the_monotonic_clock_is_that_of_the_kernel_in_microseconds)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    uint64_t now_us = clock_monotonic_us();
    clock_gettime(CLOCK_MONOTONIC, &after);
    cr_assert_geq(now_us, (uint64_t)before.tv_sec * 1000000 + (uint64_t)before.tv_nsec / 1000);
    cr_assert_leq(now_us, (uint64_t)after.tv_sec * 1000000 + (uint64_t)after.tv_nsec / 1000);
}

Test(clock, wall_text_is_rfc_3339_in_utc)
{
    char text[CLOCK_WALL_TEXT_BYTES];
    struct tm utc = {0};
    time_t before = time(NULL);
    cr_assert_eq(clock_wall_text(text), text);
    time_t after = time(NULL);
    cr_assert_eq(strlen(text), strlen("2026-11-22T10:06:18.123Z"));
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    cr_assert_neq(rest, NULL);
    cr_assert_eq(rest[0], '.');
    cr_assert_eq(rest[4], 'Z');
    /* time(2) may be up to one tick of the kernel earlier than clock_gettime. */
    cr_assert(timegm(&utc) >= before && timegm(&utc) <= after + 1);
}
