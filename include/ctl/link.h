#ifndef CTL_LINK_H
#define CTL_LINK_H

#include "ctl/answer.h"
#include "net/loop.h"

/* A connection to the server in a loop, for who has more to do than to wait: one question at a
 * time, and its answer line by line. */
struct link;

struct link_callbacks {
    answer_visit *line; /* a line behind the first */
    /* The answer is over. Anything but ANSWER_OK and ANSWER_REFUSED means that the connection is of
     * no use any more; that comes without a question, too, when the server closes. error is a
     * sentence for people, unless it is ANSWER_OK. The link may be closed here. */
    void (*ended)(void *state, enum answer_result result, const char *error);
};

/* Connects; server and callbacks must outlive the link. ANSWER_OK, or why not, with a sentence in
 * error. */
enum answer_result link_open(struct link **link, struct loop *loop,
                             const struct answer_server *server,
                             const struct link_callbacks *callbacks, void *state,
                             char error[ANSWER_ERROR_BYTES]);

/* Sends a command, a line without its newline, and has timeout_ms of the server for its whole
 * answer (ANSWER_NO_TIMEOUT: as long as it takes). */
void link_ask(struct link *link, const char *command);

/* NULL is fine. */
void link_close(struct link *link);

#endif
