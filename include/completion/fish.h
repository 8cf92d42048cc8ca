#ifndef COMPLETION_FISH_H
#define COMPLETION_FISH_H

#include "completion/program_options.h"

/* Writes the completion script for fish 3.0 and later, the file PROGRAM.fish. */
void fish_write(FILE *out, const struct program_options *program);

#endif
