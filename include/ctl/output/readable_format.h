#ifndef CTL_OUTPUT_READABLE_FORMAT_H
#define CTL_OUTPUT_READABLE_FORMAT_H

#include <stdint.h>

/* Formats numbers, rates and durations for people. All functions return text. */

enum { READABLE_FORMAT_BYTES = 40 }; /* 20 digits of 2^64 with commas, a fraction, a NUL */

/* "1,234,567" */
const char *readable_format_integer(uint64_t number, char text[READABLE_FORMAT_BYTES]);

/* A rate of at least 0: "0.4", "99.9", "1,234". */
const char *readable_format_rate(double per_s, char text[READABLE_FORMAT_BYTES]);

/* A duration in seconds: "42s", "5m 07s", "3h 05m", "2d 03h". */
const char *readable_format_duration(uint64_t s, char text[READABLE_FORMAT_BYTES]);

#endif
