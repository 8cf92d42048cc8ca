#ifndef SERVER_CONTROL_COMMANDS_JOB_LINES_H
#define SERVER_CONTROL_COMMANDS_JOB_LINES_H

#include "server/broadcast/job/job_report.h"

struct control_session;

/* Writes the lines `confirmed`, `silent`, `plain`, `rounds` and `datagrams` of an answer; none if
 * the job is not confirmed. */
void job_lines_write_confirmations(struct control_session *session,
                                   const struct job_report *report);

#endif
