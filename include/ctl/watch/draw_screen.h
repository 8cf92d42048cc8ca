#ifndef CTL_WATCH_DRAW_SCREEN_H
#define CTL_WATCH_DRAW_SCREEN_H

#include "ctl/watch/watch_data.h"
#include "terminal/screen.h"

/* Draws what `watch` shows into a screen that has begun, of any size: figures in, a drawing out. No
 * terminal, no server, no clock. */
void draw_screen(const struct watch_data *view, struct screen *screen);

#endif
