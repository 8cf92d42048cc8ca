#ifndef CTL_VIEW_DRAW_H
#define CTL_VIEW_DRAW_H

#include "ctl/view.h"
#include "terminal/screen.h"

/* Draws what `watch` shows into a screen that has begun, of any size: figures in, a drawing out. No
 * terminal, no server, no clock. */
void view_draw(const struct view *view, struct screen *screen);

#endif
