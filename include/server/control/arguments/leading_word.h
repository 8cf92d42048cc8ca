#ifndef SERVER_CONTROL_ARGUMENTS_LEADING_WORD_H
#define SERVER_CONTROL_ARGUMENTS_LEADING_WORD_H

#include <stdbool.h>

/* The words before the other arguments of a command line. */

/* Takes the first word of *arguments if it is this word or, with is_prefix, begins with it. Returns
 * it, ended by a NUL, and moves *arguments to what follows; otherwise returns NULL, and changes
 * nothing. */
char *leading_word_take(char **arguments, const char *word, bool is_prefix);

#endif
