#ifndef CTL_OUTPUT_READABLE_NUMBERS_H
#define CTL_OUTPUT_READABLE_NUMBERS_H

#include <stdint.h>

/* Figures as people read them. */

enum { READABLE_BYTES = 40 }; /* the 20 digits of 2^64 with their commas, a fraction, a NUL */

/* "1,234,567" */
const char *readable_number(uint64_t number, char text[READABLE_BYTES]);

/* A rate, at least 0: "0.4", "99.9", "1,234". */
const char *readable_rate(double per_s, char text[READABLE_BYTES]);

/* How long something lasts: "42s", "5m 07s", "3h 05m", "2d 03h". */
const char *readable_span(uint64_t s, char text[READABLE_BYTES]);

#endif
