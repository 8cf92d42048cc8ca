#ifndef COMPLETION_ZSH_H
#define COMPLETION_ZSH_H

#include "completion/program_options.h"

/* Writes the completion script for zsh (compsys), the file _PROGRAM in a folder of fpath. */
void zsh_write(FILE *out, const struct program_options *program);

#endif
