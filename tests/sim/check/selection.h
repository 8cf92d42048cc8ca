#ifndef SIM_CHECK_SELECTION_H
#define SIM_CHECK_SELECTION_H

#include "sim/check/model.h"

/* A selector of an operator's command, and which sources match it, by the model: for certain, or
 * possibly, since the model knows the last datagram of a source only within some milliseconds. */

enum { SELECTION_BLOCKS_MAX = 3, SELECTION_ANY_LISTENER = -1 };

struct selection {
    struct {
        struct addr addr;
        unsigned bits;
    } blocks[SELECTION_BLOCKS_MAX];
    size_t block_count; /* 0: any address */
    int listener;       /* its number in the server */
    uint64_t idle_max_ms;
};

/* The selection of all clients, and whether it is that. */
struct selection selection_all(void);
bool selection_is_all(const struct selection *selection);

/* Whether a source (family ADDR_NONE: of a Unix socket) of a listener matches, if it is not idle
 * for too long. */
bool selection_has_address(const struct selection *selection, const struct addr *source);
bool selection_has(const struct selection *selection, const struct addr *source, int listener);

/* Whether an entry, if it is registered, has matched for certain at each moment from that time
 * until now, and whether it may have matched at some moment. */
bool selection_matches(const struct selection *selection, const struct model_entry *entry,
                       uint64_t since_ms);
bool selection_may_match(const struct selection *selection, const struct model_entry *entry,
                         uint64_t since_ms);

#endif
