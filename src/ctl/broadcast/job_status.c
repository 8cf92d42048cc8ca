#include "ctl/broadcast/job_status.h"

#include "text/number_with_unit.h"
#include "text/printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Returns the next column, ended by a NUL; NULL if there is none. */
static char *next_column(char **rest)
{
    char *column = strsep(rest, " ");
    return column && *column ? column : NULL;
}

/* Reads the words NAME=NUMBER after the columns; unknown ones are ignored, because the server may
 * be newer than udpctl. */
static const char *read_confirmations(struct job_status *job, char *rest)
{
    const struct {
        const char *name;
        uint64_t *number;
    } pairs[] = {{"confirmed", &job->confirmed},
                 {"silent", &job->silent},
                 {"plain", &job->plain},
                 {"rounds", &job->rounds},
                 {"datagrams", &job->datagrams}};
    job->is_confirmed = false;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        *pairs[i].number = 0;
    for (char *word; (word = next_column(&rest)) != NULL;) {
        char *text = strchr(word, '=');
        if (text == NULL)
            continue;
        *text++ = '\0';
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
            if (strcmp(pairs[i].name, word) != 0)
                continue;
            job->is_confirmed = true;
            if (number_parse(text, 0, UINT64_MAX, pairs[i].number) != NULL)
                return "a pair that is not a number";
        }
    }
    return NULL;
}

const char *job_status_read(struct job_status *job, char *value)
{
    uint64_t *const numbers[] = {&job->id,     NULL,          &job->targets,     &job->sent,
                                 &job->failed, &job->skipped, &job->duration_ms, &job->bytes};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *column = next_column(&value);
        if (!column)
            return "a column is missing";
        if (!numbers[i])
            printable_ascii(job->state, sizeof job->state, column, strlen(column));
        else if (number_parse(column, 0, UINT64_MAX, numbers[i]))
            return "a column that is not a number";
    }
    const char *selector = next_column(&value);
    bool selects = selector != NULL && strcmp(selector, "-") != 0;
    printable_ascii(job->selector, sizeof job->selector, selector, selects ? strlen(selector) : 0);
    return read_confirmations(job, value);
}

bool job_status_is(const struct job_status *job, const char *state)
{
    return strcmp(job->state, state) == 0;
}

bool job_status_is_open(const struct job_status *job)
{
    return job_status_is(job, "waiting") || job_status_is(job, "running") ||
           job_status_is(job, "confirming");
}

bool job_status_is_confirming(const struct job_status *job)
{
    return job_status_is(job, "confirming") || (job_status_is(job, "running") && job->rounds > 1);
}

unsigned job_status_confirmed_permille(const struct job_status *job)
{
    double framed = (double)job->confirmed + (double)job->silent;
    return framed > 0 ? (unsigned)((double)job->confirmed / framed * 1000) : 1000;
}

bool job_status_has_targets(const struct job_status *job)
{
    return job->selector[0] == '\0' || !job_status_is_open(job);
}

static uint64_t finished_targets(const struct job_status *job)
{
    uint64_t sum = job->sent + job->failed + job->skipped;
    return sum < job->targets ? sum : job->targets;
}

unsigned job_status_permille(const struct job_status *job)
{
    if (job->targets == 0)
        return job_status_is_open(job) ? 0 : 1000;
    return (unsigned)((double)finished_targets(job) / (double)job->targets * 1000);
}

uint64_t job_status_rate_pps(const struct job_status *job)
{
    if (job->duration_ms == 0)
        return 0;
    return (uint64_t)((double)job->sent * 1000 / (double)job->duration_ms);
}

bool job_status_remaining_ms(const struct job_status *job, uint64_t *remaining_ms)
{
    if (!job_status_is(job, "running") || !job_status_has_targets(job) ||
        finished_targets(job) == 0)
        return false;
    double share = (double)(job->targets - finished_targets(job)) / (double)finished_targets(job);
    double ms = share * (double)job->duration_ms;
    *remaining_ms = ms < 1e15 ? (uint64_t)ms : UINT64_C(1000000000000000);
    return true;
}

const char *job_status_format_time(uint64_t ms, char text[JOB_STATUS_TIME_BYTES])
{
    uint64_t s = ms / 1000 + (ms % 1000 > 0);
    if (s < 3600)
        snprintf(text, JOB_STATUS_TIME_BYTES, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
    else
        snprintf(text, JOB_STATUS_TIME_BYTES, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600,
                 s / 60 % 60, s % 60);
    return text;
}
