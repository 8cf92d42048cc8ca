#ifndef CTL_BROADCAST_PROGRESS_BAR_H
#define CTL_BROADCAST_PROGRESS_BAR_H

#include "ctl/broadcast/job_status.h"

#include <stddef.h>

enum { PROGRESS_BAR_BYTES = 512 };

/* Draws how far a job is, as one row of less than columns (the last stays free, so that no terminal
 * wraps), over what stands in the row: percent, a bar, copies a second, time to go; in a small
 * window some of it, but no piece in part. Returns the length; bytes ends in a NUL. */
size_t progress_bar_draw(const struct job_status *job, unsigned columns,
                         char bytes[PROGRESS_BAR_BYTES]);

/* Takes it away. */
#define PROGRESS_BAR_ERASE "\r\x1b[K"

#endif
