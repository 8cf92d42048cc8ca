/* The last minutes of a server as diagrams. */
#include "ctl/watch/draw_charts.h"

#include "ctl/output/readable_numbers.h"
#include "ctl/watch/screen_row.h"

#include <stdio.h>
#include <string.h>

enum {
    CHARTS = 4,
    CHART_COLUMNS_MIN = 56, /* of one beside another */
    BESIDE_COLUMNS = 3,     /* between them */
    SMALL_LABEL_COLUMNS = 16,
    LABEL_COLUMNS = 24,
};

struct chart {
    const char *title;
    const struct sparkline *line;
    const char *unit; /* behind its figures */
    enum screen_style style;
    bool known; /* it has a figure of now, */
    double now;
};

/* What matters most comes first. */
static void list_charts(const struct watch_data *view, struct chart charts[CHARTS])
{
    bool known = watch_data_has_rates(view), stale = watch_data_is_stale(view);
    enum screen_style good = stale ? SCREEN_DIM : SCREEN_GOOD,
                      bad = stale ? SCREEN_DIM : SCREEN_BAD;
    charts[0] = (struct chart){"requests", &view->requests, "/s",
                               good,       known,           watch_data_rate(view, "received")};
    charts[1] = (struct chart){"lost", &view->losses, "/s", bad, known, watch_data_loss_rate(view)};
    charts[2] = (struct chart){"clients", &view->held, "", good, !stale, (double)view->clients};
    charts[3] = (struct chart){"copies sent", &view->copies, "/s",
                               good,          known,         watch_data_rate(view, "copies_sent")};
}

/* One row: levels, and what they mean behind them. */
static void draw_small(const struct chart *chart, struct screen *screen)
{
    int levels[SPARKLINE_STEPS];
    char peak[READABLE_BYTES];
    unsigned aside = screen->columns >= 60                        ? LABEL_COLUMNS
                     : screen->columns >= 2 * SMALL_LABEL_COLUMNS ? SMALL_LABEL_COLUMNS
                                                                  : 0;
    unsigned columns = screen->columns - aside;
    if (columns > SPARKLINE_STEPS)
        columns = SPARKLINE_STEPS;
    uint64_t highest = sparkline_levels(chart->line, levels, columns, SCREEN_LEVELS);
    for (unsigned i = 0; i < columns; i++)
        screen_level(screen, chart->style, levels[i] > 0 ? (unsigned)levels[i] : 0);
    struct screen_row row = screen_row_begin(screen, columns + 1, screen->columns);
    readable_number(highest, peak);
    if (aside > 0 && !screen_row_put(&row, SCREEN_DIM, "5 min, peak %s%s", peak, chart->unit))
        screen_row_put(&row, SCREEN_DIM, "peak %s%s", peak, chart->unit);
    screen_end_row(screen);
}

/* A chart in its place: columns [begin, begin + columns), with levels for rows of bars. */
struct place {
    const struct chart *chart;
    unsigned begin, columns;
    size_t steps; /* seconds of a column */
    uint64_t highest;
    int levels[SPARKLINE_STEPS];
};

static void draw_caption(const struct place *place, struct screen *screen)
{
    char now[READABLE_BYTES], peak[READABLE_BYTES];
    const struct chart *chart = place->chart;
    struct screen_row row = screen_row_begin(screen, place->begin, place->begin + place->columns);
    screen_row_put(&row, SCREEN_BOLD, "%s", chart->title);
    if (chart->known && *chart->unit)
        screen_row_put(&row, SCREEN_PLAIN, "%s%s", readable_rate(chart->now, now), chart->unit);
    else if (chart->known)
        screen_row_put(&row, SCREEN_PLAIN, "%s", readable_number((uint64_t)chart->now, now));
    screen_row_put(&row, SCREEN_DIM, "peak %s%s", readable_number(place->highest, peak),
                   chart->unit);
}

/* The row of bars that has so many rows below it. */
static void draw_bars(const struct place *place, unsigned below, struct screen *screen)
{
    screen_pad_to(screen, place->begin);
    for (unsigned i = 0; i < place->columns; i++) {
        int level = place->levels[i] - (int)below * SCREEN_LEVELS;
        level = level < 0 ? 0 : level > SCREEN_LEVELS ? SCREEN_LEVELS : level;
        screen_level(screen, place->chart->style, (unsigned)level);
    }
}

/* The line below the bars, with a gap where nothing is known, and how long ago that was. */
static void draw_times(const struct place *place, struct screen *screen)
{
    char line[SPARKLINE_STEPS + 8];
    size_t span_s = place->steps * place->columns;
    size_t every_s = span_s <= 75 ? 15 : span_s <= 150 ? 30 : 60;
    for (unsigned i = 0; i < place->columns; i++)
        line[i] = place->levels[i] == SPARKLINE_GAP ? ' ' : '-';
    for (size_t ago_s = every_s; ago_s / place->steps < place->columns; ago_s += every_s) {
        char mark[24];
        bool minutes = ago_s % 60 == 0;
        size_t at = place->columns - 1 - ago_s / place->steps;
        size_t size = (size_t)snprintf(mark, sizeof mark, "%zu%c", minutes ? ago_s / 60 : ago_s,
                                       minutes ? 'm' : 's');
        if (at + size <= place->columns)
            memcpy(line + at, mark, size);
    }
    line[place->columns] = '\0';
    screen_pad_to(screen, place->begin);
    screen_put(screen, SCREEN_DIM, line);
}

/* Charts side by side, in so many rows. */
static void draw_band(const struct chart *charts, unsigned count, struct screen *screen,
                      unsigned rows)
{
    struct place places[CHARTS];
    unsigned columns = (screen->columns - (count - 1) * BESIDE_COLUMNS) / count;
    unsigned high = rows - 2;
    for (unsigned i = 0; i < count; i++) {
        places[i] = (struct place){.chart = &charts[i], .begin = i * (columns + BESIDE_COLUMNS)};
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
        draw_times(&places[i], screen);
    screen_end_row(screen);
}

void draw_charts(const struct watch_data *view, struct screen *screen, unsigned rows)
{
    struct chart charts[CHARTS];
    list_charts(view, charts);
    if (rows < CHART_ROWS_MIN) {
        draw_small(&charts[0], screen);
        return;
    }
    unsigned beside = (screen->columns + BESIDE_COLUMNS) / (CHART_COLUMNS_MIN + BESIDE_COLUMNS);
    beside = beside < 1 ? 1 : beside > CHARTS ? CHARTS : beside;
    unsigned bands = rows / CHART_ROWS_MIN, all = (CHARTS + beside - 1) / beside;
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
