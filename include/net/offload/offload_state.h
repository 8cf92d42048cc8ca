#ifndef NET_OFFLOAD_OFFLOAD_STATE_H
#define NET_OFFLOAD_OFFLOAD_STATE_H

#include "net/offload/offload_program.h"
#include "offload/offload_tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The state of an offload: descriptors and shared memory, for the modules offload, offload_copies
 * and offload_handover only, and for tests of the program. */

enum { OFFLOAD_LINKS_MAX = 16 };

struct offload {
    struct offload_size size;
    uint32_t processors; /* for which the kernel keeps counters: all that it could ever have */

    /* Descriptors, -1: none. */
    int tables[OFFLOAD_TABLES];
    int program;
    int links[OFFLOAD_LINKS_MAX];        /* the program on an interface each */
    uint32_t indexes[OFFLOAD_LINKS_MAX]; /* of the interfaces */
    bool are_native[OFFLOAD_LINKS_MAX];  /* OFFLOAD_NATIVE */
    size_t link_count;

    void *memory[OFFLOAD_TABLES]; /* of the tables that can be mapped; NULL: not mapped */
};

/* Returns a state without descriptors, or NULL if memory is short. */
struct offload *offload_state_new(const struct offload_size *size);

/* Maps the memory of the tables, which must be open. Returns 0 or -errno. */
int offload_state_map(struct offload *offload);

/* Closes what is open, and frees the state. */
void offload_state_free(struct offload *offload);

#endif
