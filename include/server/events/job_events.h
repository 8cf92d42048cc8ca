#ifndef SERVER_EVENTS_JOB_EVENTS_H
#define SERVER_EVENTS_JOB_EVENTS_H

#include "server/broadcast/broadcast_jobs.h"

/* Publishes the events of broadcasts: job_queued, job_started, job_ended. A job_change for
 * jobs_set_observer; state is the struct subscriptions. */
void job_events_publish(void *state, const struct job_report *report);

#endif
