/* The progress of a broadcast, in a row. */
#include "ctl/broadcast/progress_bar.h"

#include "ctl/output/readable_numbers.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    WIDEST = 200, /* far below PROGRESS_BAR_BYTES; a longer bar says no more */
    BAR_MIN = 10, /* a shorter one says too little */
    BAR_MAX = 60,
};

/* " [####----]" of that many columns, or nothing if they are too few. */
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

/* Appends a piece if that leaves the row within its room; what doesn't fit is no part of it. */
static bool append(char row[2 * WIDEST], size_t room, const char *piece)
{
    size_t length = strlen(row);
    if (length + strlen(piece) > room)
        return false;
    strcpy(row + length, piece);
    return true;
}

/* Share, bar, rate and time, as far as there is room. */
static void draw_running(char row[2 * WIDEST], size_t room, const struct job_status *job)
{
    char share[32], rate[READABLE_BYTES + 8], number[READABLE_BYTES], time[JOB_STATUS_TIME_BYTES],
        left[JOB_STATUS_TIME_BYTES + 16] = "";
    unsigned permille = job_status_permille(job);
    uint64_t left_ms;
    snprintf(share, sizeof share, " %u.%u %%", permille / 10, permille % 10);
    snprintf(rate, sizeof rate, " %s/s", readable_number(job_status_rate_pps(job), number));
    if (job_status_left_ms(job, &left_ms))
        snprintf(left, sizeof left, "  %s to go", job_status_time(left_ms, time));
    if (!append(row, room, share))
        return;
    char *end = row + strlen(row);
    size_t used = strlen(row) + strlen(rate) + strlen(left);
    if (room > used)
        end[draw_bar(end, room - used, permille)] = '\0';
    if (append(row, room, rate))
        append(row, room, left);
}

size_t progress_bar_draw(const struct job_status *job, unsigned columns,
                         char bytes[PROGRESS_BAR_BYTES])
{
    char row[2 * WIDEST] = "", head[64];
    size_t room = columns < WIDEST ? columns : WIDEST;
    room -= room > 0;
    bool running = job_status_is(job, "running");
    snprintf(head, sizeof head, "job %" PRIu64 "%s%s", job->id, running ? "" : " ",
             running ? "" : job->state);
    if (append(row, room, head) && running)
        draw_running(row, room, job);
    return (size_t)snprintf(bytes, PROGRESS_BAR_BYTES, "\r%s\x1b[K", row);
}
