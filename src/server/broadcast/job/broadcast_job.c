#include "server/broadcast/job/broadcast_job.h"

#include "os/process/random.h"

#include <stdlib.h>
#include <string.h>

/* ---- construction ---- */

static void init_confirmation(struct broadcast_job *job,
                              const struct job_confirmation *confirmation, size_t size)
{
    uint32_t random = 0;
    random_fill(&random, sizeof random);
    job->report.is_confirmed = true;
    confirmation_rounds_init(&job->rounds, confirmation->within_ms, random);
    job->confirmed.frame = job->frame;
    job->confirmed.frame_bytes = FRAME_MESSAGE_HEAD_BYTES + size;
    job->confirmed.only = confirmation->only;
}

/* Makes the shards of a job whose other members are set. Returns false if there is no memory. */
static bool make_shards(struct broadcast_job *job, size_t size,
                        const struct job_shards_options *shards)
{
    struct job_shards_options options = *shards;
    options.state = job;
    const struct job_shards_payload payload = {
        .bytes = job->frame + FRAME_MESSAGE_HEAD_BYTES,
        .size = size,
        .selector = client_selector_is_all(&job->selector) ? NULL : &job->selector,
        .confirmed = job->report.is_confirmed ? &job->confirmed : NULL};
    job->shards = job_shards_new(&options, &payload);
    return job->shards != NULL;
}

struct broadcast_job *broadcast_job_new(const struct job_request *request, uint64_t id,
                                        uint64_t number, const struct job_shards_options *shards)
{
    const char *text = request->selector_text;
    struct broadcast_job *job = calloc(1, sizeof *job + FRAME_MESSAGE_HEAD_BYTES + request->size);
    if (job == NULL)
        return NULL;
    job->selector_text = text != NULL ? strdup(text) : NULL;
    job->report = (struct job_report){.id = id,
                                      .state = JOB_WAITING,
                                      .bytes = request->size,
                                      .selector = text != NULL ? job->selector_text : ""};
    job->submitter = (struct job_waiter){request->ended, request->state};
    job->selector = request->selector != NULL ? *request->selector : client_selector_all();
    job->confirmed.job = number;
    if (request->confirmation != NULL)
        init_confirmation(job, request->confirmation, request->size);
    if (request->size > 0)
        memcpy(job->frame + FRAME_MESSAGE_HEAD_BYTES, request->bytes, request->size);
    if ((text != NULL && job->selector_text == NULL) || !make_shards(job, request->size, shards)) {
        free(job->selector_text);
        broadcast_job_free(job);
        return NULL;
    }
    return job;
}

void broadcast_job_free(struct broadcast_job *job)
{
    job_shards_free(job->shards);
    free(job);
}

/* ---- its counts ---- */

void broadcast_job_sum_up(const struct broadcast_job *job, uint64_t now_ms,
                          struct job_report *report)
{
    const struct job_counts counts = job_shards_sum(job->shards);
    *report = job->report;
    report->targets = counts.targets;
    report->sent = counts.sent;
    report->failed = counts.failed;
    report->skipped = counts.skipped;
    if (job->started_ms != 0)
        report->duration_ms = now_ms - job->started_ms;
    if (!report->is_confirmed)
        return;
    uint64_t copies = counts.sent + counts.failed;
    report->confirmed = counts.confirmed;
    report->silent = counts.framed - counts.confirmed;
    report->plain = copies > counts.framed ? copies - counts.framed : 0;
    report->rounds = job->rounds.begun;
    report->datagrams = counts.datagrams;
}

bool broadcast_job_have_all_confirmed(const struct broadcast_job *job)
{
    const struct job_counts counts = job_shards_sum(job->shards);
    return counts.confirmed == counts.framed;
}

bool broadcast_job_is_finished(const struct broadcast_job *job, uint64_t now_ms)
{
    return broadcast_job_have_all_confirmed(job) ||
           confirmation_rounds_have_expired(&job->rounds, now_ms);
}

/* ---- its end ---- */

void broadcast_job_stop_sending(struct broadcast_job *job)
{
    if (job->is_stopping)
        return;
    job->is_stopping = true;
    job_shards_cancel(job->shards);
}
