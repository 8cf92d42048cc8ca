#ifndef CTL_COMPLETE_H
#define CTL_COMPLETE_H

#include "core/addr.h"
#include "core/lineedit.h"
#include "ctl/answer.h"

/* What Tab offers in a line for udpctl: its commands, the options that go with the command, the
 * words of a choice, and the clients and jobs that the server has. */
struct complete {
    const struct answer_server *server; /* asked for no longer than half a second */
    /* Of the last line that was completed. */
    struct lineedit_choices *choices;
    size_t count;
    const char *end; /* of what is looked for, */
    const char *start;
    char texts[LINEEDIT_CHOICES_MAX][ADDR_TEXT_BYTES];
};

/* As lineedit_complete has it. */
void complete_line(struct complete *complete, const char *line, size_t cursor,
                   struct lineedit_choices *choices);

#endif
