#ifndef CTL_BROADCAST_JOB_WAIT_H
#define CTL_BROADCAST_JOB_WAIT_H

#include "ctl/connection/control_server.h"
#include "ctl/output/output_record.h"

/* Sends a command `broadcast wait ...` and waits until the job has ended, like record_request. If
 * the server is upgraded meanwhile, it connects to the process that goes on with the job, and polls
 * it. If standard error is a terminal, it has a progress bar meanwhile, which is erased at the end.
 * *signal is 0, or SIGINT, SIGTERM or SIGHUP if that ended the waiting; then the job continues, and
 * the result is ANSWER_FAILED with a message in error. */
enum answer_result job_wait(const struct control_server *server, const char *command,
                            struct output_record *record, int *signal,
                            char error[ANSWER_ERROR_BYTES]);

#endif
