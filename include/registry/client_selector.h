#ifndef REGISTRY_CLIENT_SELECTOR_H
#define REGISTRY_CLIENT_SELECTOR_H

#include "address/cidr.h"
#include "registry/client_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A selector: which clients an operator's command is about, by their address, their listener and
 * the time since their last datagram. A plain value that no function but the caller's changes, so
 * several threads may read it at once.
 *
 * A client matches if it matches each of the three parts. Parts that contradict each other are no
 * error; no client matches them. */

enum {
    CLIENT_SELECTOR_BLOCKS_MAX = 16,    /* a client is compared with each: at most 16 comparisons */
    CLIENT_SELECTOR_LISTENERS_MAX = 64, /* the bits of `listeners` */
};

struct client_selector {
    struct cidr blocks[CLIENT_SELECTOR_BLOCKS_MAX]; /* the client's address is in one of them */
    size_t block_count;                             /* 0: any address, and clients that have none */
    uint64_t listeners;   /* a bit for each listener, by its number; all bits: any listener */
    uint64_t idle_max_ms; /* idle_ms of the client is at most this; UINT64_MAX: any */
};

/* The selector that every client matches. */
struct client_selector client_selector_all(void);

/* Whether the selector states nothing, so that every client matches it. */
bool client_selector_is_all(const struct client_selector *selector);

/* Whether a client matches. A client of a Unix socket has no address (family ADDR_NONE), so it is
 * in no block. A block contains only addresses of its family: no client has an IPv4-mapped IPv6
 * address, because the sockets are IPV6_V6ONLY. client->listener is below
 * CLIENT_SELECTOR_LISTENERS_MAX. */
bool client_selector_matches(const struct client_selector *selector, const struct client *client);

/* Which of the clients with one source a command is about: any, or one that was found before and
 * may be gone by now. Another client may have joined from its source since. */
struct client_filter {
    bool is_set; /* false: any */
    uint8_t listener;
    uint64_t join_number;
};

static inline bool client_filter_admits(const struct client_filter *filter,
                                        const struct client *client)
{
    return !filter->is_set ||
           (client->listener == filter->listener && client->join_number == filter->join_number);
}

#endif
