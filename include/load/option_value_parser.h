#ifndef LOAD_OPTION_VALUE_PARSER_H
#define LOAD_OPTION_VALUE_PARSER_H

#include "load/send/reply_counts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parsers of option values: durations, rates, percentages, lists of replies. Those that return a
 * string return NULL, or what is wrong with the value, a static string. */

/* Parses a number from 1 to max. Returns false if the text is not such a number. */
bool option_value_parse_number(const char *text, uint32_t max, uint32_t *value);

/* Parses a duration from min_ms (0, 1 or 10) to one day; a number without a unit is seconds. */
const char *option_value_parse_duration(const char *text, uint64_t min_ms, uint64_t *ns);

/* Parses a rate per second; "max" is stored as 0. */
const char *option_value_parse_rate(const char *text, uint32_t *rate);

/* Parses a percentage ("0.1%" or "0.1") up to 100 with up to four decimals, and stores it in parts
 * per million. */
const char *option_value_parse_percent(const char *text, uint32_t *ppm);

/* Parses replies that are separated by commas. Each one points into text and ends before its comma.
 */
const char *option_value_parse_replies(const char *text,
                                       struct reply_counts_text replies[REPLY_COUNTS_MAX],
                                       size_t *count);

#endif
