#ifndef SIM_CHECK_SAVED_BOUNDS_H
#define SIM_CHECK_SAVED_BOUNDS_H

#include "sim/check/model.h"

#include <stdbool.h>
#include <stdint.h>

/* A client in a snapshot, as bounds: it is copied at some moment of the snapshot, while it may be
 * renewed, join, or leave. Times are signed, since the wall clock may leap to before the first
 * moment of the run. */

/* When a snapshot was taken, in which boot of the host, and how much the wall clock was ahead then.
 */
struct saved_times {
    int64_t begin_ms, end_ms, offset_least_ms, offset_most_ms;
    uint32_t boots;
};

struct saved_record {
    struct addr source;
    const char *listener; /* as in the configuration */
    bool is_sure;         /* it was registered during all of the snapshot */
    bool proven, has_cookie;
    int64_t until_least_ms, until_most_ms; /* its ttl has passed */
    int64_t last_least_ms, last_most_ms;   /* its last datagram */
    int64_t joined_least_ms, joined_most_ms;
    uint64_t received_least, received_most;
    enum chance frames;
    bool has_local;    /* its local address is known */
    struct addr local; /* that it sends to */
    uint64_t claimed_ms[MODEL_NAMES];
};

/* The same at the next start. */
struct saved_rest {
    int64_t left_least_ms, left_most_ms;
    int64_t idle_least_ms, idle_most_ms;
    int64_t age_least_ms, age_most_ms;
};

/* A snapshot begins. */
void saved_entry_begin(struct model_entry *entry);
/* It ends. Returns false if the client was not registered at any moment of it. */
bool saved_entry_end(const struct model_entry *entry, const struct saved_times *times,
                     struct saved_record *record);

/* What is left of a client when the file is read at that time. */
struct saved_rest saved_rest_of(const struct saved_record *record, const struct saved_times *times,
                                uint64_t read_ms);
/* Sets what the model knows of a client that is restored, except until when it is registered. */
void saved_entry_restore(struct model_entry *entry, const struct saved_record *record,
                         const struct saved_rest *rest, uint64_t read_ms);

#endif
