#include "server/events/job_events.h"

#include "server/events/subscriptions.h"

#include <inttypes.h>

/* The selector is the last member of its line, and left out for a broadcast to all clients. */
void job_events_publish(void *state, const struct job_report *report)
{
    const char *word = report->selector[0] != '\0' ? " selector=" : "", *text = report->selector;
    char confirmations[JOB_CONFIRMATIONS_TEXT_BYTES];
    switch (report->state) {
    case JOB_WAITING:
        subscriptions_publish(state, EVENT_JOB_QUEUED, "id=%" PRIu64 " bytes=%zu%s%s", report->id,
                              report->bytes, word, text);
        break;
    case JOB_CONFIRMING:
        break;
    case JOB_RUNNING:
        subscriptions_publish(state, EVENT_JOB_STARTED, "id=%" PRIu64 "%s%s", report->id, word,
                              text);
        break;
    case JOB_DONE:
    case JOB_CANCELLED:
        subscriptions_publish(state, EVENT_JOB_ENDED,
                              "id=%" PRIu64 " state=%s targets=%" PRIu64 " sent=%" PRIu64
                              " failed=%" PRIu64 " skipped=%" PRIu64 " duration_ms=%" PRIu64
                              "%s%s%s",
                              report->id, job_state_name(report->state), report->targets,
                              report->sent, report->failed, report->skipped, report->duration_ms,
                              job_report_confirmations(report, confirmations), word, text);
        break;
    }
}
