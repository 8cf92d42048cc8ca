#ifndef COMPLETION_ZSH_H
#define COMPLETION_ZSH_H

#include "completion/completed_program.h"

/* Writes the program's completion for zsh's compsys, to be a file _PROGRAM in its fpath. */
void zsh_write(FILE *out, const struct completion_program *program);

#endif
