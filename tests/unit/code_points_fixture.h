#ifndef CODE_POINTS_FIXTURE_H
#define CODE_POINTS_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

/* Every code point, and what isn't one, as text in pieces that a printer takes at once; and the
 * reverse of what printers do. Written by the standards, without the modules that are tested. */

enum {
    PIECE_CODES = 64,
    PIECE_BYTES = 512, /* room for a piece, and its NUL */
    DECODED_BYTES = 8192,
};

/* Calls visit with each piece: U+0001 to U+10FFFF in order, 64 characters each, surrogates as if
 * they were characters (ED A0 80 …), which is no UTF-8; then overlong forms, stray bytes, what is
 * cut short, what lies beyond U+10FFFF. A digit stands behind every character, so that an escape
 * that takes too many digits is noticed. */
void code_points_each(void (*visit)(const char *piece, size_t size));

/* Asserts that printed, read back, is the piece, and that it shows: UTF-8 without a control
 * character, a direction override, or anything of no width that hides. */

/* Backslash escapes: \n \r \t \\ \" \xNN. */
void code_points_expect_escaped(const char *printed, size_t printed_size, const char *piece,
                                size_t size);

/* The same, NUL-terminated, where a backslash of the piece is not doubled. */
void code_points_expect_line(const char *printed, const char *piece, size_t size);

/* The inside of a JSON string (RFC 8259), where a byte that isn't UTF-8 is U+FFFD. */
void code_points_expect_json(const char *printed, size_t printed_size, const char *piece,
                             size_t size);

/* No escapes at all. */
void code_points_expect_same(const char *got, size_t got_size, const char *piece, size_t size);

/* What the first does, for what else is done with the result; returns its size. */
size_t code_points_unescape(char out[DECODED_BYTES], const char *text, size_t size);

/* Reads text of HTML back: its five entities. The rest stays. */
size_t code_points_unhtml(char out[DECODED_BYTES], const char *text, size_t size);

/* What JSON has in place of a text: U+FFFD for each byte that isn't UTF-8. */
size_t code_points_replace(char out[DECODED_BYTES], const char *text, size_t size);

#endif
