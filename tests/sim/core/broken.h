#ifndef SIM_CORE_BROKEN_H
#define SIM_CORE_BROKEN_H

#include <stdbool.h>
#include <stddef.h>

/* Self-tests of the oracles: a fault in one of the fakes, or in the memory of the server, which an
 * oracle has to find. tests/sim/self_test lists the faults with the promises that they break. */

/* Has that fault happen in this run; NULL: none. */
void broken_set(const char *name);
extern const char *broken_name; /* for broken_is only */
bool broken_has_name(const char *name);
static inline bool broken_is(const char *name)
{
    return broken_name != NULL && broken_has_name(name);
}

/* True for one of the next n calls on average, if the run has that fault. */
bool broken_draws(const char *name, unsigned n); /* for broken_now only */
static inline bool broken_now(const char *name, unsigned n)
{
    return broken_name != NULL && broken_draws(name, n);
}

#endif
