#ifndef REGISTRY_NAMES_CLIENT_NAMES_H
#define REGISTRY_NAMES_CLIENT_NAMES_H

#include "address/device_name.h"
#include "base/handover.h"
#include "base/siphash.h"
#include "registry/client_info.h"
#include "registry/client_key.h"
#include "registry/client_selector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The table of the names of clients: which client has a name, and which name a client has. A name
 * belongs to one client, over all listeners and shards of the registry; a client has at most one.
 *
 * A shard of the registry belongs to a worker, but a name may come from one worker's socket now and
 * from another one's after the client's port has changed. So one thread, the main thread, owns the
 * whole table, and workers pass it the names of hellos (server/names). Rejected: a table for each
 * worker, since a move would have to reach all others before the name is one client's again; and a
 * table that workers share, since it needs a lock, or lock-free moves between two indexes, for what
 * a client does once in minutes.
 *
 * A worker says when a client leaves or is kicked that may have a name, and the name is free at
 * once. The table does not see clients expire: each name has a time at which it is to be checked,
 * the earliest one at which its client can have expired. That is one check for each named client in
 * each ttl, and no work in the sweep. Since a client that has left and one that comes after it from
 * the same source have the same key, a name also has the client's join number, which no other
 * client of its shard has.
 *
 * A name that moves belongs to its new client at once, while the worker of the former one still has
 * to remove that, and claims that the former one has sent meanwhile are on their way. So the name
 * stays where it is until the former client is removed (client_names_settle), and then as well for
 * each claim that is older than the removal: a claim of a client that is gone cannot take a name.
 *
 * Under keys a recorded hello is valid at the address that it was sent from until its cookie
 * expires, so a name also does not go back to one of the sources that it has moved away from (the
 * last CLIENT_NAMES_FORMER_COUNT of them) until then, or until it has no client. The sources are
 * kept as hashes of 32 bits: of 500,000,000 moves, one is refused because of another source.
 *
 * All names are in one block of memory, which the caller provides and which has no pointers, so
 * that two processes can map it; nothing is allocated later. Time is an argument, in milliseconds.
 */
struct client_names;

enum {
    CLIENT_NAMES_MAX = 1 << 27, /* as many as a registry has clients, REGISTRY_CAPACITY_MAX */
    /* More than the moves of a client that has another address at each keepalive, every 20 s,
     * within the 120 s in which a cookie is valid. */
    CLIENT_NAMES_FORMER_COUNT = 8,
};

/* The client that has a name. */
struct name_holder {
    struct client_key key;
    uint64_t join_number; /* in its shard */
    uint64_t number;      /* of its last claim of this name; a later claim of any client, and a
                             later removal, has a higher one */
    uint32_t worker;      /* the index of the worker whose shard it is in */
};

/* The filter that admits only the client that has a name. */
static inline struct client_filter client_filter_of(const struct name_holder *holder)
{
    return (struct client_filter){true, client_key_listener(&holder->key), holder->join_number};
}

/* The size of the block for max names (1 to CLIENT_NAMES_MAX): 152 bytes for each, and 64 more with
 * former sources. Only the pages that names have reached are written. */
size_t client_names_bytes(uint32_t max, bool has_formers);

/* Makes a table, without reading or writing its block. block has client_names_bytes(max, former_ms
 * > 0) bytes and is aligned to 64; it is all zero, or that of a table that is taken over before
 * anything else is done. The caller frees it after client_names_free. key is the secret of the
 * hashes, since clients choose their names. A name does not go back to a source for former_ms after
 * it has moved away from there; 0: it may at once. Returns NULL if memory is short. */
struct client_names *client_names_new(void *block, uint32_t max, const struct siphash_key *key,
                                      uint64_t former_ms, uint64_t now_ms);
void client_names_free(struct client_names *names);

