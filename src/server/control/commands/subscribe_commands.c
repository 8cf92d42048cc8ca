#include "server/control/commands/subscribe_commands.h"

#include "server/control/arguments/selector_arguments.h"
#include "server/control/commands/command_context.h"
#include "server/events/subscriptions.h"
#include "text/nearest_word.h"
#include "text/printable.h"

#include <string.h>

#define KINDS_WORD "kinds="

/* Takes the word "name=NAME" from the beginning of *arguments, if there is one. Returns NULL, or
 * why it is no name. */
static const char *take_name(struct device_name *name, char **arguments)
{
    static const char word[] = "name=";
    char *text = *arguments + strspn(*arguments, " \t");
    if (strncmp(text, word, sizeof word - 1) != 0)
        return NULL;
    text += sizeof word - 1;
    *arguments = text + strcspn(text, " \t");
    if (**arguments != '\0')
        *(*arguments)++ = '\0';
    return device_name_parse(name, text);
}

static void subscribe(struct command_context *context, struct control_session *session,
                      const char *verb, uint32_t kinds, char *arguments)
{
    struct event_filter filter = {.kinds = kinds};
    char wrong[SELECTOR_WRONG_BYTES];
    const char *wrong_name = take_name(&filter.name, &arguments);
    if (wrong_name != NULL) {
        control_refuse(session, "cannot %s: %s; give name=NAME, as `clients` shows it", verb,
                       wrong_name);
        return;
    }
    const char *rest =
        selector_arguments_parse(&filter.selector, context->queries.listeners, arguments, wrong);
    if (rest == NULL)
        control_refuse(session, "cannot %s: %s", verb, wrong);
    else if (*rest != '\0')
        control_refuse(session, "cannot %s: too many arguments; `help` shows the form", verb);
    else
        subscriptions_add(context->queries.subscriptions, session, verb, &filter, NULL);
}

void control_command_listen(void *state, struct control_session *session, char *arguments)
{
    subscribe(state, session, "listen", UINT32_C(1) << EVENT_MESSAGE, arguments);
}

static uint32_t all_kinds(void)
{
    return ((UINT32_C(1) << EVENT_KINDS) - 1) & ~(UINT32_C(1) << EVENT_MESSAGE);
}

/* Parses names of kinds, separated by commas. Returns 0 after it has refused the command. */
static uint32_t parse_kinds(struct control_session *session, char *names)
{
    const char *known[EVENT_KINDS];
    size_t known_count = 0;
    uint32_t kinds = 0;
    char *rest = NULL, shown[64];
    for (unsigned kind = EVENT_MESSAGE + 1; kind < EVENT_KINDS; kind++)
        known[known_count++] = event_kind_name(kind);
    for (char *name = strtok_r(names, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest)) {
        size_t i = 0;
        while (i < known_count && strcmp(known[i], name) != 0)
            i++;
        if (i == known_count) {
            const char *nearest = nearest_word(name, known, known_count);
            printable_ascii(shown, sizeof shown, name, strlen(name));
            control_refuse(session,
                           "cannot show events: '%s' is no kind of event%s%s%s; "
                           "udpctl(8) lists the kinds",
                           shown, nearest != NULL ? " (did you mean '" : "",
                           nearest != NULL ? nearest : "", nearest != NULL ? "'?)" : "");
            return 0;
        }
        kinds |= UINT32_C(1) << (EVENT_MESSAGE + 1 + i);
    }
    if (kinds == 0)
        control_refuse(session, "cannot show events: no kind is given; leave out `kinds=` to get "
                                "all of them");
    return kinds;
}

void control_command_events(void *state, struct control_session *session, char *arguments)
{
    uint32_t kinds = all_kinds();
    if (strncmp(arguments, KINDS_WORD, sizeof KINDS_WORD - 1) == 0) {
        char *names = arguments + sizeof KINDS_WORD - 1;
        arguments = names + strcspn(names, " \t");
        if (*arguments != '\0')
            *arguments++ = '\0';
        kinds = parse_kinds(session, names);
        if (kinds == 0)
            return;
    }
    subscribe(state, session, "show events", kinds, arguments);
}
