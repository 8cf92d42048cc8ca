#include "ctl/broadcast/progress_bar.h"

#include "ctl/output/readable_format.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    ROW_MAX = 200, /* columns; far below PROGRESS_BAR_BYTES */
    BAR_MIN = 10,  /* a shorter bar is not useful */
    BAR_MAX = 60,
};

/* Draws " [####----]" in that many columns. Returns its length, 0 if the columns are too few. */
static size_t draw_bar(char *out, size_t columns, unsigned permille)
{
    size_t width = columns < BAR_MAX ? columns : BAR_MAX;
    if (width < BAR_MIN)
        return 0;
    size_t inside = width - 3, filled = inside * permille / 1000;
    memcpy(out, " [", 2);
    memset(out + 2, '#', filled);
    memset(out + 2 + filled, '-', inside - filled);
    out[2 + inside] = ']';
    return width;
}

/* Appends a piece to the row if it fits as a whole. */
static bool append(char row[2 * ROW_MAX], size_t width_max, const char *piece)
{
    size_t length = strlen(row);
    if (length + strlen(piece) > width_max)
        return false;
    strcpy(row + length, piece);
    return true;
}

/* Draws a share of 1000 in percent and as a bar, and two pieces after it, as far as they fit. */
static void draw_share(char row[2 * ROW_MAX], size_t width_max, unsigned permille,
                       const char *first, const char *second)
{
    char share[32];
    snprintf(share, sizeof share, " %u.%u %%", permille / 10, permille % 10);
    if (!append(row, width_max, share))
        return;
    char *end = row + strlen(row);
    size_t used = strlen(row) + strlen(first) + strlen(second);
    if (width_max > used)
        end[draw_bar(end, width_max - used, permille)] = '\0';
    if (append(row, width_max, first))
        append(row, width_max, second);
}

static void draw_running(char row[2 * ROW_MAX], size_t width_max, const struct job_status *job)
{
    char rate[READABLE_FORMAT_BYTES + 8], number[READABLE_FORMAT_BYTES],
        time[JOB_STATUS_TIME_BYTES], left[JOB_STATUS_TIME_BYTES + 16] = "";
    uint64_t remaining_ms;
    snprintf(rate, sizeof rate, " %s/s", readable_format_integer(job_status_rate_pps(job), number));
    if (job_status_remaining_ms(job, &remaining_ms))
        snprintf(left, sizeof left, "  %s to go", job_status_format_time(remaining_ms, time));
    draw_share(row, width_max, job_status_permille(job), rate, left);
}

/* Of a job whose clients confirm: how many have, how many have not, and the round. */
static void draw_confirming(char row[2 * ROW_MAX], size_t width_max, const struct job_status *job)
{
    char silent[READABLE_FORMAT_BYTES + 32], round[48], number[READABLE_FORMAT_BYTES];
    snprintf(silent, sizeof silent, " confirmed, %s silent",
             readable_format_integer(job->silent, number));
    snprintf(round, sizeof round, "  round %" PRIu64, job->rounds);
    draw_share(row, width_max, job_status_confirmed_permille(job), silent, round);
}

static void draw_selecting(char row[2 * ROW_MAX], size_t width_max, const struct job_status *job)
{
    char piece[READABLE_FORMAT_BYTES + 16], number[READABLE_FORMAT_BYTES];
    snprintf(piece, sizeof piece, " %s sent", readable_format_integer(job->sent, number));
    if (!append(row, width_max, piece))
        return;
    snprintf(piece, sizeof piece, "  %s/s",
             readable_format_integer(job_status_rate_pps(job), number));
    append(row, width_max, piece);
}

size_t progress_bar_draw(const struct job_status *job, unsigned columns,
                         char bytes[PROGRESS_BAR_BYTES])
{
    char row[2 * ROW_MAX] = "", head[64];
    size_t width_max = columns < ROW_MAX ? columns : ROW_MAX;
    width_max -= width_max > 0;
    bool running = job_status_is(job, "running") || job_status_is_confirming(job);
    snprintf(head, sizeof head, "job %" PRIu64 "%s%s", job->id, running ? "" : " ",
             running ? "" : job->state);
    if (!append(row, width_max, head))
        return (size_t)snprintf(bytes, PROGRESS_BAR_BYTES, "\r%s\x1b[K", row);
    if (job_status_is_confirming(job))
        draw_confirming(row, width_max, job);
    else if (running && job_status_has_targets(job))
        draw_running(row, width_max, job);
    else if (running)
        draw_selecting(row, width_max, job);
    return (size_t)snprintf(bytes, PROGRESS_BAR_BYTES, "\r%s\x1b[K", row);
}
