/* The screen of `watch`, section by section: what matters most stands first and goes last when the
 * window is small. */
#include "ctl/view.h"

#include "ctl/readable.h"

#include <inttypes.h>
#include <string.h>

enum {
    SPACIOUS_ROWS = 16, /* from here on there are empty rows between sections */
    KEYS_ROWS = 7,      /* and from here on a word about the keys */
    NAME_COLUMNS = 18,
    FIGURE_COLUMNS = 12,
};

static void draw_title(const struct view *view, struct screen *screen)
{
    char span[READABLE_BYTES];
    screen_put(screen, SCREEN_BOLD, "udpsrv");
    if (view->there) {
        screen_format(screen, SCREEN_PLAIN, " up %s", readable_span(view->uptime_s, span));
        screen_format(screen, SCREEN_DIM, "  %s  %" PRIu64 " worker%s  %s", view->version,
                      view->workers, view->workers == 1 ? "" : "s", view->place);
    } else if (view->trouble[0] == '\0') {
        screen_format(screen, SCREEN_PLAIN, " asking %s", view->place);
    } else {
        screen_format(screen, SCREEN_BAD, " away %s", readable_span(view->away_s, span));
        screen_format(screen, SCREEN_DIM, "  %s", view->place);
    }
    screen_next(screen);
    if (view->trouble[0] != '\0') {
        screen_put(screen, SCREEN_BAD, view->trouble);
        screen_next(screen);
    }
}

static double per_s(const struct view *view, const char *name)
{
    const struct rate *rate = rates_find(&view->rates, name);
    return rate ? rate->per_s : 0;
}

static void draw_clients(const struct view *view, struct screen *screen)
{
    char number[READABLE_BYTES], max[READABLE_BYTES], joined[READABLE_BYTES],
        expired[READABLE_BYTES];
    double share = view->max > 0 ? (double)view->clients / (double)view->max : 0;
    screen_put(screen, SCREEN_BOLD, readable_number(view->clients, number));
    screen_format(screen, SCREEN_PLAIN, " clients of %s", readable_number(view->max, max));
    screen_format(screen, share >= 0.9 ? SCREEN_BAD : SCREEN_PLAIN, "  %.1f %%", share * 100);
    screen_format(screen, SCREEN_DIM, "  +%s/s joined  -%s/s expired",
                  readable_rate(per_s(view, "joined"), joined),
                  readable_rate(per_s(view, "expired"), expired));
    screen_next(screen);
}

static double bad_per_s(const struct view *view)
{
    double sum = 0;
    for (size_t i = 0; i < view->rates.count; i++)
        sum += rate_is_bad(&view->rates.list[i]) ? view->rates.list[i].per_s : 0;
    return sum;
}

static void draw_requests(const struct view *view, struct screen *screen)
{
    char received[READABLE_BYTES], replied[READABLE_BYTES], lost[READABLE_BYTES];
    double bad = bad_per_s(view);
    screen_put(screen, SCREEN_BOLD, readable_rate(per_s(view, "received"), received));
    screen_put(screen, SCREEN_PLAIN, "/s requests  ");
    screen_put(screen, SCREEN_BOLD, readable_rate(per_s(view, "replied"), replied));
    screen_put(screen, SCREEN_PLAIN, "/s replies  ");
    screen_format(screen, bad > 0 ? SCREEN_BAD : SCREEN_DIM, "%s/s dropped, refused or failed",
                  readable_rate(bad, lost));
    screen_next(screen);
}

static void draw_history(const struct view *view, struct screen *screen)
{
    int levels[SPARKLINE_STEPS];
    char peak[READABLE_BYTES];
    unsigned aside = screen->columns >= 60 ? 24 : 0;
    unsigned columns = screen->columns - aside;
    if (columns > SPARKLINE_STEPS)
        columns = SPARKLINE_STEPS;
    uint64_t highest = sparkline_levels(&view->requests, levels, columns, SCREEN_LEVELS);
    for (unsigned i = 0; i < columns; i++)
        screen_level(screen, SCREEN_GOOD, levels[i] > 0 ? (unsigned)levels[i] : 0);
    if (aside > 0)
        screen_format(screen, SCREEN_DIM, " 5 min, peak %s/s", readable_number(highest, peak));
    screen_next(screen);
}

/* ---- Counters ---- */

/* What has a row of its own above. */
static bool is_above(const struct rate *rate)
{
    return strcmp(rate->name, "received") == 0 || strcmp(rate->name, "replied") == 0;
}

/* Adds the counters of a kind: of what is lost or not, that have counted something or nothing. */
static size_t add_counters(const struct view *view, const struct rate *list[RATES_MAX],
                           size_t count, bool bad, bool counted)
{
    for (size_t i = 0; i < view->rates.count; i++) {
        const struct rate *rate = &view->rates.list[i];
        if (!is_above(rate) && rate_is_bad(rate) == bad && (rate->value > 0) == counted)
            list[count++] = rate;
    }
    return count;
}

/* The counters in the order in which they are drawn: what is lost first, and last, where there is
 * room for them all, the reasons for which nothing was lost. */
static size_t list_counters(const struct view *view, const struct rate *list[RATES_MAX],
                            size_t rows)
{
    size_t count = add_counters(view, list, 0, true, true);
    count = add_counters(view, list, count, false, true);
    size_t all = add_counters(view, list, count, true, false);
    return all <= rows ? all : count;
}

