#ifndef CTL_VIEW_HEAD_H
#define CTL_VIEW_HEAD_H

#include "ctl/view.h"
#include "terminal/screen.h"

/* The first rows of the screen: whether the server is there, its clients, what it is asked and
 * answers. One row for each of these at least; in windows of HEAD_ROOMY_ROWS and more, further ones
 * for what the width has no room for. */
enum { HEAD_ROOMY_ROWS = 10 };

void view_head_draw(const struct view *view, struct screen *screen);

#endif
