#ifndef SIM_WORLD_REDUCTIONS_H
#define SIM_WORLD_REDUCTIONS_H

#include "sim/net/network.h"
#include "sim/world/faults.h"
#include "sim/world/settings.h"
#include "sim/world/swarm.h"

#include <stdbool.h>
#include <stdint.h>

/* What a run leaves out of what its seed draws, so that tests/sim/minimize finds the smallest run
 * that breaks the same promise. Everything is drawn as without them, and left out afterwards: what
 * remains is the same. But a client that does nothing shifts what the others draw, so there are
 * variants of a seed: the same configuration, clients and kinds of faults, with other draws for all
 * that happens to them. */

enum reduction {
    WITHOUT_DELAYS = 1 << 0, /* of the network: datagrams keep their order */
    WITHOUT_SLOW_LINK = 1 << 1,
    WITHOUT_LEAPS = 1 << 2, /* of the clock */
    WITHOUT_OPERATORS = 1 << 3,
    WITHOUT_RELOADS = 1 << 4,
    WITHOUT_BROADCASTS = 1 << 5,
    WITHOUT_KICKS = 1 << 6,
    WITHOUT_INTERFACE_CHANGES = 1 << 7,
    WITHOUT_REMOVED_FILES = 1 << 8,
    WITHOUT_OBSERVERS = 1 << 9,
    WITHOUT_SUBSCRIBERS = 1 << 10,
    WITHOUT_GATEWAYS = 1 << 11,
    WITHOUT_CRASHES = 1 << 12,
    WITHOUT_WALL_LEAPS = 1 << 13,
    WITHOUT_DAMAGE = 1 << 14, /* of the state file */
    WITHOUT_STATE = 1 << 15,
    WITHOUT_METRICS = 1 << 16,
};

/* Takes an option of the command line: --variant=N, --workers=N (at most), --duration=MS (of the
 * time with faults, at most), --clients=LIST (the only ones that act, such as 0-9,17),
 * --without=NAME,... (swarm: all rare situations), --steady; or --with=NAME: each run has that rare
 * situation. Returns false for another option, and for a wrong value. */
bool reductions_read(const char *option);

/* --steady: a run that leaves out all of this, in which that many plain clients each send a request
 * in each period, to one listener of a server with the default ttl. Its speed is measured by
 * `make sim-rate`. */
enum { STEADY_CLIENTS = 1000, STEADY_PERIOD_MS = 20000, STEADY_MS = 3600000 };
bool reductions_are_steady(void);

uint64_t reductions_variant(void);
bool reductions_leave_out(enum reduction reduction);
bool reductions_have_client(uint32_t number);

/* Apply the others to what was drawn. */
void reductions_of_settings(struct setup *drawn_setup, struct settings *drawn_settings);
void reductions_of_swarm(struct swarm *drawn);
void reductions_of_faults(struct faults *drawn_faults, struct network *drawn_network);
uint64_t reductions_of_duration(uint64_t ms);

/* Prints the names for --without that change something, in one line. */
void reductions_print_names(const struct faults *drawn_faults, const struct network *drawn_network);

#endif
