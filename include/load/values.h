#ifndef LOAD_VALUES_H
#define LOAD_VALUES_H

#include "load/replies.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of options. The texts are what is wrong, NULL: nothing. */

/* From 1 to max. */
bool values_number(const char *text, uint32_t max, uint32_t *value);

/* A bare number is seconds; from min_ms, which is 0, 1 or 10, to a day. */
const char *values_duration(const char *text, uint64_t min_ms, uint64_t *ns);

/* A second; 0 for "max". */
const char *values_rate(const char *text, uint32_t *rate);

/* "0.1%" or "0.1", up to 100 and to four decimals, as parts per million. */
const char *values_percent(const char *text, uint32_t *ppm);

/* Replies with commas between, of which each begins in text and ends before the next comma. */
const char *values_replies(const char *text, struct replies_text replies[REPLIES_MAX],
                           size_t *count);

#endif
