#ifndef CTL_VIEW_TEXT_H
#define CTL_VIEW_TEXT_H

#include "ctl/view.h"

#include <stdio.h>

/* The figures of `watch` where they can't be drawn: a line for each look, for people or as an
 * object of JSON. time is that of the wall clock. While the server is away, the line says why. */
void view_text_line(FILE *out, const struct view *view, const char *time);
void view_text_json(FILE *out, const struct view *view, const char *time);

#endif
