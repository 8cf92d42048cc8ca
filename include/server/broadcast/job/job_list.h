#ifndef SERVER_BROADCAST_JOB_JOB_LIST_H
#define SERVER_BROADCAST_JOB_JOB_LIST_H

#include "server/broadcast/job/broadcast_job.h"

/* Jobs in the order in which they were added. A job is in one list at most. */
struct job_list {
    struct broadcast_job *first, **end;
};

void job_list_init(struct job_list *list);
void job_list_append(struct job_list *list, struct broadcast_job *job);

/* Returns the link to the job of that id, or to the NULL at the end if it is not in the list. */
struct broadcast_job **job_list_find(struct job_list *list, uint64_t id);

/* Removes the job that a link of the list points to, and returns it. */
struct broadcast_job *job_list_take(struct job_list *list, struct broadcast_job **link);

#endif
