/* Command lines that can be pasted into a shell. */
#include "load/quote.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                            "-_=+.,:/@%";

/* Writes a word, in single quotes if it needs them; a quote within is '\''. Returns the end. */
static char *write_word(char *out, const char *word)
{
    bool plain = *word && word[strspn(word, PLAIN)] == '\0';
    if (plain)
        return stpcpy(out, word);
    *out++ = '\'';
    for (; *word; word++)
        if (*word == '\'')
            out = stpcpy(out, "'\\''");
        else
            *out++ = *word;
    *out++ = '\'';
    *out = '\0';
    return out;
}

char *quote_command(int argc, char *const *argv)
{
    size_t room = 1;
    for (int i = 0; i < argc; i++)
        room += 4 * strlen(argv[i]) + 3;
    char *text = malloc(room), *end = text;
    if (!text)
        return NULL;
    *end = '\0';
    for (int i = 0; i < argc; i++) {
        if (i > 0)
            *end++ = ' ';
        end = write_word(end, argv[i]);
    }
    return text;
}
