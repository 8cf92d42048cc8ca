#include "ctl/watch/chart_section.h"

#include "ctl/output/readable_format.h"
#include "ctl/watch/row_writer.h"

#include <stdio.h>
#include <string.h>

enum {
    CHARTS = 4,
    CHART_COLUMNS_MIN = 56, /* of charts side by side */
    GAP_COLUMNS = 3,        /* between them */
    SMALL_LABEL_COLUMNS = 16,
    LABEL_COLUMNS = 24,
};

struct chart {
    const char *title;
    const struct sparkline *line;
    const char *unit; /* after its numbers */
    enum screen_style style;
    bool known; /* there is a current value, */
    double now;
};

/* In the order of importance: small windows only show the first ones. */
static void list_charts(const struct server_snapshot *snapshot, struct chart charts[CHARTS])
{
    bool known = server_snapshot_has_rates(snapshot), stale = server_snapshot_is_stale(snapshot);
    enum screen_style good = stale ? SCREEN_DIM : SCREEN_GOOD,
                      bad = stale ? SCREEN_DIM : SCREEN_BAD;
    charts[0] = (struct chart){"requests", &snapshot->request_history,
                               "/s",       good,
                               known,      server_snapshot_rate(snapshot, "received")};
    charts[1] = (struct chart){
        "lost", &snapshot->loss_history, "/s", bad, known, server_snapshot_loss_rate(snapshot)};
    charts[2] = (struct chart){"clients", &snapshot->client_history, "", good,
                               !stale,    (double)snapshot->clients};
    charts[3] = (struct chart){"copies sent", &snapshot->copy_history,
                               "/s",          good,
                               known,         server_snapshot_rate(snapshot, "copies_sent")};
}

/* Draws a chart of one row, and the peak after it. */
static void draw_one_row(const struct chart *chart, struct screen *screen)
{
    int levels[SPARKLINE_STEPS];
    char peak[READABLE_FORMAT_BYTES];
    unsigned aside = screen->columns >= 60                        ? LABEL_COLUMNS
                     : screen->columns >= 2 * SMALL_LABEL_COLUMNS ? SMALL_LABEL_COLUMNS
                                                                  : 0;
    unsigned columns = screen->columns - aside;
    if (columns > SPARKLINE_STEPS)
        columns = SPARKLINE_STEPS;
    uint64_t highest = sparkline_levels(chart->line, levels, columns, SCREEN_LEVELS);
    for (unsigned i = 0; i < columns; i++)
        screen_level(screen, chart->style, levels[i] > 0 ? (unsigned)levels[i] : 0);
    struct row_writer row = row_writer_begin(screen, columns + 1, screen->columns);
    readable_format_integer(highest, peak);
    if (aside > 0 && !row_writer_put(&row, SCREEN_DIM, "5 min, peak %s%s", peak, chart->unit))
        row_writer_put(&row, SCREEN_DIM, "peak %s%s", peak, chart->unit);
    screen_end_row(screen);
}

/* A chart in columns [begin, begin + columns) of the screen, and the levels of its bars. */
struct placed_chart {
    const struct chart *chart;
    unsigned begin, columns;
    size_t steps; /* seconds per column */
    uint64_t highest;
    int levels[SPARKLINE_STEPS];
};

static void draw_caption(const struct placed_chart *placed, struct screen *screen)
{
    char now[READABLE_FORMAT_BYTES], peak[READABLE_FORMAT_BYTES];
    const struct chart *chart = placed->chart;
    struct row_writer row =
        row_writer_begin(screen, placed->begin, placed->begin + placed->columns);
    row_writer_put(&row, SCREEN_BOLD, "%s", chart->title);
    if (chart->known && *chart->unit)
        row_writer_put(&row, SCREEN_PLAIN, "%s%s", readable_format_rate(chart->now, now),
                       chart->unit);
    else if (chart->known)
        row_writer_put(&row, SCREEN_PLAIN, "%s",
                       readable_format_integer((uint64_t)chart->now, now));
    row_writer_put(&row, SCREEN_DIM, "peak %s%s", readable_format_integer(placed->highest, peak),
                   chart->unit);
}

