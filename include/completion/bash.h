#ifndef COMPLETION_BASH_H
#define COMPLETION_BASH_H

#include "completion/completed_program.h"

/* Writes the program's completion for bash, 4.0 and later, a file of its own that needs nothing
 * else. */
void bash_write(FILE *out, const struct completion_program *program);

#endif
