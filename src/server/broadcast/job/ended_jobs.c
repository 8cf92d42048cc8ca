#include "server/broadcast/job/ended_jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

void ended_jobs_lose_list(struct ended_jobs *ended, uint64_t id)
{
    for (size_t i = 0; i < JOBS_REMEMBERED; i++)
        if (ended->list[i].report.id == id)
            ended->list[i].report.has_lost_list = true;
}

/* ---- the handover ---- */

static void put_report(void *state, const struct job_report *report)
{
    struct handover_writer *writer = state;
    handover_put8(writer, true);
    handover_put64(writer, report->id);
    handover_put8(writer, (uint8_t)report->state);
    handover_put64(writer, report->targets);
    handover_put64(writer, report->sent);
    handover_put64(writer, report->failed);
    handover_put64(writer, report->skipped);
    handover_put64(writer, report->duration_ms);
    handover_put64(writer, report->bytes);
    handover_put_text(writer, report->selector);
    handover_put8(writer, report->is_confirmed);
    handover_put64(writer, report->confirmed);
    handover_put64(writer, report->silent);
    handover_put64(writer, report->plain);
    handover_put64(writer, report->rounds);
    handover_put64(writer, report->datagrams);
    handover_put8(writer, report->has_lost_list);
}

void ended_jobs_hand_over(const struct ended_jobs *ended, struct handover_writer *writer)
{
    ended_jobs_visit(ended, 0, put_report, writer);
    handover_put8(writer, false);
}

static int get_report(struct ended_jobs *ended, struct handover_reader *reader)
{
    struct job_report report = {.id = handover_get64(reader)};
    report.state = (enum job_state)handover_get8(reader);
    report.targets = handover_get64(reader);
    report.sent = handover_get64(reader);
    report.failed = handover_get64(reader);
    report.skipped = handover_get64(reader);
    report.duration_ms = handover_get64(reader);
    report.bytes = (size_t)handover_get64(reader);
    const char *selector = handover_get_text(reader);
    report.is_confirmed = handover_get8(reader) != 0;
    report.confirmed = handover_get64(reader);
    report.silent = handover_get64(reader);
    report.plain = handover_get64(reader);
    report.rounds = handover_get64(reader);
    report.datagrams = handover_get64(reader);
    report.has_lost_list = handover_get8(reader) != 0;
    if (reader->failed || selector == NULL || report.state > JOB_CANCELLED)
        return -EPROTO;
    char *text = strdup(selector);
    if (text == NULL)
        return -ENOMEM;
    report.selector = text;
    ended_jobs_add(ended, &report, text);
    return 0;
}

int ended_jobs_take_over(struct ended_jobs *ended, struct handover_reader *reader)
{
    int error = 0;
    while (error == 0 && handover_get8(reader))
        error = get_report(ended, reader);
    return error == 0 && reader->failed ? -EPROTO : error;
}
