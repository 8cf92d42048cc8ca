#ifndef CTL_INTERACTIVE_TAB_COMPLETION_H
#define CTL_INTERACTIVE_TAB_COMPLETION_H

#include "address/client_name.h"
#include "ctl/connection/control_server.h"
#include "terminal/line_editor.h"

/* Tab completion at udpctl's prompt: commands, the options of the command, the words of an option's
 * argument, and the clients, jobs and listeners of the server: those listeners that have a client.
 * A client that has a name is offered by that, too, as @NAME. Each client is offered once, in the
 * order of client_name_compare, and each listener once; the other words are in the order of their
 * tables. */

/* The most words of a list from the server. Further ones are not offered, and the choices are
 * marked partial. */
enum { TAB_COMPLETION_WORDS_MAX = 100000 };

struct tab_completion_word;

struct tab_completion {
    const struct control_server *server;
    /* Private, about the last completion; all zero at the beginning. */
    struct line_editor_choices *choices;
    const char *start, *end; /* of the prefix to complete, in the line */
    struct tab_completion_word *list;
    const char **words; /* the texts of list */
    size_t count, capacity;
};

/* Completes the word before the cursor. The parameters are those of line_editor_complete. It may
 * wait up to half a second for the server. */
void tab_completion_complete(struct tab_completion *completion, const char *line, size_t cursor,
                             struct line_editor_choices *choices);

/* Frees the words of the last completion. */
void tab_completion_free(struct tab_completion *completion);

#endif
