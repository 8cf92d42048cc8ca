#include "sim/core/trace.h"

#include "sim/core/event_queue.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { KEPT = 48 };

struct event {
    uint64_t time_ns, values[4];
    enum trace_kind kind;
};

static struct event events[KEPT];
static uint64_t count, hash, seed;
static const char *replay;
static bool verbose;

#define TRACE(name, text) text,
static const char *const texts[] = {TRACE_KINDS(TRACE)};
#undef TRACE

void trace_begin(uint64_t seed_of_run, const char *replay_of_run, bool print)
{
    seed = seed_of_run;
    replay = replay_of_run;
    verbose = print;
    count = 0;
    hash = 14695981039346656037u;
}

static void print_event(const struct event *event)
{
    int next = 0;
    fprintf(stderr, "  %12.6f  ", (double)event->time_ns / 1e9);
    for (const char *at = texts[event->kind]; *at != '\0'; at++) {
        if (*at == '%') {
            fprintf(stderr, "%" PRId64, (int64_t)event->values[next++]);
            at++;
        } else {
            fputc(*at, stderr);
        }
    }
    fputc('\n', stderr);
}

/* The values are multiplied by odd constants of their own, so that their order counts. */
static void mix(const struct event *event)
{
    static const uint64_t odd[] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb,
                                   0xff51afd7ed558ccd};
    uint64_t sum = event->time_ns + ((uint64_t)event->kind << 56);
    for (size_t i = 0; i < 4; i++)
        sum += (event->values[i] + i) * odd[i];
    hash = (hash ^ sum) * 1099511628211u;
    hash ^= hash >> 29;
}

void trace(enum trace_kind kind, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct event *event = &events[count++ % KEPT];
    *event = (struct event){.time_ns = event_queue_now_ns(), .values = {a, b, c, d}, .kind = kind};
    mix(event);
    if (verbose)
        print_event(event);
}

uint64_t trace_hash(void)
{
    return hash;
}

uint64_t trace_count(void)
{
    return count;
}

void broken_promise(const char *promise, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "\nseed %" PRIu64 ": broken promise: %s\n  ", seed, promise);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nthe last events (seconds, what):\n");
    for (uint64_t i = count > KEPT ? count - KEPT : 0; i < count; i++)
        print_event(&events[i % KEPT]);
    fprintf(stderr, "replay: %s\n", replay);
    fflush(stderr);
    _exit(1);
}
