#ifndef CTL_CONNECTION_ASYNC_CONNECTION_H
#define CTL_CONNECTION_ASYNC_CONNECTION_H

#include "ctl/connection/answer.h"
#include "os/loop/event_loop.h"

/* A connection to the server in a loop, for who has more to do than to wait: one question at a
 * time, and its answer line by line. */
struct async_connection;

struct async_connection_callbacks {
    answer_visit *line; /* a line behind the first */
    /* The answer is over. Anything but ANSWER_OK and ANSWER_REFUSED means that the connection is of
     * no use any more; that comes without a question, too, when the server closes. error is a
     * sentence for people, unless it is ANSWER_OK. The link may be closed here. */
    void (*ended)(void *state, enum answer_result result, const char *error);
};

/* Connects; server and callbacks must outlive the link. ANSWER_OK, or why not, with a sentence in
 * error. */
enum answer_result async_connection_open(struct async_connection **link, struct loop *loop,
                                         const struct answer_server *server,
                                         const struct async_connection_callbacks *callbacks,
                                         void *state, char error[ANSWER_ERROR_BYTES]);

/* Sends a command, a line without its newline, and has timeout_ms of the server for its whole
 * answer (ANSWER_NO_TIMEOUT: as long as it takes). */
void async_connection_ask(struct async_connection *link, const char *command);

/* NULL is fine. */
void async_connection_close(struct async_connection *link);

#endif
