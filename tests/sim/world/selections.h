#ifndef SIM_WORLD_SELECTIONS_H
#define SIM_WORLD_SELECTIONS_H

#include "sim/check/selection.h"

/* Drawn selectors of operators' commands. */

enum { SELECTIONS_TEXT_BYTES = 512 };

/* Draws one; in runs without swarm.selects, and mostly, that of all clients. */
struct selection selections_draw(void);

/* Draws one that is not that of all clients. */
struct selection selections_draw_some(void);

/* Writes its words, each with a blank before it. Returns text. */
const char *selections_format(const struct selection *selection, char text[SELECTIONS_TEXT_BYTES]);

#endif
