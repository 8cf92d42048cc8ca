#include "ctl/watch/screen_layout.h"

#include "ctl/watch/chart_section.h"
#include "ctl/watch/counter_section.h"
#include "ctl/watch/header_section.h"
#include "ctl/watch/job_section.h"
#include "ctl/watch/row_writer.h"

enum {
    /* The smallest windows that have: */
    GAP_ROWS = 16,     /* empty rows between sections */
    KEYS_ROWS = 7,     /* a row about the keys */
    TALL_ROWS = 28,    /* charts of several rows in any case, */
    TALL_COLUMNS = 30, /* if they are that wide */
};

/* The rows of each section below the header, and of the gaps between them. */
struct section_rows {
    unsigned charts, jobs, counters, gap;
};

/* Jobs get at least a row, and up to half of the rows if they need more; counters get what they
 * need of the rest. Charts get their minimum in tall windows, and in all windows the rows that are
 * left. Counters that are 0 are only shown in rows that a chart does not need. */
static struct section_rows divide_rows(const struct server_snapshot *snapshot,
                                       const struct screen *screen)
{
    unsigned gap = screen->rows >= GAP_ROWS, keys = screen->rows >= KEYS_ROWS;
    bool is_tall = screen->rows >= TALL_ROWS && screen->columns >= TALL_COLUMNS;
    unsigned wanted = snapshot->job_count < SERVER_SNAPSHOT_JOBS_MAX ? (unsigned)snapshot->job_count
                                                                     : SERVER_SNAPSHOT_JOBS_MAX;
    struct section_rows section_rows = {.charts = is_tall ? CHART_SECTION_ROWS_MIN : 1, .gap = gap};
    unsigned gaps = (unsigned)is_tall + (wanted > 0) + (snapshot->rates.count > 0);
    unsigned taken = section_rows.charts + keys + gap * gaps;
    unsigned left = screen_rows_left(screen), rows = left > taken ? left - taken : 0;
    unsigned half = (rows + 1) / 2, jobs_min = wanted < half ? wanted : half;
    unsigned spare =
        is_tall || screen->columns < TALL_COLUMNS ? 0 : CHART_SECTION_ROWS_MIN + gap - 1;
    unsigned counters_max = rows - jobs_min,
             with_zeros = counters_max > spare ? counters_max - spare : 0;
    section_rows.counters = counter_section_rows(snapshot, screen, counters_max, with_zeros);
    unsigned jobs_max = rows - section_rows.counters;
    section_rows.jobs = wanted < jobs_max ? wanted : jobs_max;
    unsigned charts = section_rows.charts + rows - section_rows.counters - section_rows.jobs;
    if (!is_tall && (charts < CHART_SECTION_ROWS_MIN + gap || screen->columns < TALL_COLUMNS))
        return section_rows;
    charts -= is_tall ? 0 : gap;
    section_rows.charts = charts < CHART_SECTION_ROWS_MAX ? charts : CHART_SECTION_ROWS_MAX;
    return section_rows;
}

static void draw_gap(struct screen *screen, unsigned rows)
{
    for (; rows > 0; rows--)
        screen_end_row(screen);
}

static void draw_sections(const struct server_snapshot *snapshot, struct screen *screen)
{
    struct section_rows section_rows = divide_rows(snapshot, screen);
    if (section_rows.charts > 1)
        draw_gap(screen, section_rows.gap);
    chart_section_draw(snapshot, screen, section_rows.charts);
    if (section_rows.jobs > 0) {
        draw_gap(screen, section_rows.gap);
        job_section_draw(snapshot, screen, section_rows.jobs);
    }
    if (section_rows.counters > 0) {
        draw_gap(screen, section_rows.gap);
        counter_section_draw(snapshot, screen, section_rows.counters);
    }
}

void screen_layout_draw(const struct server_snapshot *snapshot, struct screen *screen)
{
    header_section_draw(snapshot, screen);
    if (snapshot->max > 0) /* a poll has succeeded */
        draw_sections(snapshot, screen);
    if (screen->rows >= KEYS_ROWS) {
        while (screen_rows_left(screen) > 1)
            screen_end_row(screen);
        struct row_writer row = row_writer_begin(screen, 0, screen->columns);
        row_writer_put(&row, SCREEN_DIM, "q quits");
        screen_end_row(screen);
    }
}
