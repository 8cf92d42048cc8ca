#ifndef NET_OFFLOAD_OFFLOAD_STATE_H
#define NET_OFFLOAD_OFFLOAD_STATE_H

#include "net/offload/offload_program.h"
#include "offload/offload_tables.h"

#include <stddef.h>
#include <stdint.h>

/* The state of an offload: descriptors and shared memory, for the modules offload and
 * offload_handover only, and for tests of the program. */

enum { OFFLOAD_LINKS_MAX = 16 };

struct offload {
    uint32_t records_count, workers_count;
    uint32_t processors; /* for which the kernel keeps counters: all that it could ever have */

    /* Descriptors, -1: none. */
    int tables[OFFLOAD_TABLES];
    int program;
    int links[OFFLOAD_LINKS_MAX]; /* the program on an interface each */
    size_t link_count;

    /* The memory of tables, NULL: not mapped. */
    struct offload_record *records;
    struct offload_worker *workers;
    struct offload_rotation *rotations;
};

/* Returns a state without descriptors, or NULL if memory is short. */
struct offload *offload_state_new(uint32_t records, uint32_t workers);

/* Maps the memory of the tables, which must be open. Returns 0 or -errno. */
int offload_state_map(struct offload *offload);

/* Closes what is open, and frees the state. */
void offload_state_free(struct offload *offload);

#endif
