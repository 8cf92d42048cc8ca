#ifndef TEXT_CHARACTER_WIDTH_H
#define TEXT_CHARACTER_WIDTH_H

#include <stdbool.h>
#include <stdint.h>

/* The columns that a character takes on a terminal: 2 if it is wide (Unicode's East Asian Width W
 * or F), 0 if it joins the one before it (general categories Mn, Me and Cf, and the vowels and
 * finals of Hangul), else 1. Ambiguous ones count 1. Each code point is counted by itself; what
 * several make together is terminal/grapheme's to say. Means something where character_width_shows
 * holds. */
unsigned character_width_of(uint32_t code);

/* Whether a character only shows: no control (C0, DEL, C1), no line separator, and none of those
 * that reorder or hide the text around them (Unicode TR 36, section 3.1). What doesn't is to be
 * escaped before a terminal sees it. */
bool character_width_shows(uint32_t code);

/* Whether it is a picture that others may join to (Extended_Pictographic of UTS 51). */
bool character_width_is_picture(uint32_t code);

#endif
