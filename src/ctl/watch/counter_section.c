#include "ctl/watch/counter_section.h"
#include "ctl/watch/loss_counters.h"

#include "ctl/output/readable_format.h"
#include "ctl/watch/header_section.h"
#include "ctl/watch/row_writer.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME_COLUMNS = 18,
    RATE_COLUMNS = 14,  /* with its "/s" */
    TOTAL_COLUMNS = 23, /* with its " in all" */
    FULL_COLUMNS = NAME_COLUMNS + RATE_COLUMNS + TOTAL_COLUMNS,
    GAP_COLUMNS = 3,  /* between counters side by side */
    HISTORY_MIN = 10, /* columns of a chart; a shorter one is not useful */
    HISTORY_MAX = 60,
    WIDE_COLUMNS = FULL_COLUMNS + GAP_COLUMNS + 2 * HISTORY_MIN, /* of a counter with a chart */
};

struct counters {
    const struct counter_rate *list[COUNTER_RATES_MAX];
    size_t count;
    unsigned columns;     /* of counters side by side */
    bool is_current;      /* not stale */
    bool has_subscribers; /* the header section has their row */
};

/* Whether the header section already shows the counter. */
static bool is_in_header(const struct counter_rate *rate, bool has_subscribers)
{
    bool is_subscribers =
        strcmp(rate->name, "listen_messages") == 0 || strcmp(rate->name, "listen_events") == 0;
    return strcmp(rate->name, "received") == 0 || strcmp(rate->name, "replied") == 0 ||
           (is_subscribers && has_subscribers);
}

/* Adds the counters that count losses or not (is_loss), and are above 0 or not (is_counted). */
static void add(struct counters *counters, const struct server_snapshot *snapshot, bool is_loss,
                bool is_counted)
{
    for (size_t i = 0; i < snapshot->rates.count; i++) {
        const struct counter_rate *rate = &snapshot->rates.list[i];
        bool shown =
            !is_in_header(rate, counters->has_subscribers) || server_snapshot_is_stale(snapshot);
        if (shown && loss_counters_include(rate->name) == is_loss &&
            (rate->value > 0) == is_counted)
            counters->list[counters->count++] = rate;
    }
}

/* Selects the counters and the number of columns: as many as leave columns for charts, or more if
 * the rows are not enough. Counters that are 0 are included if all fit into rows_with_zeros. */
static void arrange(struct counters *counters, const struct server_snapshot *snapshot,
                    const struct screen *screen, unsigned rows, unsigned rows_with_zeros)
{
    unsigned columns = screen->columns;
    unsigned most = (columns + GAP_COLUMNS) / (FULL_COLUMNS + GAP_COLUMNS);
    *counters = (struct counters){
        .is_current = !server_snapshot_is_stale(snapshot),
        .has_subscribers = header_section_has_subscribers(snapshot, screen),
    };
    most = most > 0 ? most : 1;
    add(counters, snapshot, true, true);
    add(counters, snapshot, false, true);
    size_t counted = counters->count;
    add(counters, snapshot, true, false);
    if (counters->count > (size_t)rows_with_zeros * most)
        counters->count = counted;
    counters->columns = (columns + GAP_COLUMNS) / (WIDE_COLUMNS + GAP_COLUMNS);
    counters->columns = counters->columns > 0 ? counters->columns : 1;
    while (counters->columns < most && counters->count > (size_t)rows * counters->columns)
        counters->columns++;
}

unsigned counter_section_rows(const struct server_snapshot *snapshot, const struct screen *screen,
                              unsigned rows, unsigned rows_with_zeros)
{
    struct counters counters;
    arrange(&counters, snapshot, screen, rows, rows_with_zeros);
    size_t wanted = (counters.count + counters.columns - 1) / counters.columns;
    return wanted < rows ? (unsigned)wanted : rows;
}

/* Draws as much of a name as fits, up to one of its underscores. */
static void draw_name(const struct counter_rate *rate, struct row_writer *row,
                      enum screen_style style, unsigned columns)
{
    size_t size = strlen(rate->name);
    while (size > columns) {
        const char *underscore = memrchr(rate->name, '_', size);
        size = underscore ? (size_t)(underscore - rate->name) : columns;
    }
    screen_format(row->screen, style, "%.*s", (int)size, rate->name);
}

