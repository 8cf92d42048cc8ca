#ifndef SHELL_ZSH_H
#define SHELL_ZSH_H

#include "shell/program.h"

/* Writes the program's completion for zsh's compsys, to be a file _PROGRAM in its fpath. */
void zsh_write(FILE *out, const struct shell_program *program);

#endif
