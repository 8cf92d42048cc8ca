/* The basis of the test harness: time, memory that lives until the test's end, and failures with
 * the place of the call. */

#define HARNESS_INTERNAL
#include "harness.h"
#include "process.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const char *here_file = "";
static int here_line;

void harness_set_location(const char *file, int line)
{
    const char *slash = strrchr(file, '/');

    here_file = slash != NULL ? slash + 1 : file;
    here_line = line;
}

/* All memory of the test is in a list. Each block follows its list link. */
union kept {
    struct {
        union kept *next;
        union kept *previous;
    } link;
    max_align_t align;
};

static union kept all = {.link = {&all, &all}};

static void *keep_linked(union kept *kept)
{
    if (kept == NULL)
        harness_fail("expected to have memory");
    kept->link.next = all.link.next;
    kept->link.previous = &all;
    all.link.next->link.previous = kept;
    all.link.next = kept;
    return kept + 1;
}

static void unlink_kept(union kept *kept)
{
    kept->link.previous->link.next = kept->link.next;
    kept->link.next->link.previous = kept->link.previous;
}

void *harness_allocate(size_t size)
{
    return keep_linked(malloc(sizeof(union kept) + size));
}

void *harness_reallocate(void *kept, size_t size)
{
    if (kept == NULL)
        return harness_allocate(size);
    unlink_kept((union kept *)kept - 1);
    return keep_linked(realloc((union kept *)kept - 1, sizeof(union kept) + size));
}

void harness_end(void)
{
    cleaner_finish();
    while (all.link.next != &all) {
        union kept *kept = all.link.next;

        unlink_kept(kept);
        free(kept);
    }
}

bool harness_sanitized(void)
{
    const char *text = getenv("UDPSRV_SANITIZED");

    return text != NULL && strcmp(text, "1") == 0;
}

void harness_disable_leak_check(void)
{
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
}

int64_t harness_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void harness_wait_ms(int ms)
{
    struct itimerspec once = {
        .it_value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    uint64_t expiries;

    if (timer < 0 || timerfd_settime(timer, 0, &once, NULL) < 0 ||
        read(timer, &expiries, sizeof expiries) != (ssize_t)sizeof expiries)
        harness_fail("expected a timer of %d ms", ms);
    close(timer);
}

__attribute__((format(printf, 1, 0))) static char *format_kept(const char *format,
                                                               va_list arguments)
{
    va_list again;
    char *text;
    int size;

    va_copy(again, arguments);
    size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    text = harness_allocate((size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, arguments);
    return text;
}

const char *harness_format(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = format_kept(format, arguments);
    va_end(arguments);
    return text;
}

const char *harness_privileged_address(void)
{
    unsigned number = (unsigned)getpid();
    return harness_format("127.%u.%u.%u:81", 1 + number / 62500 % 250, 1 + number / 250 % 250,
                          1 + number % 250);
}

const char *harness_path(const char *name)
{
    return harness_format("%s/%s", harness_directory(), name);
}

const char *harness_write_file(const char *name, const char *text, mode_t mode)
{
    const char *path = harness_path(name);
    unlink(path);
    FILE *file = fopen(path, "we");
    expect(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, mode) == 0,
           "expected to write %s", path);
    return path;
}

void harness_fail(const char *format, ...)
{
    static bool failing;
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = format_kept(format, arguments);
    va_end(arguments);
    if (failing)
        abort();
    failing = true;
    cr_assert_fail("%s:%d: %s\n%s", here_file, here_line, text, servers_logs());
    abort();
}

void harness_equal(const char *what, int64_t actual, int64_t expected)
{
    if (actual != expected)
        harness_fail("expected %s to be %lld, it is %lld", what, (long long)expected,
                     (long long)actual);
}

void harness_contains(const char *what, const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        harness_fail("expected %s to hold '%s', it is '%s'", what, part, text);
}
