#ifndef CTL_WATCH_HEADER_SECTION_H
#define CTL_WATCH_HEADER_SECTION_H

#include "ctl/watch/server_snapshot.h"
#include "terminal/screen.h"

#include <stdbool.h>

/* The first section of the screen of `watch`: whether the server is up, its clients, the rates of
 * requests, replies and losses. Each takes at least one row. On screens of HEADER_TALL_ROWS and
 * more, what does not fit the width continues in further rows, and a row has the rates of messages
 * and events for subscribers, once the server has had a subscriber. */
enum { HEADER_TALL_ROWS = 10 };

void header_section_draw(const struct server_snapshot *snapshot, struct screen *screen);

/* Whether the section has the row about subscribers: listen_messages and listen_events, which the
 * counters below then leave out. */
bool header_section_has_subscribers(const struct server_snapshot *snapshot,
                                    const struct screen *screen);

#endif
