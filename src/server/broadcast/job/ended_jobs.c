#include "server/broadcast/job/ended_jobs.h"

#include <stdlib.h>

void ended_jobs_free(struct ended_jobs *ended)
{
    for (size_t i = 0; i < JOBS_REMEMBERED; i++)
        free(ended->list[i].selector_text);
}

const struct job_report *ended_jobs_add(struct ended_jobs *ended, const struct job_report *report,
                                        char *selector_text)
{
    struct ended_job *added = &ended->list[ended->count++ % JOBS_REMEMBERED];
    free(added->selector_text);
    added->report = *report;
    added->selector_text = selector_text;
    return &added->report;
}

bool ended_jobs_visit(const struct ended_jobs *ended, uint64_t id, job_visit *visit, void *state)
{
    bool is_found = false;
    uint64_t oldest = ended->count > JOBS_REMEMBERED ? ended->count - JOBS_REMEMBERED : 0;
    for (uint64_t i = oldest; i < ended->count; i++) {
        const struct job_report *report = &ended->list[i % JOBS_REMEMBERED].report;
        if (id != 0 && report->id != id)
            continue;
        visit(state, report);
        is_found = true;
    }
    return is_found;
}
