#ifndef CTL_TAB_COMPLETION_H
#define CTL_TAB_COMPLETION_H

#include "address/client_name.h"
#include "ctl/connection/answer.h"
#include "terminal/line_editor.h"

/* What Tab offers in a line for udpctl: its commands, the options that go with the command, the
 * words of a choice, and the clients and jobs that the server has: clients once each and in their
 * order (client_name_compare), the others in that of the tables. */

enum {
    TAB_COMPLETION_WORDS_MAX =
        100000, /* of a listing; more are not offered, and the choices partial */
};

struct tab_completion_word;

struct tab_completion {
    const struct answer_server *server; /* asked for no longer than half a second */
    /* Of the last line that was completed; all zero at the beginning. */
    struct line_editor_choices *choices;
    const char *end; /* of what is looked for, */
    const char *start;
    struct tab_completion_word *list;
    const char **words; /* beside the list, in its order at the end */
    size_t count, room;
};

/* As line_editor_complete has it. */
void tab_completion_line(struct tab_completion *complete, const char *line, size_t cursor,
                         struct line_editor_choices *choices);

/* Frees the words that were offered last. */
void tab_completion_free(struct tab_completion *complete);

#endif
