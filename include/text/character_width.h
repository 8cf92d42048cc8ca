#ifndef TEXT_CHARACTER_WIDTH_H
#define TEXT_CHARACTER_WIDTH_H

#include <stdbool.h>
#include <stdint.h>

/* Unicode properties of a code point that matter on a terminal (Unicode 15.0). */

/* The number of columns that a character occupies: 2 if it is wide (East Asian Width W or F); 0 if
 * it combines with the one before it (general categories Mn, Me and Cf, and the vowels and finals
 * of Hangul); else 1, also for ambiguous width. Each code point is counted separately;
 * terminal/grapheme counts those that combine to one picture. The result is meaningful only for
 * printable characters. */
unsigned character_width_of(uint32_t code);

/* Whether a character is an emoji or a similar picture that others may combine with
 * (Extended_Pictographic of UTS 51). */
bool character_width_is_pictograph(uint32_t code);

#endif
