#ifndef CTL_COMMAND_WORDS_H
#define CTL_COMMAND_WORDS_H

#include <stddef.h>

/* Cuts a line into words where it stands, as a shell does with what has no variables: blanks and
 * tabs are between words; within '...' all is as it is; within "..." and elsewhere a backslash
 * makes the next byte ordinary (within "..." only before \ and "). Writes at most max words and a
 * NULL to words (room for max + 1). Returns how many there are, or -1 with *wrong, a static
 * string. */
int command_words_split(char *line, char **words, size_t max, const char **wrong);

#endif
