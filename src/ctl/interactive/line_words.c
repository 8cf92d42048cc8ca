#include "ctl/interactive/line_words.h"

#include <stdbool.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Copies a word from *from to *to, which is never ahead of *from, without its quotes and with a
 * NUL. Returns NULL, or what is wrong with it. */
static const char *copy_word(char **from, char **to)
{
    char quote = '\0';
    const char *at = *from;
    for (; *at != '\0' && (quote != '\0' || !is_blank(*at)); at++) {
        if (quote == '\0' && (*at == '\'' || *at == '"')) {
            quote = *at;
        } else if (*at == quote) {
            quote = '\0';
        } else if (*at == '\\' && quote != '\'' &&
                   (quote == '\0' || at[1] == '"' || at[1] == '\\')) {
            if (*++at == '\0')
                return "a backslash at its end";
            *(*to)++ = *at;
        } else {
            *(*to)++ = *at;
        }
    }
    if (quote != '\0')
        return "a quote that isn't closed";
    /* *from is advanced first: the NUL may overwrite the byte that it points to. */
    *from += at - *from + (*at != '\0');
    *(*to)++ = '\0';
    return NULL;
}

int line_words_split(char *line, char **words, size_t max, const char **wrong)
{
    char *from = line, *to = line;
    size_t count = 0;
    for (;;) {
        while (is_blank(*from))
            from++;
        if (*from == '\0')
            break;
        if (count == max) {
            *wrong = "too many words";
            return -1;
        }
        words[count] = to;
        *wrong = copy_word(&from, &to);
        if (*wrong)
            return -1;
        count++;
    }
    words[count] = NULL;
    return (int)count;
}
