#include "server/broadcast/job/broadcast_job.h"

#include "os/process/random.h"
#include "server/broadcast/handover_values.h"

#include <errno.h>
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

struct broadcast_job *broadcast_job_new(const struct job_request *request,
                                        const struct job_shards_options *shards)
{
    const char *text = request->selector_text;
    struct broadcast_job *job = calloc(1, sizeof *job + FRAME_MESSAGE_HEAD_BYTES + request->size);
    if (job == NULL)
        return NULL;
    job->selector_text = text != NULL ? strdup(text) : NULL;
    job->report = (struct job_report){.state = JOB_WAITING,
                                      .bytes = request->size,
                                      .selector = text != NULL ? job->selector_text : ""};
    job->submitter = (struct job_waiter){request->ended, request->state};
    job->selector = request->selector != NULL ? *request->selector : client_selector_all();
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

void broadcast_job_set_id(struct broadcast_job *job, uint64_t id, uint64_t number)
{
    job->report.id = id;
    job->confirmed.job = number;
    job_shards_set_id(job->shards, id);
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

/* ---- the handover ---- */

void broadcast_job_hand_over(const struct broadcast_job *job, struct handover_writer *writer)
{
    size_t size = FRAME_MESSAGE_HEAD_BYTES + job->report.bytes;
    handover_put64(writer, job->report.id);
    handover_put8(writer, (uint8_t)job->report.state);
    handover_put64(writer, job->started_ms);
    handover_put_selector(writer, &job->selector);
    handover_put_text(writer, job->selector_text);
    handover_put8(writer, job->report.is_confirmed);
    handover_put_only(writer, &job->confirmed.only);
    handover_put32(writer, job->rounds.within_ms);
    handover_put32(writer, job->rounds.interval_ms);
    handover_put64(writer, job->rounds.origin_ms);
    handover_put32(writer, job->rounds.begun);
    handover_put32(writer, (uint32_t)size);
    handover_put_bytes(writer, job->frame, size);
    if (job->report.state != JOB_WAITING)
        job_shards_hand_over(job->shards, writer);
}

/* A job as it was read. The bytes and the text are those of the record. */
struct job_record {
    uint64_t id, started_ms;
    enum job_state state;
    struct client_selector selector;
    struct job_confirmation confirmation;
    struct confirmation_rounds rounds;
    struct job_request request;
    const uint8_t *frame;
};

/* Returns whether it fits. */
static bool read_job(struct job_record *record, struct handover_reader *reader)
{
    record->id = handover_get64(reader);
    record->state = (enum job_state)handover_get8(reader);
    record->started_ms = handover_get64(reader);
    record->selector = handover_get_selector(reader);
    record->request.selector = &record->selector;
    record->request.selector_text = handover_get_text(reader);
    record->request.confirmation = handover_get8(reader) ? &record->confirmation : NULL;
    record->confirmation.only = handover_get_only(reader);
    record->rounds.within_ms = handover_get32(reader);
    record->rounds.interval_ms = handover_get32(reader);
    record->rounds.origin_ms = handover_get64(reader);
    record->rounds.begun = handover_get32(reader);
    uint32_t size = handover_get32(reader);
    record->frame = handover_get_bytes(reader, size);
    if (reader->failed || size < FRAME_MESSAGE_HEAD_BYTES || record->state > JOB_CONFIRMING ||
        record->rounds.begun > CONFIRMATION_ROUNDS_MAX)
        return false;
    record->confirmation.within_ms = record->rounds.within_ms;
    record->request.bytes = record->frame + FRAME_MESSAGE_HEAD_BYTES;
    record->request.size = size - FRAME_MESSAGE_HEAD_BYTES;
    return true;
}

struct broadcast_job *broadcast_job_take_over(struct handover_reader *reader, uint64_t number_base,
                                              const struct job_shards_options *shards, int *error)
{
    struct job_record record = {.id = 0};
    *error = -EPROTO;
    if (!read_job(&record, reader))
        return NULL;
    struct broadcast_job *job = broadcast_job_new(&record.request, shards);
    *error = job != NULL ? 0 : -ENOMEM;
    if (job == NULL)
        return NULL;
    broadcast_job_set_id(job, record.id, number_base + record.id);
    job->report.state = record.state;
    job->started_ms = record.started_ms;
    job->rounds = record.rounds;
    memcpy(job->frame, record.frame, FRAME_MESSAGE_HEAD_BYTES);
    if (record.state != JOB_WAITING)
        *error = job_shards_take_over(job->shards, reader);
    if (*error == 0)
        return job;
    free(job->selector_text);
    broadcast_job_free(job);
    return NULL;
}
