/* Kinds of events, from the operands of `events` to the words of a control line. */
#include "ctl/events/event_kinds.h"

#include "ctl/commands/client_operand.h"
#include "os/log/error_message.h"
#include "text/nearest_word.h"
#include "text/printable.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The words of EVENT_KINDS_CHOICE. */
static const char *const names[] = {"joined",     "rejoined",    "expired",   "left",
                                    "kicked",     "refused",     "moved",     "stream_closed",
                                    "job_queued", "job_started", "job_ended", "reloaded"};

static int refuse(const char *kind)
{
    char shown[64];
    printable_ascii(shown, sizeof shown, kind, strlen(kind));
    const char *meant = nearest_word(kind, names, COUNT(names));
    return print_usage_error("unknown kind of event '%s'%s%s%s", shown,
                             meant != NULL ? " (did you mean '" : "", meant != NULL ? meant : "",
                             meant != NULL ? "'?)" : "");
}

/* Returns the position of a kind in names, or their number if there is none. */
static size_t find(const char *kind)
{
    size_t i = 0;
    while (i < COUNT(names) && strcmp(names[i], kind) != 0)
        i++;
    return i;
}

int event_kinds_command(char *const *kinds, int count, char command[EVENT_KINDS_COMMAND_BYTES])
{
    uint32_t wanted = 0;
    for (int k = 0; k < count; k++) {
        if (kinds[k][0] == '@')
            continue;
        size_t i = find(kinds[k]);
        if (i == COUNT(names))
            return refuse(kinds[k]);
        wanted |= UINT32_C(1) << i;
    }
    const char *before = " kinds=";
    char *at = stpcpy(command, "events");
    for (size_t i = 0; i < COUNT(names); i++) {
        if ((wanted >> i & 1) == 0)
            continue;
        at = stpcpy(stpcpy(at, before), names[i]);
        before = ",";
    }
    return -1;
}

int event_kinds_name(char *const *operands, int count, char word[EVENT_NAME_WORD_BYTES])
{
    char name[CLIENT_OPERAND_BYTES];
    word[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (operands[i][0] != '@')
            continue;
        if (word[0] != '\0')
            return print_usage_error("more than one @NAME: give one, or none for all clients");
        if (!client_operand_format(name, operands[i]))
            return EXIT_USAGE;
        snprintf(word, EVENT_NAME_WORD_BYTES, " name=%s", name + 1);
    }
    return -1;
}
