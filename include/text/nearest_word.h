#ifndef TEXT_NEAREST_WORD_H
#define TEXT_NEAREST_WORD_H

#include <stddef.h>

/* The suggestion of "did you mean ...?" for a misspelt option, key or command: the word of words
 * (count of them) with the smallest Damerau-Levenshtein distance from word, the first one of
 * several. The distance is at most 2 and below the length of word; upper and lower case count as
 * equal. Returns NULL if no word is that near. Words longer than 64 bytes are never suggested. */
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
