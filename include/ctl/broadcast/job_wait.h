#ifndef CTL_BROADCAST_JOB_WAIT_H
#define CTL_BROADCAST_JOB_WAIT_H

#include "ctl/connection/answer.h"
#include "ctl/output/output.h"

/* Sends a `broadcast wait` and waits for the job's end, as request_record would; meanwhile the
 * job's progress stands on standard error, where that is a terminal, and is gone again at the end.
 * *signal is 0, or SIGINT, SIGTERM or SIGHUP, which ended the waiting; the job goes on then, and
 * the result is ANSWER_BROKEN with a sentence that says so. */
enum answer_result wait_for_job(const struct answer_server *server, const char *command,
                                struct output_record *record, int *signal,
                                char error[ANSWER_ERROR_BYTES]);

#endif
