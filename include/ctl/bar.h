#ifndef CTL_BAR_H
#define CTL_BAR_H

#include "ctl/job.h"

#include <stddef.h>

enum { BAR_BYTES = 512 };

/* Draws how far a job is, as one row of less than columns (the last stays free, so that no terminal
 * wraps), over what stands in the row: percent, a bar, copies a second, time to go; in a small
 * window some of it, but no piece in part. Returns the length; bytes ends in a NUL. */
size_t bar_draw(const struct job *job, unsigned columns, char bytes[BAR_BYTES]);

/* Takes it away. */
#define BAR_ERASE "\r\x1b[K"

#endif
