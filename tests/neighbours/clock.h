#ifndef NEIGHBOURS_CLOCK_H
#define NEIGHBOURS_CLOCK_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

/* The clock of the measurements: CLOCK_REALTIME, which the kernel uses for receive timestamps. */

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static inline int64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static inline void clock_wait_until_ns(int64_t at_ns)
{
    struct timespec at = {.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S};

    while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL) == EINTR)
        continue;
}

#endif
