#ifndef TEXT_TEXT_H
#define TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers as people write them. Each reads all of text (NUL-terminated, no blanks) and returns
 * NULL, or what is wrong, a static string that fits behind "bad value 'x': ". */

/* A decimal number from min to max. */
const char *text_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/* A duration with its suffix: "500ms", "10s", "5m", "2h", "1d". bare_unit_ms is the unit of a
 * number without one: 0 refuses it (configuration), 1000 takes it as seconds (command lines). */
const char *text_duration(const char *text, uint64_t bare_unit_ms, uint64_t *ms);

/* A size in bytes: "2048", "64k", "4m", "1g" (powers of 1024, either case). */
const char *text_size(const char *text, uint64_t *bytes);

/* Exact texts that the two above read back to the same value, in the largest unit that divides it
 * ("1m", "1500ms", "0ms"; "4m", "2049", "0"). text holds 24 bytes: the 20 digits of 2^64, a suffix
 * of two, a NUL. Return text. */
const char *text_format_duration(uint64_t ms, char text[24]);
const char *text_format_size(uint64_t bytes, char text[24]);

/* Bytes to print: everything but printable ASCII becomes \n \t \r \\ \" or \xNN, so that what
 * strangers send can't steer a terminal or forge a log line. Writes at most room bytes with the
 * NUL; what doesn't fit is cut at a whole escape and ends in "...". Room for 4 * size + 1 always
 * fits; room >= 4. Returns the length written. */
size_t text_escape(char *out, size_t room, const void *bytes, size_t size);

/* The reverse for one escape: text (NUL-terminated) is what stands behind the backslash. Returns
 * the escape's length, its backslash not counted, or 0 if it is none of the above. */
size_t text_unescape(const char *text, uint8_t *byte);

/* Lower-case hexadecimal. out holds 2 * size + 1. */
void text_to_hex(char *out, const void *bytes, size_t size);

/* The reverse: length digits of hex, either case, to out (length / 2 bytes; out may be the same
 * memory as hex). False if the length is odd or a character is no digit; out is then
 * partly written. */
bool text_from_hex(uint8_t *out, const char *hex, size_t length);

/* The word of words (count of them) that someone who wrote word most likely meant: within a
 * Damerau-Levenshtein distance of 2, and of less than the word's length, upper case counting as
 * lower; the first of equals; NULL if none is. */
const char *text_nearest(const char *word, const char *const *words, size_t count);

/* Writes "bad WHAT 'value': why" to out, the value escaped and cut to what a line has room for, and
 * returns out. 512 bytes of room hold it for a what and a why of up to 300 in all. */
const char *text_bad_value(char *out, size_t room, const char *what, const char *value,
                           const char *why);

#endif
