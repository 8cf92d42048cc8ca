#ifndef LOAD_COPIES_H
#define LOAD_COPIES_H

#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies of a broadcast, as the clients of one thread get them. */
struct copies;

/* A broadcast. */
struct copies_payload {
    const uint8_t *bytes;
    size_t size;
    uint64_t start_ns; /* when it was commanded */
};

struct copies_tally {
    uint64_t expected; /* clients that are registered */
    uint64_t received; /* of them, those that got a copy */
    uint64_t doubled;  /* copies to them beyond the first */
    struct histogram delays;
};

/* A byte a client. NULL when memory is short. */
struct copies *copies_new(uint32_t clients);
void copies_free(struct copies *copies);

/* The server has answered the client, and so knows it. */
void copies_register(struct copies *copies, uint32_t client);

/* Whether it has. */
bool copies_is_registered(const struct copies *copies, uint32_t client);

/* A datagram came at now_ns; whether it is a copy of the payload. The first tells the delay. */
bool copies_take(struct copies *copies, uint32_t client, const struct copies_payload *payload,
                 const void *bytes, size_t size, uint64_t now_ns);

/* Tells what was taken since the last call, and begins anew. */
void copies_tell(struct copies *copies, struct copies_tally *tally);

#endif
