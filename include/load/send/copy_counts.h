#ifndef LOAD_SEND_COPY_COUNTS_H
#define LOAD_SEND_COPY_COUNTS_H

#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies of a broadcast, as the clients of one thread get them. */
struct copy_counts;

/* A broadcast. */
struct copy_counts_payload {
    const uint8_t *bytes;
    size_t size;
    uint64_t start_ns; /* when it was commanded */
};

struct copy_counts_tally {
    uint64_t expected; /* clients that are registered */
    uint64_t received; /* of them, those that got a copy */
    uint64_t doubled;  /* copies to them beyond the first */
    struct histogram delays;
};

/* A byte a client. NULL when memory is short. */
struct copy_counts *copy_counts_new(uint32_t clients);
void copy_counts_free(struct copy_counts *copies);

/* The server has answered the client, and so knows it. */
void copy_counts_register(struct copy_counts *copies, uint32_t client);

/* Whether it has. */
bool copy_counts_is_registered(const struct copy_counts *copies, uint32_t client);

/* A datagram came at now_ns; whether it is a copy of the payload. The first tells the delay. */
bool copy_counts_take(struct copy_counts *copies, uint32_t client,
                      const struct copy_counts_payload *payload, const void *bytes, size_t size,
                      uint64_t now_ns);

/* Tells what was taken since the last call, and begins anew. */
void copy_counts_tell(struct copy_counts *copies, struct copy_counts_tally *tally);

#endif
