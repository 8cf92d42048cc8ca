#ifndef CTL_COMPLETE_H
#define CTL_COMPLETE_H

#include "base/transport.h"
#include "ctl/answer.h"
#include "terminal/lineedit.h"

/* What Tab offers in a line for udpctl: its commands, the options that go with the command, the
 * words of a choice, and the clients and jobs that the server has: clients once each and in their
 * order (client_name_compare), the others in that of the tables. */

enum {
    COMPLETE_WORDS_MAX = 100000, /* of a listing; more are not offered, and the choices partial */
};

struct complete_word;

struct complete {
    const struct answer_server *server; /* asked for no longer than half a second */
    /* Of the last line that was completed; all zero at the beginning. */
    struct lineedit_choices *choices;
    const char *end; /* of what is looked for, */
    const char *start;
    struct complete_word *list;
    const char **words; /* beside the list, in its order at the end */
    size_t count, room;
};

/* As lineedit_complete has it. */
void complete_line(struct complete *complete, const char *line, size_t cursor,
                   struct lineedit_choices *choices);

/* Frees the words that were offered last. */
void complete_free(struct complete *complete);

#endif
