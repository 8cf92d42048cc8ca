#ifndef CTL_WATCH_WATCH_LINES_H
#define CTL_WATCH_WATCH_LINES_H

#include "ctl/watch/watch_data.h"

#include <stdio.h>

/* The figures of `watch` where they can't be drawn: a line for each look, for people or as an
 * object of JSON. time is that of the wall clock. While the server is away, the line says why. */
void watch_lines_text(FILE *out, const struct watch_data *view, const char *time);
void watch_lines_json(FILE *out, const struct watch_data *view, const char *time);

#endif
