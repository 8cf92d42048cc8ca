#ifndef SIM_CORE_COVERAGE_H
#define SIM_CORE_COVERAGE_H

#include <stdbool.h>

/* How often each branch of the server was reached, over all seeds, for the coverage marks
 * (tests/sim/marks). The counters are those of clang (-fprofile-instr-generate): the server has no
 * hook. Each seed is a process, which adds its counters to memory that all share.
 *
 * Without SIM_COVERAGE, which `make sim` defines for a build of its own, coverage_begin returns
 * false. */

/* Before the first process of a seed. Returns whether the build counts. */
bool coverage_begin(void);
/* In the process of a seed, at its end. Does nothing without coverage_begin. */
void coverage_add(void);
/* After the last one: writes the sums as a raw profile of LLVM. Returns whether it could. */
bool coverage_write(const char *path);

#endif
