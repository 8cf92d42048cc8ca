/* The first rows of what `watch` shows. */
#include "ctl/watch/draw_header.h"

#include "ctl/output/readable_numbers.h"
#include "ctl/watch/screen_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_BYTES = READABLE_BYTES + 24 };

static struct screen_row begin(struct screen *screen, unsigned spare)
{
    struct screen_row row = screen_row_begin(screen, 0, screen->columns);
    row.spare = screen->rows >= HEAD_ROOMY_ROWS ? spare : 0;
    return row;
}

static void draw_title(const struct watch_data *view, struct screen *screen)
{
    char span[READABLE_BYTES], label[LABEL_BYTES];
    struct screen_row row = begin(screen, 0);
    bool asked = !view->there && view->trouble[0] == '\0', late = view->there && view->stale_s > 0;
    if (asked)
        snprintf(label, sizeof label, " asking");
    else if (late)
        snprintf(label, sizeof label, " no answer for %s", readable_span(view->stale_s, span));
    else
        snprintf(label, sizeof label, " %s %s", view->there ? "up" : "away",
                 readable_span(view->there ? view->uptime_s : view->away_s, span));
    bool good = view->there && !late;
    if (!screen_row_figure(&row, good || asked ? SCREEN_PLAIN : SCREEN_BAD, "udpsrv", label))
        screen_put(screen, SCREEN_BOLD, "udpsrv");
    if (good) {
        screen_row_put(&row, SCREEN_DIM, "%s", view->version);
        screen_row_put(&row, SCREEN_DIM, "%" PRIu64 " worker%s", view->workers,
                       view->workers == 1 ? "" : "s");
    }
    screen_row_put(&row, SCREEN_DIM, "%s", view->place);
    screen_end_row(screen);
}

static void draw_trouble(const struct watch_data *view, struct screen *screen)
{
    struct screen_row row = begin(screen, screen->rows / 4);
    if (view->trouble[0] == '\0')
        return;
    screen_row_text(&row, SCREEN_BAD, view->trouble);
    screen_end_row(screen);
}

/* Says of what time the figures below are. */
static void draw_age(const struct watch_data *view, struct screen *screen)
{
    char span[READABLE_BYTES];
    struct screen_row row = begin(screen, 0);
    readable_span(view->stale_s, span);
    if (screen_row_put(&row, SCREEN_BAD, "figures last seen %s ago:", span) ||
        screen_row_put(&row, SCREEN_BAD, "last seen %s ago:", span))
        screen_end_row(screen);
}

static void draw_clients(const struct watch_data *view, struct screen *screen)
{
    char number[READABLE_BYTES], max[READABLE_BYTES], text[READABLE_BYTES], label[LABEL_BYTES];
    double share = view->max > 0 ? (double)view->clients / (double)view->max : 0;
    bool stale = watch_data_is_stale(view);
    enum screen_style style = stale ? SCREEN_DIM : SCREEN_PLAIN;
    struct screen_row row = begin(screen, 1);
    readable_number(view->clients, number);
    snprintf(label, sizeof label, " clients of %s", readable_number(view->max, max));
    if (!screen_row_figure(&row, style, number, label) &&
        !screen_row_figure(&row, style, number, " clients") &&
        !screen_row_figure(&row, style, number, ""))
        screen_row_text(&row, style, number);
    screen_row_put(&row, share >= 0.9 && !stale ? SCREEN_BAD : style, "%.1f %%", share * 100);
    if (watch_data_has_rates(view)) {
        screen_row_put(&row, SCREEN_DIM, "%s/s joined",
                       readable_rate(watch_data_rate(view, "joined"), text));
        screen_row_put(&row, SCREEN_DIM, "%s/s expired",
                       readable_rate(watch_data_rate(view, "expired"), text));
    }
    screen_end_row(screen);
}

/* What is lost matters more than what is answered. */
static void draw_requests(const struct watch_data *view, struct screen *screen)
{
    static const char all[] = "/s dropped, refused or failed", lost[] = "/s lost";
    char received[READABLE_BYTES], replied[READABLE_BYTES], bad[READABLE_BYTES];
    double bad_per_s = watch_data_loss_rate(view);
    struct screen_row row = begin(screen, 2);
    readable_rate(watch_data_rate(view, "received"), received);
    readable_rate(watch_data_rate(view, "replied"), replied);
    readable_rate(bad_per_s, bad);
    enum screen_style style = bad_per_s > 0 ? SCREEN_BAD : SCREEN_DIM;
    size_t two = strlen(received) + strlen(replied) + sizeof "/s requests  /s replies  " - 1;
    size_t room = screen->columns > strlen(bad) ? screen->columns - strlen(bad) : 0;
    if (!screen_row_figure(&row, SCREEN_PLAIN, received, "/s requests") &&
        !screen_row_figure(&row, SCREEN_PLAIN, received, "/s"))
        screen_row_text(&row, SCREEN_PLAIN, received);
    if (row.spare > 0 || two + sizeof lost - 1 <= room)
        screen_row_figure(&row, SCREEN_PLAIN, replied, "/s replies");
    if (two + sizeof all - 1 > room || !screen_row_put(&row, style, "%s%s", bad, all))
        screen_row_put(&row, style, "%s%s", bad, lost);
    screen_end_row(screen);
}

static void draw_no_rates(struct screen *screen)
{
    struct screen_row row = begin(screen, 0);
    if (!screen_row_put(&row, SCREEN_DIM, "rates follow in a second"))
        screen_row_put(&row, SCREEN_DIM, "rates follow");
    screen_end_row(screen);
}

void draw_header(const struct watch_data *view, struct screen *screen)
{
    draw_title(view, screen);
    draw_trouble(view, screen);
    if (view->max == 0) /* it has never been there */
        return;
    if (watch_data_is_stale(view))
        draw_age(view, screen);
    draw_clients(view, screen);
    if (watch_data_has_rates(view))
        draw_requests(view, screen);
    else if (!watch_data_is_stale(view))
        draw_no_rates(screen);
}
