#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "address/addr.h"
#include "admission/prefix_counts.h"
#include "admission/shared_capacity.h"
#include "registry/client_info.h"
#include "registry/client_key.h"
#include "registry/registry_expiry.h"
#include "registry/registry_memory.h"
#include "registry/registry_walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The client registry: one shard of the table of clients, with the time of each client's last
 * datagram and the local address that it sent to.
 *
 * A client is identified by its listener and its source (address, port and scope). It is live from
 * its first datagram until ttl after its last one. From that moment on it has expired: it is
 * neither found nor walked, even before the sweep removes it.
 *
 * No operation allocates memory or moves a client's entry. All functions for a registry are called
 * by one thread. Time is an argument in milliseconds; it begins anywhere below 2^39 (17 years), and
 * an earlier time than the latest one counts as the latest. */
struct registry;
struct offloaded_clients;

/* 49 days. The sum of a time and a ttl must stay within the 40 bits of a deadline. */
#define REGISTRY_TTL_MAX_MS UINT32_MAX

/* Makes each client that joins acquire a place from a capacity that is shared with other shards,
 * and releases it when the client is removed. So the registry may refuse a client before its shard
 * is full. Call it before the first client joins; without it only the shard's capacity counts.
 * share must outlive the registry. */
void registry_set_capacity_share(struct registry *registry, struct capacity_share *share);

/* Counts each client that joins from now on by its prefix, and refuses it if its prefix has cap
 * clients already (cap 0: clients are only counted). Later calls change the cap, which removes no
 * client; they must pass the same table. The table may be shared with other shards, and must
 * outlive the registry. */
void registry_set_prefix_cap(struct registry *registry, struct prefix_counts *prefixes,
                             uint32_t cap);

/* Sets a new ttl (1 to REGISTRY_TTL_MAX_MS). It applies to each client from its next datagram on.
 */
void registry_set_ttl(struct registry *registry, uint32_t ttl_ms);

/* The ttl that applies to a client from its next datagram on. */
uint32_t registry_ttl(const struct registry *registry);

/* The number of clients: the live ones, and those that expired since the last sweep. */
uint32_t registry_count(const struct registry *registry);

/* What a datagram is to do with the client that sent it. */
enum registry_action {
    REGISTRY_JOIN,  /* renew the client, or register it if it is unknown */
    REGISTRY_RENEW, /* renew the client; do not register it if it is unknown */
    REGISTRY_LEAVE, /* remove the client */
};

/* What a datagram has done. */
enum registry_outcome {
    REGISTRY_RENEWED,  /* the client was live: its ttl begins again */
    REGISTRY_JOINED,   /* the client was unknown, and is registered */
    REGISTRY_REJOINED, /* the client had expired and was not yet swept: one client has expired, and
                          one has joined */
    REGISTRY_REFUSED,  /* the client was unknown, and there is no place for it; nothing changed */
    REGISTRY_PREFIX_FULL, /* the client was unknown or had expired, and its prefix is full; nothing
                             changed */
    REGISTRY_UNKNOWN, /* the client was unknown or had expired, and was to be renewed or removed;
                         nothing changed */
    REGISTRY_LEFT,    /* the client was registered, and is removed */
};

/* A datagram to be recorded. */
struct registry_datagram {
    const struct addr *source;
    const struct addr *local; /* the address that it was sent to, or of family ADDR_NONE */
    enum registry_action action;

    /* registry_update writes the following: the outcome, and intermediate results. */
    enum registry_outcome outcome;
    uint32_t cell;
    bool was_named; /* under REGISTRY_LEFT: the client was marked by registry_set_named */
    uint64_t hash;
    struct client_key key;
};

/* Records datagrams that arrived on a listener, in this order. A batch is recorded in steps, each
 * of which prefetches for all datagrams what the next step reads: one datagram at a time takes nine
 * times as long (577 ns instead of 67, a million clients; docs/performance.md). Returns how many
 * were REGISTRY_RENEWED. */
size_t registry_update(struct registry *registry, uint8_t listener,
                       struct registry_datagram *datagrams, size_t count, uint64_t now_ms);

/* Copies a live client; false if the client is not live. client may be NULL. */
bool registry_find(struct registry *registry, uint8_t listener, const struct addr *source,
                   uint64_t now_ms, struct client *client);

/* Sets whether the live client in a slot wants messages as frames (wire/frame). A client that joins
 * or rejoins does not. This is one bit a slot, in pages that take no memory until a client whose
 * bit is in them asks for frames. */
void registry_set_frames(struct registry *registry, uint32_t slot, bool frames);

/* Marks the live client in a slot as one that may have a name (registry/names), so that its end is
 * not overlooked. A client that joins or rejoins is not marked. This is one bit a slot, likewise.
 */
void registry_set_named(struct registry *registry, uint32_t slot);

/* Sets which clients are offloaded (registry/offload/offloaded_clients): none yet. All functions of
 * the registry then allow for what the program in the kernel records of them. offload must outlive
 * the registry, or is set to NULL after all clients were withdrawn; NULL, as at the beginning: no
 * client is offloaded. */
void registry_set_offload(struct registry *registry, struct offloaded_clients *offload);

/* Offers the client of a datagram to the program: one that registry_update has just recorded as
 * REGISTRY_RENEWED, and that the program would answer as the server does. local is the unicast
 * address that the datagram was sent to, with its port, and with the interface that received it as
 * its scope; without one, the client is not offloaded any more. Returns whether the client is now
 * offloaded: see offloaded_clients_admit. It is not if a later datagram of the batch has removed
 * it, or without an offload. */
bool registry_offload(struct registry *registry, const struct registry_datagram *datagram,
                      const struct addr *local, uint64_t now_ms);

#endif
