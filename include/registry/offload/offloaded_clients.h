#ifndef REGISTRY_OFFLOAD_OFFLOADED_CLIENTS_H
#define REGISTRY_OFFLOAD_OFFLOADED_CLIENTS_H

#include "address/addr.h"
#include "admission/rate_limiter.h"
#include "offload/offload_tables.h"
#include "registry/client_slab.h"
#include "registry/local_addresses.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The index in which the program finds clients. The functions are called in the thread of the
 * registry's shard. */
struct offload_client_table {
    /* Enters a client that sends from source to local, whose scope is the interface. Returns 0, or
     * any other value, and the client is not offloaded then. */
    int (*add)(void *state, const struct addr *source, const struct addr *local,
               const struct offload_client *client);
    /* Removes the client of a record, by its number among the records of all workers. */
    void (*remove)(void *state, uint32_t record);
    /* Returns the tags of the buckets that a datagram of a client takes tokens from, under the
     * settings of the current generation (offload_record.address_hash). */
    struct rate_limiter_hashes (*rate_hashes)(void *state, const struct addr *source);
    void *state;
};

/* The offloaded clients of a registry: those whose datagrams the program in the kernel answers
 * (offload/offload_tables), and which record of the memory that both share belongs to which client.
 *
 * While a client has a record, the program renews it there. The registry takes that over into the
 * client's entry (offloaded_clients_refresh) before it reads the deadline or the count of datagrams
 * of the entry. The deadline is then that of the last datagram on either way, by the ttl of the
 * entry. When a record ends, its time is exchanged with 0 in one atomic step: a renewal by the
 * program comes either before, and is taken over, or not at all, and the datagram is passed to the
 * sockets. A client whose ttl has passed is not renewed by the program either: its datagram goes to
 * the sockets, by which it joins anew. The program counts a datagram after it has renewed the
 * client: if the record ends between the two, which are instructions apart, the client's count of
 * datagrams lacks that one.
 *
 * Each worker has a range of the records, which only it gives to clients. So the functions belong
 * to the thread of the registry's shard, and take no lock.
 *
 * A client that is in no record costs 4 bytes of address space for each slot, which are not written
 * before it gets one. */
struct offloaded_clients {
    struct offload_record *records;   /* of this worker */
    uint32_t *numbers;                /* for each slot: its record's number + 1; 0: it has none */
    struct offloaded_client *clients; /* for each record */
    uint32_t max;                     /* records */
    uint32_t first;  /* the index of the first one among the records of all workers */
    uint32_t worker; /* its index */
    uint32_t used;   /* how many records were ever used, which are the first ones */
    uint32_t free;   /* head of the list of freed records, as number + 1; 0: the list is empty */
    uint32_t count;  /* records that belong to a client */
    uint32_t tag;    /* the last one that was given */
    uint32_t generation;
    bool is_withdrawing;
    struct offload_client_table table;
    const struct client_slab *slab;
    struct local_addresses *locals;
    const uint32_t *ttls_ms; /* by client_entry.ttl */
};

/* What the worker's part of the offload is. */
struct offloaded_clients_options {
    struct offload_record *records; /* `max` of them, all 0, which outlive the offloaded clients */
    uint32_t max;                   /* 1 to UINT32_MAX - 1 */
    uint32_t first;  /* the index of the first one among the records of all workers */
    uint32_t worker; /* its index */
    struct offload_client_table table;
};

/* The size of the memory for a registry with that many slots (registry_slots) and max records: 4
 * bytes for each slot, and 8 for each record. The caller provides it, filled with zero bytes and
 * aligned to 8, and frees it after the last use. It is written only as far as clients are
 * offloaded. */
size_t offloaded_clients_bytes(uint32_t slots, uint32_t max);
void offloaded_clients_init(struct offloaded_clients *clients, void *memory, uint32_t slots,
                            const struct offloaded_clients_options *options);

/* For registry_set_offload: sets the registry's entries, local addresses and ttls, which outlive
 * the offloaded clients. */
void offloaded_clients_set_registry(struct offloaded_clients *clients,
                                    const struct client_slab *slab, struct local_addresses *locals,
                                    const uint32_t *ttls_ms);

/* The number of offloaded clients. */
static inline uint32_t offloaded_clients_count(const struct offloaded_clients *clients)
{
    return clients->count;
}

/* Offloads the live client in a slot, which has just sent a datagram to local over a socket, and
 * whose entry was renewed. If it is offloaded already, the program may answer for it under the
 * current generation; if it was for another local address or interface, it is removed and entered
 * anew. Returns whether the client is offloaded. It is not if no record is free, if the table
 * refuses it, while all are being withdrawn, or if the program does not handle its addresses: an
 * IPv4 or IPv6 source without a scope, and a unicast address of the same family with the interface
 * that received the datagram as its scope, both with a port. now_ms is in ms of CLOCK_BOOTTIME. */
bool offloaded_clients_admit(struct offloaded_clients *clients, uint32_t slot,
                             const struct addr *local, uint64_t now_ms);

/* Takes what the program has recorded of a client over into its entry. */
void offloaded_clients_refresh(const struct offloaded_clients *clients, uint32_t slot);
void offloaded_clients_refresh_all(const struct offloaded_clients *clients);

/* Has the program answer for no client any more, without a call for each: for a registry of which
 * all clients expire. Their records end when the sweep removes them, or when they join anew. */
void offloaded_clients_stop_all(const struct offloaded_clients *clients);

/* Ends the record of a client, if it has one: takes it over into the client's entry, after which
 * the program does not answer for the client, and removes the client from the table. */
void offloaded_clients_end(struct offloaded_clients *clients, uint32_t slot);

/* Returns whether the client in a slot is live at now_ms by what the program has recorded of it
 * until this moment. If not, or if only a renewal in the same moment kept it alive, its record has
 * ended. So the caller may remove a client that is not live: it is not renewed any more. */
bool offloaded_clients_is_live(struct offloaded_clients *clients, uint32_t slot, uint64_t now_ms);

/* Returns the link from which the last datagram of the client in a slot came
 * (offload_record.next_hop), and stores the address and port that it was sent to. Returns 0 if it
 * is not known: the program has not seen the client's last datagram. */
uint64_t offloaded_clients_next_hop(const struct offloaded_clients *clients, uint32_t slot,
                                    struct addr *local);

/* Begins a new generation and returns it (1 or more), for the worker's settings word
 * (offload_settings): the program does not answer for a client under it until the client was
 * admitted again, by its next datagram over a socket.
 *
 * A change of what datagrams do (replies, rules, the ttl) is one of the thread of the shard: it
 * begins a new generation, then changes the registry (registry_set_ttl), then stores the word, and
 * records no datagram between. Renewals by the program that still see the former word then count by
 * the former ttl, which the client's entry names until its next datagram over a socket. */
uint32_t offloaded_clients_new_generation(struct offloaded_clients *clients);

/* Ends the records of all clients, at most budget of them in one call. Returns true if it has not
 * ended; another call continues it, and no client is offloaded before it has ended. Before a
 * registry is handed over and before the offload is taken from it, all are withdrawn. */
bool offloaded_clients_withdraw(struct offloaded_clients *clients, uint32_t budget);

#endif
