#ifndef CROSS_CRITERION_H
#define CROSS_CRITERION_H

/* The part of Criterion's interface that the unit tests use, for cross compiled tests, where
 * Criterion cannot be installed: the same macros, each test in a process of its own, with its
 * suite's init, fini and timeout (tests/cross/runner.c). The rest of Criterion's interface is
 * missing. */

#pragma GCC system_header /* as Criterion's: no warnings about what its macros expand to */

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cross_extra {
    char none;
    void (*init)(void);
    void (*fini)(void);
    double timeout; /* in seconds; 0: that of the suite */
};

struct cross_suite {
    const char *name;
    struct cross_extra extra;
    struct cross_suite *next;
};

struct cross_test {
    const char *suite, *name;
    void (*run)(void);
    struct cross_extra extra;
    struct cross_test *next;
};

void cross_add_suite(struct cross_suite *suite);
void cross_add_test(struct cross_test *test);

#define TestSuite(suite_, ...)                                                                  \
    __attribute__((constructor)) static void cross_##suite_##_add(void)                         \
    {                                                                                           \
        static struct cross_suite suite = {.name = #suite_, .extra = {.none = 0, __VA_ARGS__}}; \
        cross_add_suite(&suite);                                                                \
    }                                                                                           \
    struct cross_suite

#define Test(suite_, name_, ...)                                                  \
    static void cross_##suite_##_##name_##_run(void);                             \
    __attribute__((constructor)) static void cross_##suite_##_##name_##_add(void) \
    {                                                                             \
        static struct cross_test test = {.suite = #suite_,                        \
                                         .name = #name_,                          \
                                         .run = cross_##suite_##_##name_##_run,   \
                                         .extra = {.none = 0, __VA_ARGS__}};      \
        cross_add_test(&test);                                                    \
    }                                                                             \
    static void cross_##suite_##_##name_##_run(void)

/* Prints the location and the failed condition, and fails the test; fatal ends it at once. */
void cross_fail(bool fatal, const char *file, int line, const char *what, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void cross_end(void) __attribute__((noreturn));
void cross_skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The format that may follow is a literal. */
#define CROSS_CHECK(fatal, holds, what, ...) \
    ((holds) ? (void)0 : cross_fail(fatal, __FILE__, __LINE__, what, "" __VA_ARGS__))
#define CROSS_COMPARE(fatal, a, op, b, ...) \
    CROSS_CHECK(fatal, (a)op(b), #a " " #op " " #b, __VA_ARGS__)
#define CROSS_STRINGS(fatal, a, op, b, ...) \
    CROSS_CHECK(fatal, cross_strings(a, b, 0 op 0), #a " " #op " " #b, __VA_ARGS__)

/* Whether the strings are equal (same) or differ (not same); prints them if not. */
bool cross_strings(const char *a, const char *b, bool same);

#define cr_fail(...) cross_fail(false, __FILE__, __LINE__, "fail", "" __VA_ARGS__)
#define cr_assert_fail(...) \
    (cross_fail(true, __FILE__, __LINE__, "fail", "" __VA_ARGS__), cross_end())
#define cr_skip(...)      cross_skip("" __VA_ARGS__)
#define cr_skip_test(...) cross_skip("" __VA_ARGS__)

#define cr_assert(a, ...)            CROSS_CHECK(true, a, #a, __VA_ARGS__)
#define cr_assert_not(a, ...)        CROSS_CHECK(true, !(a), "!" #a, __VA_ARGS__)
#define cr_assert_null(a, ...)       CROSS_CHECK(true, (a) == NULL, #a " is NULL", __VA_ARGS__)
#define cr_assert_not_null(a, ...)   CROSS_CHECK(true, (a) != NULL, #a " isn't NULL", __VA_ARGS__)
#define cr_assert_eq(a, b, ...)      CROSS_COMPARE(true, a, ==, b, __VA_ARGS__)
#define cr_assert_neq(a, b, ...)     CROSS_COMPARE(true, a, !=, b, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)      CROSS_COMPARE(true, a, <, b, __VA_ARGS__)
#define cr_assert_leq(a, b, ...)     CROSS_COMPARE(true, a, <=, b, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)      CROSS_COMPARE(true, a, >, b, __VA_ARGS__)
#define cr_assert_geq(a, b, ...)     CROSS_COMPARE(true, a, >=, b, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)  CROSS_STRINGS(true, a, ==, b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) CROSS_STRINGS(true, a, !=, b, __VA_ARGS__)
#define cr_assert_str_empty(a, ...)  CROSS_CHECK(true, *(a) == '\0', #a " is empty", __VA_ARGS__)
#define cr_assert_str_not_empty(a, ...) \
    CROSS_CHECK(true, *(a) != '\0', #a " isn't empty", __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...) \
    CROSS_CHECK(true, memcmp(a, b, size) == 0, #a " equals " #b, __VA_ARGS__)
#define cr_assert_arr_neq(a, b, size, ...) \
    CROSS_CHECK(true, memcmp(a, b, size) != 0, #a " differs from " #b, __VA_ARGS__)
#define cr_assert_float_eq(a, b, by, ...) \
    CROSS_CHECK(true, fabs((double)(a) - (double)(b)) <= (by), #a " is about " #b, __VA_ARGS__)

#define cr_expect(a, ...)            CROSS_CHECK(false, a, #a, __VA_ARGS__)
#define cr_expect_not(a, ...)        CROSS_CHECK(false, !(a), "!" #a, __VA_ARGS__)
#define cr_expect_null(a, ...)       CROSS_CHECK(false, (a) == NULL, #a " is NULL", __VA_ARGS__)
#define cr_expect_not_null(a, ...)   CROSS_CHECK(false, (a) != NULL, #a " isn't NULL", __VA_ARGS__)
#define cr_expect_eq(a, b, ...)      CROSS_COMPARE(false, a, ==, b, __VA_ARGS__)
#define cr_expect_neq(a, b, ...)     CROSS_COMPARE(false, a, !=, b, __VA_ARGS__)
#define cr_expect_lt(a, b, ...)      CROSS_COMPARE(false, a, <, b, __VA_ARGS__)
#define cr_expect_leq(a, b, ...)     CROSS_COMPARE(false, a, <=, b, __VA_ARGS__)
#define cr_expect_gt(a, b, ...)      CROSS_COMPARE(false, a, >, b, __VA_ARGS__)
#define cr_expect_geq(a, b, ...)     CROSS_COMPARE(false, a, >=, b, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)  CROSS_STRINGS(false, a, ==, b, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...) CROSS_STRINGS(false, a, !=, b, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, size, ...) \
    CROSS_CHECK(false, memcmp(a, b, size) == 0, #a " equals " #b, __VA_ARGS__)
#define cr_expect_float_eq(a, b, by, ...) \
    CROSS_CHECK(false, fabs((double)(a) - (double)(b)) <= (by), #a " is about " #b, __VA_ARGS__)

#endif
