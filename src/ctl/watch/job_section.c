#include "ctl/watch/job_section.h"

#include "ctl/output/readable_format.h"
#include "ctl/watch/row_writer.h"

#include <inttypes.h>

enum {
    BAR_MIN = 16,
    BAR_MAX = 60,
    BAR_ASIDE = 54, /* columns beside the bar: job, rate, remaining time */
};

/* Of a job whose targets are not known yet. Returns whether the number of copies fitted. */
static bool draw_selecting(const struct job_status *job, struct row_writer *row, bool stale)
{
    char text[READABLE_FORMAT_BYTES];
    bool fits = row_writer_put(row, stale ? SCREEN_DIM : SCREEN_BOLD, "%s sent",
                               readable_format_integer(job->sent, text));
    return stale ||
           (fits && row_writer_put(row, SCREEN_PLAIN, "%s/s",
                                   readable_format_integer(job_status_rate_pps(job), text)));
}

static void draw_bar(struct row_writer *row, unsigned permille, bool stale)
{
    struct screen *screen = row->screen;
    unsigned bar = screen->columns - BAR_ASIDE;
    row_writer_put(row, stale ? SCREEN_DIM : SCREEN_BOLD, "%u.%u %%", permille / 10, permille % 10);
    if (screen->columns < BAR_ASIDE + BAR_MIN || row_writer_columns_left(row) <= BAR_MIN)
        return;
    screen_put(screen, SCREEN_PLAIN, " ");
    screen_bar(screen, stale ? SCREEN_DIM : SCREEN_GOOD, bar < BAR_MAX ? bar : BAR_MAX, permille);
}

/* Returns whether it fitted. */
static bool draw_confirmed(const struct job_status *job, struct row_writer *row)
{
    char text[READABLE_FORMAT_BYTES], framed[READABLE_FORMAT_BYTES];
    return row_writer_put(row, SCREEN_DIM, "%s of %s confirmed",
                          readable_format_integer(job->confirmed, text),
                          readable_format_integer(job->confirmed + job->silent, framed));
}

static bool draw_confirming(const struct job_status *job, struct row_writer *row, bool stale)
{
    draw_bar(row, job_status_confirmed_permille(job), stale);
    row_writer_put(row, SCREEN_PLAIN, "round %" PRIu64, job->rounds);
    return draw_confirmed(job, row);
}

/* Returns whether the number of copies fitted, so that less important pieces may follow. Rate and
 * remaining time are left out if the values are stale. */
static bool draw_running(const struct job_status *job, struct row_writer *row, bool stale)
{
    char text[READABLE_FORMAT_BYTES], targets[READABLE_FORMAT_BYTES], time[JOB_STATUS_TIME_BYTES];
    uint64_t remaining_ms;
    draw_bar(row, job_status_permille(job), stale);
    if (!stale)
        row_writer_put(row, SCREEN_PLAIN, "%s/s",
                       readable_format_integer(job_status_rate_pps(job), text));
    if (!stale && job_status_remaining_ms(job, &remaining_ms))
        row_writer_put(row, SCREEN_PLAIN, "%s to go", job_status_format_time(remaining_ms, time));
    return row_writer_put(row, SCREEN_DIM, "%s of %s sent",
                          readable_format_integer(job->sent, text),
                          readable_format_integer(job->targets, targets));
}

static bool draw_ended(const struct job_status *job, struct row_writer *row)
{
    char text[READABLE_FORMAT_BYTES], targets[READABLE_FORMAT_BYTES];
    if (!row_writer_put(row, SCREEN_DIM, "%s of %s sent", readable_format_integer(job->sent, text),
                        readable_format_integer(job->targets, targets)))
        return false;
    if (job->is_confirmed && !draw_confirmed(job, row))
        return false;
    return job->failed == 0 ||
           row_writer_put(row, SCREEN_BAD, "%s failed", readable_format_integer(job->failed, text));
}

static void draw_job(const struct job_status *job, struct screen *screen, bool stale)
{
    char text[READABLE_FORMAT_BYTES];
    struct row_writer row = row_writer_begin(screen, 0, screen->columns);
    bool fits = true;
    enum screen_style style = stale ? SCREEN_DIM : SCREEN_PLAIN;
    if (!row_writer_put(&row, style, "job %" PRIu64 " %s", job->id, job->state))
        row_writer_put(&row, style, "job %" PRIu64, job->id);
    if (job_status_is_confirming(job))
        fits = draw_confirming(job, &row, stale);
    else if (job_status_is(job, "running") && job_status_has_targets(job))
        fits = draw_running(job, &row, stale);
    else if (job_status_is(job, "running"))
        fits = draw_selecting(job, &row, stale);
    else if (!job_status_is_open(job))
        fits = draw_ended(job, &row);
    if (fits && job->skipped > 0)
        fits = row_writer_put(&row, SCREEN_DIM, "%s skipped",
                              readable_format_integer(job->skipped, text));
    if (fits)
        fits =
            row_writer_put(&row, SCREEN_DIM, "%s bytes", readable_format_integer(job->bytes, text));
    if (fits && job->selector[0] != '\0')
        row_writer_put(&row, SCREEN_DIM, "%s", job->selector);
    screen_end_row(screen);
}

static size_t list_jobs(const struct server_snapshot *snapshot,
                        const struct job_status *list[SERVER_SNAPSHOT_JOBS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < snapshot->job_count; i++)
        if (job_status_is_open(&snapshot->jobs[i]))
            list[count++] = &snapshot->jobs[i];
    for (size_t i = snapshot->job_count; i-- > 0;)
        if (!job_status_is_open(&snapshot->jobs[i]))
            list[count++] = &snapshot->jobs[i];
    return count;
}

void job_section_draw(const struct server_snapshot *snapshot, struct screen *screen, unsigned rows)
{
    const struct job_status *list[SERVER_SNAPSHOT_JOBS_MAX];
    size_t count = list_jobs(snapshot, list);
    for (size_t i = 0; i < count && rows > 0; i++, rows--) {
        if (rows == 1 && count - i > 1 && i > 0) {
            struct row_writer row = row_writer_begin(screen, 0, screen->columns);
            row_writer_put(&row, SCREEN_DIM, "... %zu more", count - i);
            screen_end_row(screen);
            return;
        }
        draw_job(list[i], screen, server_snapshot_is_stale(snapshot));
    }
}
