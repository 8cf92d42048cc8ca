#ifndef LOAD_SEND_COPY_COUNTS_H
#define LOAD_SEND_COPY_COUNTS_H

#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Counts the copies of a broadcast that the clients of one thread receive, for --fanout. */
struct copy_counts;

/* The broadcast that is expected. */
struct copy_counts_payload {
    const uint8_t *bytes;
    size_t size;
    uint64_t start_ns; /* when it was commanded, by clock_now_ns */
};

struct copy_counts_tally {
    uint64_t expected;       /* registered clients */
    uint64_t received;       /* registered clients that received a copy */
    uint64_t doubled;        /* copies to them beyond the first */
    struct histogram delays; /* from the command to the first copy of each client, nanoseconds */
};

/* Uses one byte per client. Returns NULL when memory is short. */
struct copy_counts *copy_counts_new(uint32_t clients);
void copy_counts_free(struct copy_counts *copies);

/* Marks a client as registered: the server has answered it. */
void copy_counts_register(struct copy_counts *copies, uint32_t client);
bool copy_counts_is_registered(const struct copy_counts *copies, uint32_t client);

/* Counts a datagram that the client received at now_ns, if it is a copy of the payload. Returns
 * whether it is one. */
bool copy_counts_add(struct copy_counts *copies, uint32_t client,
                     const struct copy_counts_payload *payload, const void *bytes, size_t size,
                     uint64_t now_ns);

/* Writes what was counted since the last call to tally, and resets the counts. */
void copy_counts_take_tally(struct copy_counts *copies, struct copy_counts_tally *tally);

#endif
