#ifndef REGISTRY_CLIENT_INFO_H
#define REGISTRY_CLIENT_INFO_H

#include "address/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* A registered client as it is reported to callers: a copy of its entry, decoded. */
struct client {
    struct addr source;
    struct addr local; /* the local address that its last datagram was sent to; family ADDR_NONE if
                          the socket is bound to one address */
    uint64_t
        idle_ms;    /* since its last datagram; wrong if the ttl was changed 256 times since then */
    uint64_t age_s; /* since its first datagram, as a difference of the clock's whole seconds */
    uint32_t received; /* datagrams, the first one included; stays at UINT32_MAX */
    uint32_t slot;     /* below registry_slots; no other client has it while this one lives */
    uint8_t listener;
    bool frames;          /* it asked for messages as frames since it joined */
    bool named;           /* it may have a name: registry_set_named */
    uint64_t join_number; /* how many clients had joined the registry before it */
};

/* Receives clients, one a call. */
struct client_callback {
    void (*call)(void *state, const struct client *client); /* NULL: there is none */
    void *state;
};

#endif
