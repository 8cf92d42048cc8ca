#include "ctl/watch/header_section.h"

#include "ctl/output/readable_format.h"
#include "ctl/watch/row_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_BYTES = READABLE_FORMAT_BYTES + 24 };

static struct row_writer begin_row(struct screen *screen, unsigned spare)
{
    struct row_writer row = row_writer_begin(screen, 0, screen->columns);
    row.spare = screen->rows >= HEADER_TALL_ROWS ? spare : 0;
    return row;
}

static void draw_title(const struct server_snapshot *snapshot, struct screen *screen)
{
    char span[READABLE_FORMAT_BYTES], label[LABEL_BYTES];
    struct row_writer row = begin_row(screen, 0);
    bool is_first = !snapshot->is_up && snapshot->error[0] == '\0',
         late = snapshot->is_up && snapshot->stale_s > 0;
    if (is_first)
        snprintf(label, sizeof label, " connecting");
    else if (late)
        snprintf(label, sizeof label, " no answer for %s",
                 readable_format_duration(snapshot->stale_s, span));
    else
        snprintf(label, sizeof label, " %s %s", snapshot->is_up ? "up" : "away",
                 readable_format_duration(snapshot->is_up ? snapshot->uptime_s : snapshot->down_s,
                                          span));
    bool good = snapshot->is_up && !late;
    if (!row_writer_put_number(&row, good || is_first ? SCREEN_PLAIN : SCREEN_BAD, "udpsrv", label))
        screen_put(screen, SCREEN_BOLD, "udpsrv");
    if (good) {
        row_writer_put(&row, SCREEN_DIM, "%s", snapshot->version);
        row_writer_put(&row, SCREEN_DIM, "%" PRIu64 " worker%s", snapshot->workers,
                       snapshot->workers == 1 ? "" : "s");
    }
    row_writer_put(&row, SCREEN_DIM, "%s", snapshot->socket_path);
    screen_end_row(screen);
}

static void draw_error(const struct server_snapshot *snapshot, struct screen *screen)
{
    struct row_writer row = begin_row(screen, screen->rows / 4);
    if (snapshot->error[0] == '\0')
        return;
    row_writer_put_wrapped(&row, SCREEN_BAD, snapshot->error);
    screen_end_row(screen);
}

/* Draws the age of the values below it. */
static void draw_age(const struct server_snapshot *snapshot, struct screen *screen)
{
    char span[READABLE_FORMAT_BYTES];
    struct row_writer row = begin_row(screen, 0);
    readable_format_duration(snapshot->stale_s, span);
    if (row_writer_put(&row, SCREEN_BAD, "values last updated %s ago:", span) ||
        row_writer_put(&row, SCREEN_BAD, "updated %s ago:", span))
        screen_end_row(screen);
}

static void draw_clients(const struct server_snapshot *snapshot, struct screen *screen)
{
    char number[READABLE_FORMAT_BYTES], max[READABLE_FORMAT_BYTES], text[READABLE_FORMAT_BYTES],
        label[LABEL_BYTES];
    double share = snapshot->max > 0 ? (double)snapshot->clients / (double)snapshot->max : 0;
    bool stale = server_snapshot_is_stale(snapshot);
    enum screen_style style = stale ? SCREEN_DIM : SCREEN_PLAIN;
    struct row_writer row = begin_row(screen, 1);
    readable_format_integer(snapshot->clients, number);
    snprintf(label, sizeof label, " clients of %s", readable_format_integer(snapshot->max, max));
    if (!row_writer_put_number(&row, style, number, label) &&
        !row_writer_put_number(&row, style, number, " clients") &&
        !row_writer_put_number(&row, style, number, ""))
        row_writer_put_wrapped(&row, style, number);
    row_writer_put(&row, share >= 0.9 && !stale ? SCREEN_BAD : style, "%.1f %%", share * 100);
    if (server_snapshot_has_rates(snapshot)) {
        row_writer_put(&row, SCREEN_DIM, "%s/s joined",
                       readable_format_rate(server_snapshot_rate(snapshot, "joined"), text));
        row_writer_put(&row, SCREEN_DIM, "%s/s expired",
                       readable_format_rate(server_snapshot_rate(snapshot, "expired"), text));
    }
    screen_end_row(screen);
}

