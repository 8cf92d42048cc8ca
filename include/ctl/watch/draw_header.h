#ifndef CTL_WATCH_DRAW_HEADER_H
#define CTL_WATCH_DRAW_HEADER_H

#include "ctl/watch/watch_data.h"
#include "terminal/screen.h"

/* The first rows of the screen: whether the server is there, its clients, what it is asked and
 * answers. One row for each of these at least; in windows of HEAD_ROOMY_ROWS and more, further ones
 * for what the width has no room for. */
enum { HEAD_ROOMY_ROWS = 10 };

void draw_header(const struct watch_data *view, struct screen *screen);

#endif
