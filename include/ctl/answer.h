#ifndef CTL_ANSWER_H
#define CTL_ANSWER_H

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
};

struct answer_server {
    const char *path;
    const char *elsewhere; /* another place to look at if nobody is there; NULL: none */
    uint32_t timeout_ms;   /* for each read and write */
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

#endif