/* Draws the row of bars that has that many rows of bars below it. */
static void draw_bars(const struct placed_chart *placed, unsigned below, struct screen *screen)
{
    screen_pad_to(screen, placed->begin);
    for (unsigned i = 0; i < placed->columns; i++) {
        int level = placed->levels[i] - (int)below * SCREEN_LEVELS;
        level = level < 0 ? 0 : level > SCREEN_LEVELS ? SCREEN_LEVELS : level;
        screen_level(screen, placed->chart->style, (unsigned)level);
    }
}

/* Draws the time axis below the bars, with blanks where the values are unknown. */
static void draw_time_axis(const struct placed_chart *placed, struct screen *screen)
{
    char line[SPARKLINE_STEPS + 8];
    size_t span_s = placed->steps * placed->columns;
    size_t every_s = span_s <= 75 ? 15 : span_s <= 150 ? 30 : 60;
    for (unsigned i = 0; i < placed->columns; i++)
        line[i] = placed->levels[i] == SPARKLINE_GAP ? ' ' : '-';
    for (size_t ago_s = every_s; ago_s / placed->steps < placed->columns; ago_s += every_s) {
        char mark[24];
        bool minutes = ago_s % 60 == 0;
        size_t at = placed->columns - 1 - ago_s / placed->steps;
        size_t size = (size_t)snprintf(mark, sizeof mark, "%zu%c", minutes ? ago_s / 60 : ago_s,
                                       minutes ? 'm' : 's');
        if (at + size <= placed->columns)
            memcpy(line + at, mark, size);
    }
    line[placed->columns] = '\0';
    screen_pad_to(screen, placed->begin);
    screen_put(screen, SCREEN_DIM, line);
}

/* Draws charts side by side in that many rows. */
static void draw_band(const struct chart *charts, unsigned count, struct screen *screen,
                      unsigned rows)
{
    struct placed_chart places[CHARTS];
    unsigned columns = (screen->columns - (count - 1) * GAP_COLUMNS) / count;
    unsigned high = rows - 2;
    for (unsigned i = 0; i < count; i++) {
        places[i] =
            (struct placed_chart){.chart = &charts[i], .begin = i * (columns + GAP_COLUMNS)};
        places[i].columns = columns < SPARKLINE_STEPS ? columns : SPARKLINE_STEPS;
        places[i].steps = sparkline_steps_per_column_so_far(charts[i].line, places[i].columns);
        places[i].highest =
            sparkline_levels_with_steps(charts[i].line, places[i].steps, places[i].levels,
                                        places[i].columns, (int)high * SCREEN_LEVELS);
        draw_caption(&places[i], screen);
    }
    screen_end_row(screen);
    for (unsigned below = high; below-- > 0; screen_end_row(screen))
        for (unsigned i = 0; i < count; i++)
            draw_bars(&places[i], below, screen);
    for (unsigned i = 0; i < count; i++)
        draw_time_axis(&places[i], screen);
    screen_end_row(screen);
}

void chart_section_draw(const struct server_snapshot *snapshot, struct screen *screen,
                        unsigned rows)
{
    struct chart charts[CHARTS];
    list_charts(snapshot, charts);
    if (rows < CHART_SECTION_ROWS_MIN) {
        draw_one_row(&charts[0], screen);
        return;
    }
    unsigned beside = (screen->columns + GAP_COLUMNS) / (CHART_COLUMNS_MIN + GAP_COLUMNS);
    beside = beside < 1 ? 1 : beside > CHARTS ? CHARTS : beside;
    unsigned bands = rows / CHART_SECTION_ROWS_MIN, all = (CHARTS + beside - 1) / beside;
    bands = bands < all ? bands : all;
    unsigned even = (CHARTS + bands - 1) / bands;
    beside = beside < even ? beside : even;
    for (unsigned band = 0, shown = 0; band < bands; band++) {
        unsigned count = CHARTS - shown < beside ? CHARTS - shown : beside;
        unsigned here = rows / bands + (band < rows % bands);
        draw_band(&charts[shown], count, screen, here);
        shown += count;
    }
}
