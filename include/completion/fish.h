#ifndef COMPLETION_FISH_H
#define COMPLETION_FISH_H

#include "completion/completed_program.h"

/* Writes the program's completion for fish, 3.0 and later, to be a file PROGRAM.fish. */
void fish_write(FILE *out, const struct completion_program *program);

#endif
