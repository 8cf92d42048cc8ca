/* The counters of what `watch` shows. */
#include "ctl/watch/draw_counters.h"

#include "ctl/output/readable_numbers.h"
#include "ctl/watch/screen_row.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME_COLUMNS = 18,
    RATE_COLUMNS = 14,  /* with its "/s" */
    TOTAL_COLUMNS = 23, /* with its " in all" */
    FULL_COLUMNS = NAME_COLUMNS + RATE_COLUMNS + TOTAL_COLUMNS,
    BESIDE_COLUMNS = 3, /* between counters side by side */
    HISTORY_MIN = 10,   /* columns of a diagram; a shorter one says too little */
    HISTORY_MAX = 60,
    ROOMY_COLUMNS = FULL_COLUMNS + BESIDE_COLUMNS + 2 * HISTORY_MIN, /* of one with a diagram */
};

struct counters {
    const struct rate *list[RATES_MAX];
    size_t count;
    unsigned beside; /* how many stand side by side */
    bool current;    /* they are of now */
};

/* What has a row of its own above. */
static bool is_above(const struct rate *rate)
{
    return strcmp(rate->name, "received") == 0 || strcmp(rate->name, "replied") == 0;
}

/* Adds the counters of a kind: of what is lost or not, that have counted something or nothing. */
static void add(struct counters *counters, const struct watch_data *view, bool bad, bool counted)
{
    for (size_t i = 0; i < view->rates.count; i++) {
        const struct rate *rate = &view->rates.list[i];
        bool shown = !is_above(rate) || watch_data_is_stale(view);
        if (shown && rate_is_bad(rate) == bad && (rate->value > 0) == counted)
            counters->list[counters->count++] = rate;
    }
}

/* Which of them are shown, and in how many columns: as many as leave room for diagrams, or, where
 * rows are few, as it takes. Those that have counted nothing are among them if all fit into so many
 * rows. */
static void arrange(struct counters *counters, const struct watch_data *view, unsigned columns,
                    unsigned rows, unsigned rows_with_zeros)
{
    unsigned most = (columns + BESIDE_COLUMNS) / (FULL_COLUMNS + BESIDE_COLUMNS);
    *counters = (struct counters){.current = !watch_data_is_stale(view)};
    most = most > 0 ? most : 1;
    add(counters, view, true, true);
    add(counters, view, false, true);
    size_t counted = counters->count;
    add(counters, view, true, false);
    if (counters->count > (size_t)rows_with_zeros * most)
        counters->count = counted;
    counters->beside = (columns + BESIDE_COLUMNS) / (ROOMY_COLUMNS + BESIDE_COLUMNS);
    counters->beside = counters->beside > 0 ? counters->beside : 1;
    while (counters->beside < most && counters->count > (size_t)rows * counters->beside)
        counters->beside++;
}

unsigned draw_counters_rows(const struct watch_data *view, unsigned columns, unsigned rows,
                            unsigned rows_with_zeros)
{
    struct counters counters;
    arrange(&counters, view, columns, rows, rows_with_zeros);
    size_t wanted = (counters.count + counters.beside - 1) / counters.beside;
    return wanted < rows ? (unsigned)wanted : rows;
}

/* As much of a name as fits, up to one of its underscores. */
static void draw_name(const struct rate *rate, struct screen_row *row, enum screen_style style,
                      unsigned columns)
{
    size_t size = strlen(rate->name);
    while (size > columns) {
        const char *underscore = memrchr(rate->name, '_', size);
        size = underscore ? (size_t)(underscore - rate->name) : columns;
    }
    screen_format(row->screen, style, "%.*s", (int)size, rate->name);
}

/* Puts text so that it ends at a column, a blank at least behind what stands there. */
static void draw_to(struct screen_row *row, enum screen_style style, unsigned end, const char *text)
{
    unsigned size = (unsigned)strlen(text), column = row->screen->column;
    if (end > row->end || end < size || end - size < column + (column > row->begin))
        return;
    screen_pad_to(row->screen, end - size);
    screen_put(row->screen, style, text);
}

