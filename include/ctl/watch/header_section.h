#ifndef CTL_WATCH_HEADER_SECTION_H
#define CTL_WATCH_HEADER_SECTION_H

#include "ctl/watch/server_snapshot.h"
#include "terminal/screen.h"

/* The first section of the screen of `watch`: whether the server is up, its clients, the rates of
 * requests, replies and losses. Each takes at least one row. On screens of HEADER_TALL_ROWS and
 * more, what does not fit the width continues in further rows. */
enum { HEADER_TALL_ROWS = 10 };

void header_section_draw(const struct server_snapshot *snapshot, struct screen *screen);

#endif
