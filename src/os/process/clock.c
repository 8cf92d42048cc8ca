#include "os/process/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_ns(clockid_t clock)
{
    struct timespec now = {.tv_sec = 0};

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ns(void)
{
    return read_ns(CLOCK_BOOTTIME);
}

uint64_t clock_monotonic_us(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000u;
}

uint64_t clock_wall_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000u;
}

uint64_t clock_thread_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t clock_process_cpu_ns(void)
{
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_now_ms(void)
{
    return clock_now_ns() / 1000000u;
}

const char *clock_text(uint64_t wall_ms, char text[CLOCK_WALL_TEXT_BYTES])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;

    gmtime_r(&seconds, &utc);
    size_t length = strftime(text, CLOCK_WALL_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, CLOCK_WALL_TEXT_BYTES - length, ".%03uZ", (unsigned)(wall_ms % 1000));
    return text;
}

const char *clock_wall_text(char text[CLOCK_WALL_TEXT_BYTES])
{
    return clock_text(clock_wall_ms(), text);
}
