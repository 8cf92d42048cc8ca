#ifndef COMPLETION_BASH_H
#define COMPLETION_BASH_H

#include "completion/program_options.h"

/* Writes the completion script for bash 4.0 and later. It does not need the package
 * bash-completion. */
void bash_write(FILE *out, const struct program_options *program);

#endif
