#include "server/control/arguments/leading_word.h"

#include <stddef.h>
#include <string.h>

char *leading_word_take(char **arguments, const char *word, bool is_prefix)
{
    char *first = *arguments;
    size_t length = strcspn(first, " \t");
    if (strncmp(first, word, strlen(word)) != 0 || (!is_prefix && length != strlen(word)))
        return NULL;
    char *rest = first + length;
    if (*rest != '\0')
        *rest++ = '\0';
    *arguments = rest + strspn(rest, " \t");
    return first;
}