/* Draws text so that it ends at column end, if at least one blank is left before it. */
static void draw_right_aligned(struct row_writer *row, enum screen_style style, unsigned end,
                               const char *text)
{
    unsigned size = (unsigned)strlen(text), column = row->screen->column;
    if (end > row->end || end < size || end - size < column + (column > row->begin))
        return;
    screen_pad_to(row->screen, end - size);
    screen_put(row->screen, style, text);
}

static void draw_history(const struct counter_rate *rate, struct row_writer *row,
                         enum screen_style style)
{
    int levels[HISTORY_MAX];
    unsigned columns = row_writer_columns_left(row);
    if (columns < HISTORY_MIN + GAP_COLUMNS)
        return;
    columns -= GAP_COLUMNS;
    columns = columns < HISTORY_MAX ? columns : HISTORY_MAX;
    sparkline_levels_with_steps(&rate->history,
                                sparkline_steps_per_column_so_far(&rate->history, columns), levels,
                                columns, SCREEN_LEVELS);
    screen_pad_to(row->screen, row->screen->column + GAP_COLUMNS);
    for (unsigned i = 0; i < columns; i++)
        screen_level(row->screen, style, levels[i] > 0 ? (unsigned)levels[i] : 0);
}

/* Draws name, rate, total and history, as far as they fit. */
static void draw_counter(const struct counters *counters, const struct counter_rate *rate,
                         struct row_writer *row)
{
    char per[READABLE_FORMAT_BYTES + 8] = "", total[READABLE_FORMAT_BYTES + 8],
                                     number[READABLE_FORMAT_BYTES];
    unsigned width = row->end - row->begin, begin = row->begin;
    bool bad = loss_counters_include(rate->name), rated = counters->is_current && rate->known;
    enum screen_style style = !counters->is_current || rate->value == 0 ? SCREEN_DIM
                              : bad && rate->per_s > 0                  ? SCREEN_BAD
                                                                        : SCREEN_PLAIN;
    if (rated)
        snprintf(per, sizeof per, "%s/s", readable_format_rate(rate->per_s, number));
    readable_format_integer(rate->value, number);
    snprintf(total, sizeof total, "%s in all", number);
    bool full = width >= FULL_COLUMNS;
    unsigned size = (unsigned)strlen(per), name = full ? NAME_COLUMNS : width;
    if (!full && size > 0)
        name = width > size ? width - size - 1 : 0;
    draw_name(rate, row, style, name);
    if (full) {
        draw_right_aligned(row, style, begin + NAME_COLUMNS + RATE_COLUMNS, per);
        draw_right_aligned(row, SCREEN_DIM, begin + FULL_COLUMNS, total);
        draw_history(rate, row, bad && counters->is_current ? SCREEN_BAD : SCREEN_DIM);
    } else {
        unsigned rate_end = begin + (width * 5 + 4) / 8;
        bool separate =
            row->screen->column + 1 + size <= rate_end && rate_end + 1 + strlen(number) <= row->end;
        draw_right_aligned(row, style, separate ? rate_end : row->end, per);
        draw_right_aligned(row, SCREEN_DIM, row->end, size > 0 ? number : total);
        if (size == 0 && row_writer_columns_left(row) > 0)
            draw_right_aligned(row, SCREEN_DIM, row->end, number);
    }
}

static void draw_more(struct row_writer *row, size_t count)
{
    row_writer_put(row, SCREEN_DIM, "... %zu more", count);
}

void counter_section_draw(const struct server_snapshot *snapshot, struct screen *screen,
                          unsigned rows)
{
    struct counters counters;
    arrange(&counters, snapshot, screen, rows, rows);
    unsigned beside = counters.columns, gap = beside > 1 ? GAP_COLUMNS : 0;
    unsigned width = (screen->columns + gap) / beside;
    size_t places = (size_t)rows * beside;
    size_t in_column = (counters.count + beside - 1) / beside;
    for (size_t at = 0; at < rows && at < in_column; at++) {
        for (unsigned column = 0; column < beside; column++) {
            size_t i = column * (in_column < rows ? in_column : rows) + at;
            struct row_writer row =
                row_writer_begin(screen, column * width, (column + 1) * width - gap);
            if (i + 1 == places && counters.count > places)
                draw_more(&row, counters.count - i);
            else if (i < counters.count)
                draw_counter(&counters, counters.list[i], &row);
        }
        screen_end_row(screen);
    }
}
