#ifndef CTL_BROADCAST_PROGRESS_BAR_H
#define CTL_BROADCAST_PROGRESS_BAR_H

#include "ctl/broadcast/job_status.h"

#include <stddef.h>

enum { PROGRESS_BAR_BYTES = 512 };

/* Draws the progress of a broadcast job over the terminal's current row: percent, a bar, copies per
 * second, remaining time. Of a job with a selector, whose targets are counted while it runs: how
 * many copies were sent, and copies per second. Of a confirmed job that waits for confirmations:
 * the share of the clients that have confirmed, how many have not, and the round. The row is
 * shorter than columns, because some terminals wrap after the last one; pieces that do not fit are
 * left out. Returns the length; bytes ends in a NUL. */
size_t progress_bar_draw(const struct job_status *job, unsigned columns,
                         char bytes[PROGRESS_BAR_BYTES]);

/* Erases the row. */
#define PROGRESS_BAR_ERASE "\r\x1b[K"

#endif