/* If the width is too small for all, replies are left out, because losses matter more. */
static void draw_requests(const struct server_snapshot *snapshot, struct screen *screen)
{
    static const char all[] = "/s dropped, refused or failed", lost[] = "/s lost";
    char received[READABLE_FORMAT_BYTES], replied[READABLE_FORMAT_BYTES],
        bad[READABLE_FORMAT_BYTES];
    double bad_per_s = server_snapshot_loss_rate(snapshot);
    struct row_writer row = begin_row(screen, 2);
    readable_format_rate(server_snapshot_rate(snapshot, "received"), received);
    readable_format_rate(server_snapshot_rate(snapshot, "replied"), replied);
    readable_format_rate(bad_per_s, bad);
    enum screen_style style = bad_per_s > 0 ? SCREEN_BAD : SCREEN_DIM;
    size_t two = strlen(received) + strlen(replied) + sizeof "/s requests  /s replies  " - 1;
    size_t columns = screen->columns > strlen(bad) ? screen->columns - strlen(bad) : 0;
    if (!row_writer_put_number(&row, SCREEN_PLAIN, received, "/s requests") &&
        !row_writer_put_number(&row, SCREEN_PLAIN, received, "/s"))
        row_writer_put_wrapped(&row, SCREEN_PLAIN, received);
    if (row.spare > 0 || two + sizeof lost - 1 <= columns)
        row_writer_put_number(&row, SCREEN_PLAIN, replied, "/s replies");
    if (two + sizeof all - 1 > columns || !row_writer_put(&row, style, "%s%s", bad, all))
        row_writer_put(&row, style, "%s%s", bad, lost);
    screen_end_row(screen);
}

bool header_section_has_subscribers(const struct server_snapshot *snapshot,
                                    const struct screen *screen)
{
    return screen->rows >= HEADER_TALL_ROWS && server_snapshot_has_rates(snapshot) &&
           server_snapshot_had_subscribers(snapshot);
}

/* If the width is too small for all, the label is left out, and then the losses, which the row of
 * requests and the counters include. */
static void draw_subscribers(const struct server_snapshot *snapshot, struct screen *screen)
{
    static const char label[] = "subscribers:", between[] = "/s messages  /s events  /s lost  ";
    char messages[READABLE_FORMAT_BYTES], events[READABLE_FORMAT_BYTES],
        lost[READABLE_FORMAT_BYTES];
    double lost_per_s = server_snapshot_rate(snapshot, "listen_lost");
    struct row_writer row = begin_row(screen, 1);
    readable_format_rate(server_snapshot_rate(snapshot, "listen_messages"), messages);
    readable_format_rate(server_snapshot_rate(snapshot, "listen_events"), events);
    readable_format_rate(lost_per_s, lost);
    size_t numbers = strlen(messages) + strlen(events) + strlen(lost);
    if (sizeof label - 1 + sizeof between - 1 + numbers <= screen->columns)
        row_writer_put(&row, SCREEN_DIM, label);
    row_writer_put_number(&row, SCREEN_PLAIN, messages, "/s messages");
    row_writer_put_number(&row, SCREEN_PLAIN, events, "/s events");
    row_writer_put(&row, lost_per_s > 0 ? SCREEN_BAD : SCREEN_DIM, "%s/s lost", lost);
    screen_end_row(screen);
}

static void draw_no_rates(struct screen *screen)
{
    struct row_writer row = begin_row(screen, 0);
    if (!row_writer_put(&row, SCREEN_DIM, "rates follow in a second"))
        row_writer_put(&row, SCREEN_DIM, "rates follow");
    screen_end_row(screen);
}

void header_section_draw(const struct server_snapshot *snapshot, struct screen *screen)
{
    draw_title(snapshot, screen);
    draw_error(snapshot, screen);
    if (snapshot->max == 0) /* no poll has succeeded yet */
        return;
    if (server_snapshot_is_stale(snapshot))
        draw_age(snapshot, screen);
    draw_clients(snapshot, screen);
    if (server_snapshot_has_rates(snapshot))
        draw_requests(snapshot, screen);
    else if (!server_snapshot_is_stale(snapshot))
        draw_no_rates(screen);
    if (header_section_has_subscribers(snapshot, screen))
        draw_subscribers(snapshot, screen);
}
