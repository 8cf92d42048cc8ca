#ifndef SIM_WORLD_COMMAND_LINES_H
#define SIM_WORLD_COMMAND_LINES_H

#include "sim/world/answers.h"

/* Drawn command lines which no oracle has to know: those that are wrong, and those of
 * observers, who change nothing. */

enum { COMMAND_LINES_BYTES = 128 };

/* A line that the server must refuse, as any operator may mistype it. */
const char *command_lines_wrong(void);

/* Writes a line of an observer: a command that it may use, or one that is for operators only and
 * must have no effect. Returns the command. */
struct command command_lines_observed(char line[COMMAND_LINES_BYTES]);

#endif
