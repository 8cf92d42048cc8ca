#ifndef CLIENT_SESSION_REPORT_H
#define CLIENT_SESSION_REPORT_H

#include "client/line_input.h"
#include "client/options.h"
#include "client/peer.h"
#include "client/pending_requests.h"

#include <stdint.h>

/* The error messages and the exit status of a line session. Each function hides the line being
 * edited before it prints to stderr. */
struct session_report {
    const struct client_options *options;
    const struct peer *peer;
    struct line_input *input;
    uint64_t failed_lines; /* lines that could not be sent */
    int last_error;        /* -errno last printed; 0 after a datagram was received */
    bool hello_failed;     /* the user has asked for a hello, and it had no effect */
    int hello_status;      /* of the answer last reported, from wire/frame; -1: there was none */
};

/* Prints an error of the peer (-errno), unless it is the last one that was printed. */
void session_report_error(struct session_report *report, int error);

/* Prints that requests or keepalives timed out; keepalives only once, since some services never
 * answer them. */
void session_report_timeout(struct session_report *report, uint32_t requests, uint32_t keepalives);

/* Prints why the current line is not sent, and counts it as failed. */
void session_report_rejected_line(struct session_report *report, const char *reason,
                                  const char *advice);

/* Prints an error of reading standard input (-errno), and counts a failed line. */
void session_report_input_error(struct session_report *report, int error);

/* Handles the answer to a hello. Prints what the user has asked for and does not get, unless that
 * was the last that was printed of it. */
void session_report_hello(struct session_report *report, const struct frame *answer);

/* The same for hellos without an answer; known: of a service that has answered an earlier one. */
void session_report_silence(struct session_report *report, bool known);

/* Prints the summary of a session without a terminal if it failed. Returns the exit status; signal
 * is the one that ended the session, or 0. */
int session_report_status(const struct session_report *report,
                          const struct pending_requests *requests, int signal);

#endif
