#include "server/control/arguments/confirm_arguments.h"

#include "server/broadcast/confirmation_rounds.h"
#include "server/control/arguments/leading_word.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <stdio.h>
#include <string.h>

#define WITHIN "within="

static bool read_within(struct confirm_arguments *read, const char *word,
                        char wrong[CONFIRM_WRONG_BYTES])
{
    uint64_t within_ms;
    const char *why = duration_parse(word + strlen(WITHIN), 1000, &within_ms);
    if (why == NULL &&
        (within_ms < CONFIRMATION_WITHIN_MIN_MS || within_ms > CONFIRMATION_WITHIN_MAX_MS))
        why = "it is not from 1s to 1h";
    read->within_ms = why == NULL ? (uint32_t)within_ms : 0;
    if (why == NULL)
        return true;
    char shown[200];
    printable_ascii(shown, sizeof shown, word, strlen(word));
    snprintf(wrong, CONFIRM_WRONG_BYTES, "bad time '%s': %s; give a duration, as in within=30s",
             shown, why);
    return false;
}

char *confirm_arguments_parse(struct confirm_arguments *read, char *arguments,
                              char wrong[CONFIRM_WRONG_BYTES])
{
    *read = (struct confirm_arguments){.confirms = false};
    wrong[0] = '\0';
    if (arguments == NULL)
        return NULL;
    arguments += strspn(arguments, " \t");
    if (leading_word_take(&arguments, "confirm", false) == NULL)
        return arguments;
    read->confirms = true;
    read->within_ms = CONFIRMATION_WITHIN_DEFAULT_MS;
    const char *within = leading_word_take(&arguments, WITHIN, true);
    return within == NULL || read_within(read, within, wrong) ? arguments : NULL;
}
