/* The screen of `watch`, section by section: what matters most stands first and goes last when the
 * window is small. */
#include "ctl/watch/draw_screen.h"

#include "ctl/watch/draw_charts.h"
#include "ctl/watch/draw_counters.h"
#include "ctl/watch/draw_header.h"
#include "ctl/watch/draw_jobs.h"
#include "ctl/watch/screen_row.h"

enum {
    SPACIOUS_ROWS = 16, /* from here on there are empty rows between sections */
    KEYS_ROWS = 7,      /* and from here on a word about the keys */
    HIGH_ROWS = 28,     /* and from here on diagrams of several rows in any case, */
    HIGH_COLUMNS = 30,  /* if the window is so wide */
};

/* How the rows below the head are shared out. */
struct shares {
    unsigned charts, jobs, counters, gap;
};

/* To the jobs at least a row, and half of the rest if they want more; to the counters what is left;
 * and to the diagrams what they need in high windows, and in any what nobody else wants. Counters
 * of nothing take no diagram's place. */
static struct shares share_out(const struct watch_data *view, const struct screen *screen)
{
    unsigned gap = screen->rows >= SPACIOUS_ROWS, keys = screen->rows >= KEYS_ROWS;
    bool high = screen->rows >= HIGH_ROWS && screen->columns >= HIGH_COLUMNS;
    unsigned wanted =
        view->job_count < WATCH_DATA_JOBS_MAX ? (unsigned)view->job_count : WATCH_DATA_JOBS_MAX;
    struct shares shares = {.charts = high ? CHART_ROWS_MIN : 1, .gap = gap};
    unsigned gaps = (unsigned)high + (wanted > 0) + (view->rates.count > 0);
    unsigned taken = shares.charts + keys + gap * gaps;
    unsigned left = screen_rows_left(screen), rows = left > taken ? left - taken : 0;
    unsigned half = (rows + 1) / 2, sure = wanted < half ? wanted : half;
    unsigned spare = high || screen->columns < HIGH_COLUMNS ? 0 : CHART_ROWS_MIN + gap - 1;
    unsigned most = rows - sure, with_zeros = most > spare ? most - spare : 0;
    shares.counters = draw_counters_rows(view, screen->columns, most, with_zeros);
    unsigned for_jobs = rows - shares.counters;
    shares.jobs = wanted < for_jobs ? wanted : for_jobs;
    unsigned charts = shares.charts + rows - shares.counters - shares.jobs;
    if (!high && (charts < CHART_ROWS_MIN + gap || screen->columns < HIGH_COLUMNS))
        return shares;
    charts -= high ? 0 : gap;
    shares.charts = charts < CHART_ROWS_MAX ? charts : CHART_ROWS_MAX;
    return shares;
}

static void draw_gap(struct screen *screen, unsigned rows)
{
    for (; rows > 0; rows--)
        screen_end_row(screen);
}

static void draw_figures(const struct watch_data *view, struct screen *screen)
{
    struct shares shares = share_out(view, screen);
    if (shares.charts > 1)
        draw_gap(screen, shares.gap);
    draw_charts(view, screen, shares.charts);
    if (shares.jobs > 0) {
        draw_gap(screen, shares.gap);
        draw_jobs(view, screen, shares.jobs);
    }
    if (shares.counters > 0) {
        draw_gap(screen, shares.gap);
        draw_counters(view, screen, shares.counters);
    }
}

void draw_screen(const struct watch_data *view, struct screen *screen)
{
    draw_header(view, screen);
    if (view->max > 0) /* it has been there, some time */
        draw_figures(view, screen);
    if (screen->rows >= KEYS_ROWS) {
        while (screen_rows_left(screen) > 1)
            screen_end_row(screen);
        struct screen_row row = screen_row_begin(screen, 0, screen->columns);
        screen_row_put(&row, SCREEN_DIM, "q leaves");
        screen_end_row(screen);
    }
}
