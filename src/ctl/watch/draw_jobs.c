/* The broadcasts of what `watch` shows. */
#include "ctl/watch/draw_jobs.h"

#include "ctl/output/readable_numbers.h"
#include "ctl/watch/screen_row.h"

#include <inttypes.h>

enum {
    BAR_MIN = 16,
    BAR_MAX = 60,
    BAR_ASIDE = 54, /* columns that stand beside it: what it is of, how fast, how long yet */
};

/* Returns whether there was room for the first of it, and so for what matters less. How fast it is
 * is only known while the figures are of now. */
static bool draw_running(const struct job_status *job, struct screen_row *row, bool stale)
{
    char text[READABLE_BYTES], targets[READABLE_BYTES], time[JOB_STATUS_TIME_BYTES];
    struct screen *screen = row->screen;
    uint64_t left_ms;
    unsigned permille = job_status_permille(job), bar = screen->columns - BAR_ASIDE;
    screen_row_put(row, stale ? SCREEN_DIM : SCREEN_BOLD, "%u.%u %%", permille / 10, permille % 10);
    if (screen->columns >= BAR_ASIDE + BAR_MIN && screen_row_room(row) > BAR_MIN) {
        screen_put(screen, SCREEN_PLAIN, " ");
        screen_bar(screen, stale ? SCREEN_DIM : SCREEN_GOOD, bar < BAR_MAX ? bar : BAR_MAX,
                   permille);
    }
    if (!stale)
        screen_row_put(row, SCREEN_PLAIN, "%s/s", readable_number(job_status_rate_pps(job), text));
    if (!stale && job_status_left_ms(job, &left_ms))
        screen_row_put(row, SCREEN_PLAIN, "%s to go", job_status_time(left_ms, time));
    return screen_row_put(row, SCREEN_DIM, "%s of %s sent", readable_number(job->sent, text),
                          readable_number(job->targets, targets));
}

static bool draw_ended(const struct job_status *job, struct screen_row *row)
{
    char text[READABLE_BYTES], targets[READABLE_BYTES];
    if (!screen_row_put(row, SCREEN_DIM, "%s of %s sent", readable_number(job->sent, text),
                        readable_number(job->targets, targets)))
        return false;
    return job->failed == 0 ||
           screen_row_put(row, SCREEN_BAD, "%s failed", readable_number(job->failed, text));
}

static void draw_job(const struct job_status *job, struct screen *screen, bool stale)
{
    char text[READABLE_BYTES];
    struct screen_row row = screen_row_begin(screen, 0, screen->columns);
    bool room = true;
    enum screen_style style = stale ? SCREEN_DIM : SCREEN_PLAIN;
    if (!screen_row_put(&row, style, "job %" PRIu64 " %s", job->id, job->state))
        screen_row_put(&row, style, "job %" PRIu64, job->id);
    if (job_status_is(job, "running"))
        room = draw_running(job, &row, stale);
    else if (!job_status_is_open(job))
        room = draw_ended(job, &row);
    if (room && job->skipped > 0)
        room = screen_row_put(&row, SCREEN_DIM, "%s skipped", readable_number(job->skipped, text));
    if (room)
        screen_row_put(&row, SCREEN_DIM, "%s bytes", readable_number(job->bytes, text));
    screen_end_row(screen);
}

static size_t list_jobs(const struct watch_data *view,
                        const struct job_status *list[WATCH_DATA_JOBS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < view->job_count; i++)
        if (job_status_is_open(&view->jobs[i]))
            list[count++] = &view->jobs[i];
    for (size_t i = view->job_count; i-- > 0;)
        if (!job_status_is_open(&view->jobs[i]))
            list[count++] = &view->jobs[i];
    return count;
}

void draw_jobs(const struct watch_data *view, struct screen *screen, unsigned rows)
{
    const struct job_status *list[WATCH_DATA_JOBS_MAX];
    size_t count = list_jobs(view, list);
    for (size_t i = 0; i < count && rows > 0; i++, rows--) {
        if (rows == 1 && count - i > 1 && i > 0) {
            struct screen_row row = screen_row_begin(screen, 0, screen->columns);
            screen_row_put(&row, SCREEN_DIM, "... %zu more", count - i);
            screen_end_row(screen);
            return;
        }
        draw_job(list[i], screen, watch_data_is_stale(view));
    }
}
