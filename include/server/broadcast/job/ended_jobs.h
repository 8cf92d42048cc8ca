#ifndef SERVER_BROADCAST_JOB_ENDED_JOBS_H
#define SERVER_BROADCAST_JOB_ENDED_JOBS_H

#include "base/handover.h"
#include "server/broadcast/job/job_report.h"

#include <stdbool.h>
#include <stdint.h>

/* The reports of the operator's broadcasts that have ended: the last JOBS_REMEMBERED of them. */

enum { JOBS_REMEMBERED = 64 /* one or two screens of `udpctl jobs` */ };

/* All zero: none has ended. */
struct ended_jobs {
    struct ended_job {
        struct job_report report;
        char *selector_text; /* of the report; NULL: none */
    } list[JOBS_REMEMBERED]; /* a ring, in the order in which they ended */
    uint64_t count;          /* since the start */
};

/* Frees the texts of the selectors. */
void ended_jobs_free(struct ended_jobs *ended);

/* Adds a report, whose selector is selector_text (NULL: none), which it takes over. Returns the
 * copy of the report, which is kept until JOBS_REMEMBERED others are added. */
const struct job_report *ended_jobs_add(struct ended_jobs *ended, const struct job_report *report,
                                        char *selector_text);

/* Calls visit for each job that is remembered, oldest first, or only for the one of that id, unless
 * id is 0. Returns whether there was one. */
bool ended_jobs_visit(const struct ended_jobs *ended, uint64_t id, job_visit *visit, void *state);

/* Notes that it is not known any more which clients have confirmed a job; nothing if it is not
 * remembered. */
void ended_jobs_lose_list(struct ended_jobs *ended, uint64_t id);

/* Adds the reports that are remembered to a record of a handover. */
void ended_jobs_hand_over(const struct ended_jobs *ended, struct handover_writer *writer);

/* Remembers these reports; none has ended before. count is then their number. Returns 0, -ENOMEM,
 * or -EPROTO if the record does not fit. */
int ended_jobs_take_over(struct ended_jobs *ended, struct handover_reader *reader);

#endif
