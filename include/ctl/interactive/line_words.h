#ifndef CTL_INTERACTIVE_LINE_WORDS_H
#define CTL_INTERACTIVE_LINE_WORDS_H

#include <stddef.h>

/* Splits a command line into words, like a shell without variables: blanks and tabs separate words;
 * '...' quotes everything; "..." quotes everything but a backslash before \ or "; elsewhere a
 * backslash quotes the next byte. The words are in line itself, which is changed. Writes at most
 * max words and a NULL to words (max + 1 elements). Returns the number of words, or -1 with *wrong,
 * a static string. */
int line_words_split(char *line, char **words, size_t max, const char **wrong);

#endif
