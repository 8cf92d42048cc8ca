#ifndef SHELL_FISH_H
#define SHELL_FISH_H

#include "shell/program.h"

/* Writes the program's completion for fish, 3.0 and later, to be a file PROGRAM.fish. */
void fish_write(FILE *out, const struct shell_program *program);

#endif
