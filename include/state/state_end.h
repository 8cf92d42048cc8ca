#ifndef STATE_STATE_END_H
#define STATE_STATE_END_H

#include "base/stats.h"
#include "state/state_block.h"

#include <stddef.h>
#include <stdint.h>

/* The last block of a state file, without which it is incomplete: how many clients precede it, how
 * many were connected by streams, which it does not have, and the counters, by name, so that a
 * server of another version reads those that it knows. */
struct state_end {
    uint64_t clients, streams;
    struct stats counters; /* of all workers together */
};

/* Writes the block to room bytes, STATE_BLOCK_BYTES_MAX of which are always enough. Returns its
 * size. */
size_t state_end_write(const struct state_end *end, uint8_t *bytes, size_t room);

/* Reads the body of the block. Counters that it does not name are 0. */
state_fault state_end_read(struct state_end *end, struct state_reader *body);

#endif
