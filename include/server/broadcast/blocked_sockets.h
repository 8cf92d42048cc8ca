#ifndef SERVER_BROADCAST_BLOCKED_SOCKETS_H
#define SERVER_BROADCAST_BLOCKED_SOCKETS_H

#include "base/handover.h"
#include "config/config.h"
#include "registry/registry.h"
#include "server/send/send_socket_slots.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Skips the clients of a send socket whose buffer is full, and rewinds to them when it has space.
 *
 * One slow link must not delay the clients of the others. So the walk over the registry skips the
 * clients of a blocked socket and later continues at the first of them. The clients that already
 * have their copy are recorded by a bit for each slot. A position for each socket would not be
 * enough: a client may change its interface, and therefore its socket, at any time, and would then
 * get no copy or two. The bits are written only after the first skip; until then the position of
 * the walk is enough. */

/* The sockets for copies are numbered: those of the first listener, then those of the next one. */
enum { COPY_SOCKETS_MAX = CONFIG_LISTEN_MAX * SEND_SOCKET_SLOTS_COUNT };

struct blocked_sockets {
    size_t blocked_count;
    bool blocked[COPY_SOCKETS_MAX];
    /* By socket: the first slot whose client may still need a copy, among the slots that the walk
     * has passed. */
    uint32_t first_due[COPY_SOCKETS_MAX];
    bool has_skipped; /* false: no client was skipped, so those that the walk has passed are done,
                         and no bit is set */
    /* The clients that have their copy since has_skipped: all slots below done_below, and those
     * whose bit is set in done. Only bits from done_below to below done_end are set. */
    uint32_t done_below, done_end;
    uint64_t *done;
    size_t done_bytes;
};

/* Reserves the bits for a registry of that capacity; the kernel commits them when they are written.
 * Returns 0 or -errno. */
int blocked_sockets_init(struct blocked_sockets *sockets, uint32_t capacity);
void blocked_sockets_free(struct blocked_sockets *sockets);

/* Forgets the last shard job. */
void blocked_sockets_reset(struct blocked_sockets *sockets);

/* The socket is blocked, and client is its first one without a copy. Moves the walk to the next
 * client of another socket that may need one. */
void blocked_sockets_skip(struct blocked_sockets *sockets, struct registry_walk *walk,
                          size_t socket, const struct client *client);

/* The walk has passed client, which is the first one without a copy among those that it found last,
 * and no socket is blocked by it. Moves the walk back to it. The others of those that have their
 * copies are recorded after this call. */
void blocked_sockets_return_to(struct blocked_sockets *sockets, struct registry_walk *walk,
                               const struct client *client);

/* Some of the sockets have space again; which ones is unknown. Moves the walk back to the first
 * client that was skipped. */
void blocked_sockets_rewind(struct blocked_sockets *sockets, struct registry_walk *walk);

/* Records that these clients have their copies. */
void blocked_sockets_mark_done(struct blocked_sockets *sockets, const struct client *clients,
                               uint32_t count);

/* Adds the position of a walk, and who has a copy, to a record of a handover. */
void blocked_sockets_hand_over(const struct blocked_sockets *sockets,
                               const struct registry_walk *walk, struct handover_writer *writer);

/* Continues the walk over the same registry: no socket is blocked, since the process has its own,
 * so the walk is set back to the first client that was skipped. sockets are those of an init, or
 * of a reset. Returns 0, or -EPROTO if the record does not fit. */
int blocked_sockets_take_over(struct blocked_sockets *sockets, struct registry_walk *walk,
                              struct handover_reader *reader);

static inline bool blocked_sockets_is_done(const struct blocked_sockets *sockets, uint32_t slot)
{
    return slot < sockets->done_below || (sockets->done[slot / 64] >> slot % 64 & 1) != 0;
}

#endif
