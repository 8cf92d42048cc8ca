#ifndef TEXT_NUMBER_WITH_UNIT_H
#define TEXT_NUMBER_WITH_UNIT_H

#include <stdint.h>

/* Numbers, durations ("10s") and sizes ("64k") as people write them in options, in configuration
 * files and in commands. Each _parse function reads all of text, which is NUL-terminated and
 * contains no blanks, and stores the value. It returns NULL, or why the text is invalid: a static
 * string for the end of a message ("bad value 'x': not a number"). The value is then unchanged. */

/* A decimal number from min to max. */
const char *number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/* A duration with a unit: "500ms", "10s", "5m", "2h", "1d". bare_unit_ms is the unit, in
 * milliseconds, of a number without one: 1000 on command lines (seconds); 0 in configuration files,
 * where such a number is an error. */
const char *duration_parse(const char *text, uint64_t bare_unit_ms, uint64_t *ms);

/* A size in bytes: "2048", "64k", "4m", "1g" (powers of 1024, in either case). */
const char *size_parse(const char *text, uint64_t *bytes);

/* Write a value in the largest unit that divides it ("1m", "1500ms", "0ms"; "4m", "2049", "0"), so
 * that the functions above read the same value again. Return text, of 24 bytes: the 20 digits of
 * 2^64, a suffix of two characters, a NUL. */
const char *duration_format(uint64_t ms, char text[24]);
const char *size_format(uint64_t bytes, char text[24]);

#endif
