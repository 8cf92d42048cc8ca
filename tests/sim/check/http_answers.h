#ifndef SIM_CHECK_HTTP_ANSWERS_H
#define SIM_CHECK_HTTP_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The answers of the HTTP server of the metrics: each is whole and well-formed, and its numbers are
 * those of the model. */

/* An answer that was taken. */
struct http_read {
    int status;
    const char *body; /* in the bytes that it was read of */
    size_t size;      /* of it */
};

/* Reads the answer at the beginning of what a peer has received; one of HEAD has no body. Returns
 * its size, 0: it is not whole. The end of the bytes is followed by a NUL. */
size_t http_answers_read(const char *bytes, size_t size, bool is_head, struct http_read *answer);

/* What the model knows when a request is sent. */
struct http_known {
    uint64_t received;          /* in all starts whose counters go on */
    uint64_t at_least, at_most; /* clients that send datagrams */
    uint64_t counted; /* of received, at least: the counts of a batch wait with its replies */
    uint64_t gaps;    /* of publish streams, at least */
};
struct http_known http_answers_known(void);

/* The numbers of an answer to a request that was sent when that was known. is_recent: few
 * milliseconds ago, and no settings have changed, so that the clients can be compared, too. */
void http_answers_check_status(const struct http_read *answer, const struct http_known *before,
                               bool is_recent);
void http_answers_check_metrics(const struct http_read *answer, const struct http_known *before);

#endif