static void draw_history(const struct rate *rate, struct screen_row *row, enum screen_style style)
{
    int levels[HISTORY_MAX];
    unsigned columns = screen_row_room(row);
    if (columns < HISTORY_MIN + BESIDE_COLUMNS)
        return;
    columns -= BESIDE_COLUMNS;
    columns = columns < HISTORY_MAX ? columns : HISTORY_MAX;
    sparkline_levels_with_steps(&rate->history,
                                sparkline_steps_per_column_so_far(&rate->history, columns), levels,
                                columns, SCREEN_LEVELS);
    screen_pad_to(row->screen, row->screen->column + BESIDE_COLUMNS);
    for (unsigned i = 0; i < columns; i++)
        screen_level(row->screen, style, levels[i] > 0 ? (unsigned)levels[i] : 0);
}

/* Name, rate, total and history, as far as there is room for them. */
static void draw_counter(const struct counters *counters, const struct rate *rate,
                         struct screen_row *row)
{
    char per[READABLE_BYTES + 8] = "", total[READABLE_BYTES + 8], number[READABLE_BYTES];
    unsigned width = row->end - row->begin, begin = row->begin;
    bool bad = rate_is_bad(rate), rated = counters->current && rate->known;
    enum screen_style style = !counters->current || rate->value == 0 ? SCREEN_DIM
                              : bad && rate->per_s > 0               ? SCREEN_BAD
                                                                     : SCREEN_PLAIN;
    if (rated)
        snprintf(per, sizeof per, "%s/s", readable_rate(rate->per_s, number));
    readable_number(rate->value, number);
    snprintf(total, sizeof total, "%s in all", number);
    bool full = width >= FULL_COLUMNS;
    unsigned size = (unsigned)strlen(per), name = full ? NAME_COLUMNS : width;
    if (!full && size > 0)
        name = width > size ? width - size - 1 : 0;
    draw_name(rate, row, style, name);
    if (full) {
        draw_to(row, style, begin + NAME_COLUMNS + RATE_COLUMNS, per);
        draw_to(row, SCREEN_DIM, begin + FULL_COLUMNS, total);
        draw_history(rate, row, bad && counters->current ? SCREEN_BAD : SCREEN_DIM);
    } else {
        unsigned rate_end = begin + (width * 5 + 4) / 8;
        bool apart =
            row->screen->column + 1 + size <= rate_end && rate_end + 1 + strlen(number) <= row->end;
        draw_to(row, style, apart ? rate_end : row->end, per);
        draw_to(row, SCREEN_DIM, row->end, size > 0 ? number : total);
        if (size == 0 && screen_row_room(row) > 0)
            draw_to(row, SCREEN_DIM, row->end, number);
    }
}

static void draw_more(struct screen_row *row, size_t count)
{
    screen_row_put(row, SCREEN_DIM, "... %zu more", count);
}

void draw_counters(const struct watch_data *view, struct screen *screen, unsigned rows)
{
    struct counters counters;
    arrange(&counters, view, screen->columns, rows, rows);
    unsigned beside = counters.beside, gap = beside > 1 ? BESIDE_COLUMNS : 0;
    unsigned width = (screen->columns + gap) / beside;
    size_t places = (size_t)rows * beside;
    size_t in_column = (counters.count + beside - 1) / beside;
    for (size_t at = 0; at < rows && at < in_column; at++) {
        for (unsigned column = 0; column < beside; column++) {
            size_t i = column * (in_column < rows ? in_column : rows) + at;
            struct screen_row row =
                screen_row_begin(screen, column * width, (column + 1) * width - gap);
            if (i + 1 == places && counters.count > places)
                draw_more(&row, counters.count - i);
            else if (i < counters.count)
                draw_counter(&counters, counters.list[i], &row);
        }
        screen_end_row(screen);
    }
}
