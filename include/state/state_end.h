#ifndef STATE_STATE_END_H
#define STATE_STATE_END_H

#include "base/stats.h"
#include "state/state_block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Ids of jobs and join numbers in a file are below this, so that what is added to them cannot
     * wrap. At a million a second it takes 146,000 years to reach it. */
    STATE_NUMBER_BITS = 62,
};

/* The last block of a state file, without which it is incomplete: what was counted while the
 * clients were written. The counters have their names, so that a server of another version reads
 * those that it knows. */
struct state_end {
    uint64_t clients;    /* in all blocks before it */
    uint64_t streams;    /* clients that were connected by streams, which the file does not have */
    uint64_t last_job;   /* the id of the last broadcast, 0: there was none */
    bool clients_proven; /* admission.policy was cookie all the time: each client has proven its
                            address */
    struct stats counters; /* of all workers together */
};

/* Writes the block to room bytes, STATE_BLOCK_BYTES_MAX of which are always enough. Returns its
 * size. */
size_t state_end_write(const struct state_end *end, uint8_t *bytes, size_t room);

/* Reads the body of the block. Counters that it does not name are 0. */
state_fault state_end_read(struct state_end *end, struct state_reader *body);

#endif
