#ifndef OS_PROCESS_CLOCK_H
#define OS_PROCESS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Clocks: time since boot, wall clock, and processor time. */

/* Time since boot, including suspended time (CLOCK_BOOTTIME). It never decreases and can't be set.
 */
uint64_t clock_now_ms(void);
uint64_t clock_now_ns(void);

/* The wall clock, in milliseconds since 1970 UTC: for display, not for measuring. */
uint64_t clock_wall_ms(void);

/* Time since boot without suspended time (CLOCK_MONOTONIC), in microseconds: for other programs
 * that compare it with their own. */
uint64_t clock_monotonic_us(void);

/* Processor time of the calling thread, and of all threads of the process: user and system. */
uint64_t clock_thread_cpu_ns(void);
uint64_t clock_process_cpu_ns(void);

enum { CLOCK_WALL_TEXT_BYTES = 32 };

/* Writes the wall clock in UTC, "2026-11-22T10:06:18.123Z" (RFC 3339). Returns text. */
const char *clock_wall_text(char text[CLOCK_WALL_TEXT_BYTES]);

/* The same for a given time of clock_wall_ms. */
const char *clock_text(uint64_t wall_ms, char text[CLOCK_WALL_TEXT_BYTES]);

#endif
