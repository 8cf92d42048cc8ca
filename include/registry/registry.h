#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "address/addr.h"
#include "admission/prefix_counts.h"
#include "base/siphash.h"
#include "registry/client_key.h"
#include "registry/shared_capacity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who spoke, when, and through which of our addresses: one shard of the service's clients.
 *
 * A client is known by its listener and its source (address, port, scope). It is live from its
 * first datagram until ttl after its last, and from that very moment it is neither found nor
 * walked, even before the sweep has removed it. All memory is the caller's, sized beforehand;
 * nothing is allocated later, and no operation moves a client. Time is an argument, in milliseconds
 * that never go back (an earlier time counts as the latest seen) and start anywhere below 2^39 (17
 * years). */
struct registry;

enum {
    /* The most places of a shard: two slot ranges of 2^27 leave the index three bits of tag in 32.
     */
    REGISTRY_CAPACITY_MAX = 1 << 27,
    /* Deadlines are kept in 40 bits; a ttl of 2^32 ms (49 days) stays far from their wrap. */
};
#define REGISTRY_TTL_MAX_MS UINT32_MAX

/* One client as it stands, copied out. */
struct client {
    struct addr source;
    struct addr local; /* the address of ours that it last spoke to, family ADDR_NONE if the socket
                          says it */
    uint64_t
        idle_ms;    /* since its last datagram; off for who was silent through 256 changes of ttl */
    uint64_t age_s; /* since its first one, as the clock's whole seconds differ */
    uint32_t received; /* datagrams from it, its first one included; stays at its maximum */
    uint32_t slot;     /* its place, below registry_slots, never another's while it lives */
    uint8_t listener;
};

/* The bytes that a registry of capacity places needs (1 to REGISTRY_CAPACITY_MAX), and how many of
 * them, from the first on, are the index: touched all over from the start, so best committed early.
 * The rest is touched only as far as clients come. */
size_t registry_bytes(uint32_t capacity);
size_t registry_index_bytes(uint32_t capacity);

/* How many of them are touched, at most, when capacity clients are there: those of the other
 * family's entries are not, and without IPv6 clients are smaller. */
size_t registry_full_bytes(uint32_t capacity, bool ipv6);

/* How many slots there are, from 0 on: each family of addresses has a range of its own, which could
 * hold all clients. */
static inline uint32_t registry_slots(uint32_t capacity)
{
    return 2 * capacity;
}

/* Makes a registry of at most capacity clients in memory: registry_bytes(capacity) zero bytes,
 * aligned to 64, which the caller keeps, and frees when it is done with the registry. */
struct registry *registry_init(void *memory, uint32_t capacity, const struct siphash_key *key,
                               uint32_t ttl_ms, uint64_t now_ms);

/* Has each client that joins take a place of a budget that shards share, and each that goes give it
 * back: so it may be refused before the shard is full. To be called before the first one joins;
 * without it the capacity alone counts. The allowance is the caller's and outlives the registry. */
void registry_share(struct registry *registry, struct capacity_share *allowance);

/* Has each client that joins from now on counted with its prefix, and refused where that has cap of
 * them already (0: just counted). Called again, it changes the cap, which evicts nobody. The table
 * is the caller's, may be shared, is always the same one, and outlives the registry. */
void registry_cap(struct registry *registry, struct prefix_counts *prefixes, uint32_t cap);

/* Gives a new ttl (1 to REGISTRY_TTL_MAX_MS) to every client from its next datagram on. */
void registry_set_ttl(struct registry *registry, uint32_t ttl_ms);

/* The clients that live, and those whose deadline has passed since the last sweep. */
uint32_t registry_count(const struct registry *registry);

enum registry_outcome {
    REGISTRY_RENEWED,  /* known and live: lives ttl longer */
    REGISTRY_JOINED,   /* new */
    REGISTRY_REJOINED, /* its deadline had passed before the sweep came: one expired and one joined
                        */
    REGISTRY_REFUSED,  /* new, and there is no place for it; nothing changed */
    REGISTRY_PREFIX_FULL, /* new, or its deadline had passed, and its prefix is full; nothing
                             changed */
    REGISTRY_UNKNOWN,     /* likewise, and it may not join; or it would leave and isn't there */
    REGISTRY_LEFT,        /* it was known, and is removed */
};

/* What a datagram is to do. */
enum registry_action {
    REGISTRY_JOIN,  /* renews its client, or makes it one */
    REGISTRY_RENEW, /* renews its client, and makes no stranger one */
    REGISTRY_LEAVE, /* removes its client */
};

/* A datagram to be recorded. */
struct registry_datagram {
    const struct addr *source;
    const struct addr *local; /* the address that it was sent to, or of family ADDR_NONE */
    enum registry_action verb;

    /* Filled in: what became of it, and what was found out on the way. */
    enum registry_outcome touched;
    uint32_t place;
    uint64_t hash;
    struct client_key key;
};

/* Datagrams came on a listener, in this order. A whole batch at once, since each step asks the
 * cache for what the next one needs, of all of them: among a million clients that is what decides
 * how long it takes. Returns how many of them were renewed. */
size_t registry_update(struct registry *registry, uint8_t listener,
                       struct registry_datagram *visits, size_t count, uint64_t now_ms);

/* Ends the life of everyone: no client is found or walked until it joins anew. Their places are
 * freed, and they are counted as expired, by the next sweep. Takes some nanoseconds a client, all
 * at once. */
void registry_expire_all(struct registry *registry, uint64_t now_ms);

/* Copies a live client out; false if there is none. client may be NULL. */
bool registry_find(struct registry *registry, uint8_t listener, const struct addr *source,
                   uint64_t now_ms, struct client *client);

/* Removes a client, live or not yet swept; false if none is registered there. */
bool registry_remove(struct registry *registry, uint8_t listener, const struct addr *source);

/* Evicts clients whose deadline has passed, at most budget of them, and adds their number to
 * expired; eight neighbours that are all alive count as one. Returns whether the sweep is to be
 * gone on with, by another call with the same now_ms or a later one: once it returns false, all are
 * gone whose deadline had passed when the sweep began. */
bool registry_sweep(struct registry *registry, uint64_t now_ms, uint32_t budget, uint64_t *expired);

/* A walk over the clients, in pieces between which they may come and go: it copies out each client
 * that is live all along exactly once, and each other at most once in each of its lives. Its cost
 * goes with the clients that live. */
struct registry_walk {
    uint32_t next; /* the slot to look at next; may be set back to that of a client copied out */
    bool ended;    /* nothing is left */
    uint64_t joined_before; /* only the clients that were the first so many ever to join */
};

/* A walk over all, and one over those alone that are registered now. */
struct registry_walk registry_walk_all(void);
struct registry_walk registry_walk_registered(const struct registry *registry);

enum { REGISTRY_WALK_STEPS = 16 };

/* Copies the next clients to clients, at most room of them, after looking at no more than
 * REGISTRY_WALK_STEPS * room: fewer, even none, doesn't mean that the walk has ended. Returns their
 * number. */
size_t registry_walk(const struct registry *registry, struct registry_walk *walk, uint64_t now_ms,
                     struct client *clients, size_t room);

/* Sets a walk back to a client that it copied out, which is looked at again. */
void registry_walk_back(struct registry_walk *walk, const struct client *client);

#endif
