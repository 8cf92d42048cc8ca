#ifndef SERVER_BROADCAST_RELAY_H
#define SERVER_BROADCAST_RELAY_H

#include "config/config.h"
#include "net/message/datagram_batch.h"
#include "server/broadcast/shard_broadcast.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a client says goes to all others: one worker's part in it. A message is copied into a ring
 * once and lies there until every worker has sent its share of the copies; letters that lie beside
 * it take it to the other workers. Nothing is allocated on the way.
 *
 * What one client says reaches everyone in the order in which it was said. */
struct relay;

enum {
    /* Of each worker: some three thousand lines of a chat with one worker, half a thousand with
     * sixteen; more than a second of what a worker can fan out to a thousand clients. */
    RELAY_RING_BYTES = 1 << 20,
    /* A client may say so many seconds' worth of its rate at once: two lines that are pasted
     * together are no flood. */
    RELAY_BURST_S = 2,
};

/* All of it is the worker's, and outlives the relay. */
struct relay_options {
    struct registry *registry;
    uint32_t capacity; /* of the registry */
    struct mailbox *mailbox;
    struct broadcast *broadcast;
    struct stats *stats;
    uint32_t max_message_bytes; /* the ring has room for several, however long */
    size_t worker_count;
};

/* Reserves its memory, which is touched as far as it is used. 0 or -errno. */
int relay_open(struct relay **relay, const struct relay_options *options);

/* Tells who the workers' relays are, in the order of the workers; the list is the caller's. Before
 * any thread starts. */
void relay_set_peers(struct relay *relay, struct relay *const *relays);

/* Takes no more part; before the broadcast is closed, in the worker's thread. */
void relay_close(struct relay *relay);

/* Frees the memory, in which letters of this worker may lie in the mailboxes of all others: behind
 * the end of every worker and the freeing of every mailbox. */
void relay_free(struct relay *relay);

/* Who gets what from now on, and how much one client may say: rate in messages a second, 0 for no
 * limit. In the worker's thread, or before it starts. */
void relay_set(struct relay *relay, enum config_relay mode, uint32_t rate_pps);
bool relay_is_on(const struct relay *relay);

/* A client said something: passes it on, or counts why not. What is empty, and what comes from
 * nobody who is registered, is passed over in silence. */
void relay_datagram(struct relay *relay, uint8_t listener, const struct datagram *datagram,
                    uint64_t now_ms);

/* The same for a line of a client of server/streams/stream_clients. *due_ns is kept with that
 * client, from 0. */
void relay_line(struct relay *relay, uint64_t stream, uint64_t *due_ns, const void *bytes,
                size_t size, uint64_t now_ms);

#endif
