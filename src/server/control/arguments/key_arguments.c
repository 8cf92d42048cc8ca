#include "server/control/arguments/key_arguments.h"

#include "server/control/arguments/leading_word.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <stdio.h>
#include <string.h>

#define KEY           "key="
#define ENTRIES_ADDED "entries-added="

static char *refuse(char wrong[KEY_WRONG_BYTES], const char *what, const char *word,
                    const char *why, const char *example)
{
    char shown[200];
    printable_ascii(shown, sizeof shown, word, strlen(word));
    snprintf(wrong, KEY_WRONG_BYTES, "bad %s '%s': %s; give %s", what, shown, why, example);
    return NULL;
}

char *key_arguments_parse(struct key_arguments *read, char *arguments, char wrong[KEY_WRONG_BYTES])
{
    *read = (struct key_arguments){.has_key = false};
    wrong[0] = '\0';
    if (arguments == NULL)
        return NULL;
    arguments += strspn(arguments, " \t");
    const char *key = leading_word_take(&arguments, KEY, true);
    if (key == NULL)
        return arguments;
    const char *why = publish_key_parse(&read->key, key + strlen(KEY));
    if (why != NULL)
        return refuse(wrong, "key", key, why, "STREAM:ID, as in key=orders:1700000000000-0");
    read->has_key = true;
    const char *added = leading_word_take(&arguments, ENTRIES_ADDED, true);
    if (added == NULL)
        return arguments;
    why = number_parse(added + strlen(ENTRIES_ADDED), 0, UINT64_MAX, &read->entries_added);
    return why == NULL ? arguments
                       : refuse(wrong, "number of entries", added, why,
                                "how many the stream ever had, as in entries-added=7");
}
