/* The progress of a broadcast, in a row. */
#include "ctl/bar.h"

#include "ctl/readable.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    WIDEST = 200, /* far below BAR_BYTES; a longer bar says no more */
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

size_t bar_draw(const struct job *job, unsigned columns, char bytes[BAR_BYTES])
{
    char head[64], tail[96] = "", row[2 * WIDEST], rate[READABLE_BYTES], time[JOB_TIME_BYTES];
    size_t room = columns < WIDEST ? columns : WIDEST, length;
    unsigned permille = job_permille(job);
    uint64_t left_ms;
    room -= room > 0;
    if (job_is(job, "running")) {
        snprintf(head, sizeof head, "job %" PRIu64 " %u.%u %%", job->id, permille / 10,
                 permille % 10);
        snprintf(tail, sizeof tail, " %s/s", readable_number(job_rate_pps(job), rate));
        if (job_left_ms(job, &left_ms))
            snprintf(tail + strlen(tail), sizeof tail - strlen(tail), "  %s to go",
                     job_time(left_ms, time));
    } else {
        snprintf(head, sizeof head, "job %" PRIu64 " %s", job->id, job->state);
    }
    length = (size_t)snprintf(row, sizeof row, "%s", head);
    if (tail[0] != '\0' && room > length + strlen(tail))
        length += draw_bar(row + length, room - length - strlen(tail), permille);
    snprintf(row + length, sizeof row - length, "%s", tail);
    return (size_t)snprintf(bytes, BAR_BYTES, "\r%.*s\x1b[K", (int)room, row);
}
