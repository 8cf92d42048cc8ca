#ifndef SIM_CORE_DRAW_H
#define SIM_CORE_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Everything that a run draws comes from one seed, by several independent sequences, so that
 * another draw of one kind does not shift those of the others. The generator is xoshiro256**
 * (Blackman and Vigna), not the one of the product. */

enum draw_stream {
    DRAW_SETUP,       /* the configuration, the clients, the kinds of faults */
    DRAW_SCHEDULE,    /* which thread runs next, the order of events */
    DRAW_NETWORK,     /* loss, delay, duplication, corruption */
    DRAW_FAULTS,      /* what the kernel refuses */
    DRAW_CLIENTS,     /* when clients act, and what they send */
    DRAW_OPERATOR,    /* commands and reloads */
    DRAW_KERNEL,      /* random bytes and the hash of reuseport groups */
    DRAW_SWARM,       /* rare situations */
    DRAW_SELECTION,   /* selectors of commands */
    DRAW_OBSERVER,    /* whether there are observers, and their commands */
    DRAW_SUBSCRIBERS, /* whether there are subscribers, and what they ask for */
    DRAW_GATEWAYS,    /* whether there are gateways, and their requests */
    DRAW_FLOODS,      /* floods of requests */
    DRAW_NAMES,       /* whether clients have names, and which */
    DRAW_CONFIRM,     /* whether messages are confirmed, and by which clients */
    DRAW_GROUPS,      /* the groups of the control sockets, and the target of the log */
    DRAW_SHARDS,      /* whether the kernel lacks the choice of a socket by a program */
    DRAW_STATE,       /* the state file, crashes, and the wall clock */
    DRAW_CHURN,       /* what clients do while a snapshot is taken */
    DRAW_UPGRADES,    /* whether there are upgrades, and what becomes of them */
    DRAW_METRICS,     /* whether metrics are served, and what their peers ask for */
    DRAW_PUBLISH,     /* whether broadcasts have keys, and which */
    DRAW_OFFLOAD,     /* whether the server has an offload, and its keys */
    DRAW_STREAMS
};

/* A variant has the same DRAW_SETUP as its seed, and all other sequences differ; 0: the seed
 * itself. */
void draw_seed(uint64_t seed, uint64_t variant);

uint64_t draw(enum draw_stream stream);
/* Below limit, which is at least 1. */
uint64_t draw_below(enum draw_stream stream, uint64_t limit);
/* From low to high, both included. */
uint64_t draw_range(enum draw_stream stream, uint64_t low, uint64_t high);
/* Whether an event of that probability happens. Draws nothing for 0. */
bool draw_chance(enum draw_stream stream, uint32_t per_million);

#endif
