#ifndef CTL_CONNECTION_ANSWER_H
#define CTL_CONNECTION_ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Talking to the server: one connection, one command, one answer. The protocol is in udpctl(8). */

enum {
    ANSWER_LINE_BYTES =
        (8 << 10) + 2, /* the longest line of an answer, "\r\n" or "\n\0" included */
    ANSWER_ERROR_BYTES = ANSWER_LINE_BYTES + 256,
    ANSWER_NO_TIMEOUT = INT32_MAX, /* in milliseconds: 24 days, which nobody waits */
};

enum answer_result {
    ANSWER_OK,
    ANSWER_REFUSED, /* the server answered with an error */
    ANSWER_ABSENT,  /* nobody listens there */
    ANSWER_BROKEN,  /* no connection, no time left, or what came is no answer */
    ANSWER_MORE,    /* of answer_take alone: it isn't over yet */
};

struct answer_server {
    const char *path;
    const char *elsewhere; /* another place to look at if nobody is there; NULL: none */
    uint32_t timeout_ms;   /* for each part of the answer, */
    bool bounded;          /* or for all of it: an answer may be long */
};

/* Takes one line behind the first; value is "" if the line is a key alone, and may be changed.
 * Returns NULL, or what is wrong with the line, a static string. */
typedef const char *answer_visit(void *state, const char *key, char *value);

/* Sends command, a line without its newline, and hands the answer's lines to visit, those behind an
 * error, too. Any result but ANSWER_OK has a sentence for people in error. */
enum answer_result answer_ask(const struct answer_server *server, const char *command,
                              answer_visit *visit, void *state, char error[ANSWER_ERROR_BYTES]);

/* The reading half: one answer from in. error is the server's own text if it refused. */
enum answer_result answer_read(FILE *in, answer_visit *visit, void *state,
                               char error[ANSWER_ERROR_BYTES]);

/* The same for who reads lines by himself: an answer, zero at its beginning, takes a line without
 * its newline, which may be changed. ANSWER_MORE until it is over. */
struct answer {
    bool begun, refused;
};
enum answer_result answer_take(struct answer *answer, char *line, answer_visit *visit, void *state,
                               char error[ANSWER_ERROR_BYTES]);

/* Says why there is no connection: why is an errno. ANSWER_ABSENT or ANSWER_BROKEN. */
enum answer_result answer_no_connection(const struct answer_server *server, int why,
                                        char error[ANSWER_ERROR_BYTES]);

/* Before a connection: whether who answers there can be trusted. ANSWER_OK or ANSWER_BROKEN. */
enum answer_result answer_check_place(const struct answer_server *server,
                                      char error[ANSWER_ERROR_BYTES]);

#endif
