#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct run_options {
    bool verbose;       /* print each event */
    bool log;           /* print the log of the server */
    bool hash;          /* print the hash of all events */
    const char *broken; /* the oracle whose self-test this is, NULL: none */
    const char *replay; /* the command for it */
};

/* Runs the server from its start to its end with that seed, once in a process. Returns the exit
 * status of the process; a broken promise ends it with status 1. */
int run_seed(uint64_t seed, const struct run_options *options);

/* Whether the server has crashed in the run, so that its memory is left. */
bool run_has_crashed(void);

/* Prints what that seed draws, for tests/sim/minimize. */
void run_describe(uint64_t seed);

/* The main function of a successor, in its process. */
void run_successor(void *state);

#endif
