#include "load/report/shell_quote.h"

#include "text/printable.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                            "-_=+.,:/@%";

/* Returns whether the word has only printable characters. */
static bool is_printable(const char *word)
{
    char piece[PRINTABLE_BYTES];
    for (size_t left = strlen(word), taken; left > 0; word += taken, left -= taken)
        if (printable_text(piece, word, left, &taken) != taken && *word != '\\')
            return false;
    return true;
}

/* Writes a word as $'...' (bash, zsh, POSIX since 2024), with escapes for characters that are not
 * printable. */
static char *write_escaped(char *out, const char *word)
{
    out = stpcpy(out, "$'");
    for (size_t left = strlen(word), taken; left > 0; word += taken, left -= taken) {
        if (*word == '\'')
            *out++ = '\\';
        out += printable_text(out, word, left, &taken);
    }
    return stpcpy(out, "'");
}

/* Writes a word, in single quotes if it needs them, in which a quote is '\''. Returns the end. */
static char *write_word(char *out, const char *word)
{
    bool plain = *word && word[strspn(word, PLAIN)] == '\0';
    if (plain)
        return stpcpy(out, word);
    if (!is_printable(word))
        return write_escaped(out, word);
    *out++ = '\'';
    for (; *word; word++)
        if (*word == '\'')
            out = stpcpy(out, "'\\''");
        else
            *out++ = *word;
    return stpcpy(out, "'");
}

char *shell_quote_command(int argc, char *const *argv)
{
    size_t bytes = 1;
    for (int i = 0; i < argc; i++)
        bytes += 4 * strlen(argv[i]) + 4;
    char *text = malloc(bytes), *end = text;
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
