#ifndef SHELL_BASH_H
#define SHELL_BASH_H

#include "shell/program.h"

/* Writes the program's completion for bash, 4.0 and later, a file of its own that needs nothing
 * else. */
void bash_write(FILE *out, const struct shell_program *program);

#endif
