#ifndef SIM_WORLD_COMMAND_LINES_H
#define SIM_WORLD_COMMAND_LINES_H

#include "sim/world/answers.h"

/* Drawn command lines which no oracle has to know: those that are wrong, and those of
 * observers, who change nothing. */

enum { COMMAND_LINES_BYTES = 128 };

/* A line that the server must refuse, as any operator may mistype it. */
const char *command_lines_wrong(void);

/* Writes the line of a list of streams or of the offload, if the run has them, now and then. */
bool command_lines_draw_list(char line[COMMAND_LINES_BYTES], struct command *command);

/* Writes a line of an observer: a command that it may use, or one that is for operators only and
 * must have no effect. Returns the command. */
struct command command_lines_observed(char line[COMMAND_LINES_BYTES]);

#endif
