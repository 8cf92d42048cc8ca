#ifndef LOAD_OPTION_VALUES_H
#define LOAD_OPTION_VALUES_H

#include "load/send/reply_counts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values of options. The texts are what is wrong, NULL: nothing. */

/* From 1 to max. */
bool option_values_number(const char *text, uint32_t max, uint32_t *value);

/* A bare number is seconds; from min_ms, which is 0, 1 or 10, to a day. */
const char *option_values_duration(const char *text, uint64_t min_ms, uint64_t *ns);

/* A second; 0 for "max". */
const char *option_values_rate(const char *text, uint32_t *rate);

/* "0.1%" or "0.1", up to 100 and to four decimals, as parts per million. */
const char *option_values_percent(const char *text, uint32_t *ppm);

/* Replies with commas between, of which each begins in text and ends before the next comma. */
const char *option_values_replies(const char *text,
                                  struct reply_counts_text replies[REPLY_COUNTS_MAX],
                                  size_t *count);

#endif
