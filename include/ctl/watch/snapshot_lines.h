#ifndef CTL_WATCH_SNAPSHOT_LINES_H
#define CTL_WATCH_SNAPSHOT_LINES_H

#include "ctl/watch/server_snapshot.h"

#include <stdio.h>

/* The output of `watch` on a pipe or with --json: one line for each poll, as text or as a JSON
 * object. time is the wall clock time. Text has the rates of messages and events for subscribers
 * once the server has had a subscriber; JSON has every counter. While the server is down, the line
 * has the error. */
void snapshot_lines_text(FILE *out, const struct server_snapshot *snapshot, const char *time);
void snapshot_lines_json(FILE *out, const struct server_snapshot *snapshot, const char *time);

#endif