/* What became of a name that a client has claimed. */
enum client_names_outcome {
    CLIENT_NAMES_KEPT,  /* the client had it */
    CLIENT_NAMES_ADDED, /* no client had it */
    CLIENT_NAMES_MOVED, /* another client had it, which is now to be removed */
    /* Nothing is changed: */
    CLIENT_NAMES_FULL,   /* no client had it, and there is no place */
    CLIENT_NAMES_LATE,   /* another client has claimed it since, or its former client was removed
                            since; or that, or one of the claiming client's name, is still to be */
    CLIENT_NAMES_FORMER, /* it has moved away from the source of the claim less than former_ms ago
                          */
};

/* Gives a name to a client, and takes any other name from it. The claim was received at claimed_ms,
 * and the name is to be checked at check_ms. Under CLIENT_NAMES_MOVED *before is the client that
 * had it; once that is removed, call client_names_settle. */
enum client_names_outcome client_names_claim(struct client_names *names,
                                             const struct device_name *name,
                                             const struct name_holder *holder, uint64_t claimed_ms,
                                             uint64_t check_ms, struct name_holder *before);

/* Ends the move of a name to a client: its former client is removed. number was taken after that,
 * from the sequence of the numbers of claims. Does nothing if the client has lost the name since.
 */
void client_names_settle(struct client_names *names, const struct device_name *name,
                         const struct name_holder *holder, uint64_t number);

/* Finds the client that has a name. Returns false if none has it. holder may be NULL. */
bool client_names_find(const struct client_names *names, const struct device_name *name,
                       struct name_holder *holder);

/* Finds the name of a client. Returns false if it has none. name and holder may be NULL. */
bool client_names_of(const struct client_names *names, const struct client_key *key,
                     struct device_name *name, struct name_holder *holder);

/* Takes the name from a client that is no longer registered in the shard of that worker: from the
 * one with that key that has joined before the others of the shard got the join number
 * joined_before. If the name is just moving to that client, it is free once its former client is
 * removed (client_names_settle). Returns false if it has none. */
bool client_names_remove(struct client_names *names, const struct client_key *key, uint32_t worker,
                         uint64_t joined_before);

/* The number of names. */
uint32_t client_names_count(const struct client_names *names);

/* Takes the next name that is to be checked: returns true and the client that has it, which the
 * caller then passes to client_names_checked, at once or later. A pass is a sequence of calls up to
 * the one that returns false; it returns each name that was due at the now_ms of its first call. */
bool client_names_take_due(struct client_names *names, uint64_t now_ms, struct name_holder *holder);

/* Ends the check of a name: its client is registered until check_ms at least, or with is_registered
 * false it is not. Does nothing if the name has another client, or was claimed again meanwhile. */
void client_names_checked(struct client_names *names, const struct name_holder *holder,
                          bool is_registered, uint64_t check_ms);

/* Copies the names, one a call, in no order. *position begins as 0. Returns false at the end. A
 * name that is added or removed between two calls may be left out. */
bool client_names_next(const struct client_names *names, uint32_t *position,
                       struct device_name *name);

/* In an upgrade the next process maps the same block, whose layout must have the same number, and
 * continues with the numbers that are not in it: see registry/registry_restore.
 * client_names_take_over returns 0, or -EPROTO, and nothing has changed then. */
uint64_t client_names_layout(uint32_t max, bool has_formers);
void client_names_hand_over(const struct client_names *names, struct handover_writer *writer);
int client_names_take_over(struct client_names *names, struct handover_reader *reader);

/* In an upgrade in which the clients are registered again, the next process takes the secret of the
 * hashes over before the first name, and the former sources after the last one: what was recorded
 * at one of them is valid as long as the cookies are. The latter two return 0 or -EPROTO; without a
 * table (NULL) the former sources are only read. */
void client_names_hand_over_key(const struct client_names *names, struct handover_writer *writer);
void client_names_hand_over_formers(const struct client_names *names,
                                    struct handover_writer *writer);
int client_names_take_over_key(struct client_names *names, struct handover_reader *reader);
int client_names_take_over_formers(struct client_names *names, struct handover_reader *reader);

#endif