static void draw_more(struct screen *screen, size_t count)
{
    screen_format(screen, SCREEN_DIM, "... %zu more", count);
    screen_next(screen);
}

static void draw_counter(const struct rate *rate, struct screen *screen)
{
    char per[READABLE_BYTES], total[READABLE_BYTES];
    bool alarm = rate_is_bad(rate) && rate->per_s > 0;
    enum screen_style style = alarm ? SCREEN_BAD : rate->value > 0 ? SCREEN_PLAIN : SCREEN_DIM;
    screen_format(screen, style, "%-*s%*s/s", NAME_COLUMNS, rate->name, FIGURE_COLUMNS,
                  readable_rate(rate->per_s, per));
    screen_format(screen, SCREEN_DIM, "%*s in all", FIGURE_COLUMNS + 4,
                  readable_number(rate->value, total));
    screen_next(screen);
}

static void draw_counters(const struct rate *const *list, size_t count, size_t rows,
                          struct screen *screen)
{
    for (size_t i = 0; i < count && rows > 0; i++, rows--) {
        if (rows == 1 && count - i > 1) {
            draw_more(screen, count - i);
            return;
        }
        draw_counter(list[i], screen);
    }
}

/* ---- Jobs ---- */

static void draw_running(const struct job *job, struct screen *screen)
{
    char rate[READABLE_BYTES], time[JOB_TIME_BYTES];
    uint64_t left_ms;
    unsigned permille = job_permille(job);
    screen_format(screen, SCREEN_BOLD, " %u.%u %% ", permille / 10, permille % 10);
    if (screen->columns >= 70)
        screen_bar(screen, SCREEN_GOOD, screen->columns - 54, permille);
    screen_format(screen, SCREEN_PLAIN, " %s/s", readable_number(job_rate_pps(job), rate));
    if (job_left_ms(job, &left_ms))
        screen_format(screen, SCREEN_PLAIN, "  %s to go", job_time(left_ms, time));
}

static void draw_job(const struct job *job, struct screen *screen)
{
    char sent[READABLE_BYTES], targets[READABLE_BYTES], failed[READABLE_BYTES];
    screen_format(screen, SCREEN_PLAIN, "job %" PRIu64 " %s", job->id, job->state);
    if (job_is(job, "running")) {
        draw_running(job, screen);
    } else if (job_is_open(job)) {
        screen_format(screen, SCREEN_DIM, "  %s bytes", readable_number(job->bytes, sent));
    } else {
        screen_format(screen, SCREEN_DIM, "  %s of %s sent", readable_number(job->sent, sent),
                      readable_number(job->targets, targets));
        if (job->failed > 0)
            screen_format(screen, SCREEN_BAD, "  %s failed", readable_number(job->failed, failed));
    }
    screen_next(screen);
}

/* The jobs in the order in which they are drawn: those that are open, then those that have ended,
 * the newest first. */
static size_t list_jobs(const struct view *view, const struct job *list[VIEW_JOBS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < view->job_count; i++)
        if (job_is_open(&view->jobs[i]))
            list[count++] = &view->jobs[i];
    for (size_t i = view->job_count; i-- > 0;)
        if (!job_is_open(&view->jobs[i]))
            list[count++] = &view->jobs[i];
    return count;
}

static void draw_jobs(const struct job *const *list, size_t count, size_t rows,
                      struct screen *screen)
{
    for (size_t i = 0; i < count && rows > 0; i++, rows--) {
        if (rows == 1 && count - i > 1 && i > 0) {
            draw_more(screen, count - i);
            return;
        }
        draw_job(list[i], screen);
    }
}

/* ---- All of it ---- */

static void draw_gap(struct screen *screen)
{
    if (screen->rows >= SPACIOUS_ROWS)
        screen_next(screen);
}

/* The rows below the figures: to the counters what the jobs leave, to the jobs at least one, and
 * half if both want more. */
static void draw_lists(const struct view *view, struct screen *screen)
{
    const struct rate *counters[RATES_MAX];
    const struct job *jobs[VIEW_JOBS_MAX];
    size_t job_count = list_jobs(view, jobs);
    unsigned keys = screen->rows >= KEYS_ROWS, gap = screen->rows >= SPACIOUS_ROWS;
    unsigned taken = keys + (job_count > 0) * gap + (view->rates.count > 0) * gap;
    size_t rows = screen_rows_left(screen) > taken ? screen_rows_left(screen) - taken : 0;
    size_t counter_count = list_counters(view, counters, rows > job_count ? rows - job_count : 0);
    size_t for_jobs = job_count < (rows + 1) / 2 ? job_count : (rows + 1) / 2;
    size_t for_counters = rows - for_jobs < counter_count ? rows - for_jobs : counter_count;
    if (for_jobs > 0) {
        draw_gap(screen);
        draw_jobs(jobs, job_count, rows - for_counters, screen);
    }
    if (for_counters > 0) {
        draw_gap(screen);
        draw_counters(counters, counter_count, for_counters, screen);
    }
}

void view_draw(const struct view *view, struct screen *screen)
{
    draw_title(view, screen);
    if (view->max > 0) { /* it has been there, some time */
        draw_clients(view, screen);
        draw_requests(view, screen);
        draw_history(view, screen);
        draw_lists(view, screen);
    }
    if (screen->rows >= KEYS_ROWS) {
        while (screen_rows_left(screen) > 1)
            screen_next(screen);
        screen_put(screen, SCREEN_DIM, "q leaves");
        screen_next(screen);
    }
}
