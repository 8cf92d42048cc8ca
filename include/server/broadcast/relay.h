#ifndef SERVER_BROADCAST_RELAY_H
#define SERVER_BROADCAST_RELAY_H

#include "config/config.h"
#include "net/message/datagram_batch.h"
#include "os/loop/mailbox.h"
#include "server/broadcast/shard_broadcast.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Relays each message of a client to the other clients (broadcast.relay): one worker's share. A
 * message is copied into a ring once and stays there until every worker has sent its copies. The
 * shard jobs that carry it to the workers are in the same record of the ring, so nothing is
 * allocated for a message. The messages of one client reach all other clients in the order in which
 * it sent them. */
struct relay;

enum {
    /* For each worker. A record takes 192 bytes for each worker beside the message: about 2,700
     * lines of 150 bytes with one worker, 320 with sixteen. That is more than one worker can send
     * to 1,000 clients in a second, at 4,567 ns a copy (docs/performance.md). */
    RELAY_RING_BYTES = 1 << 20,
    /* The burst of one client, in seconds of its rate: two lines pasted together are no flood. */
    RELAY_BURST_S = 2,
};

/* Owned by the worker; all of it outlives the relay. */
struct relay_options {
    struct registry *registry;
    uint32_t capacity; /* of the registry, in clients */
    struct mailbox *mailbox;
    struct broadcast *broadcast;
    struct stats *stats;
    uint32_t max_message_bytes; /* the ring has space for at least eight of them */
    size_t worker_count;
    uint32_t worker_number; /* of this worker */
};

/* Reserves the memory, which the kernel commits when it is used. Returns 0 or -errno. */
int relay_open(struct relay **relay, const struct relay_options *options);

/* Sets the relays of all workers, in the order of the workers; the caller owns the array. Call it
 * before any thread starts. */
void relay_set_peers(struct relay *relay, struct relay *const *relays);

/* Stops the relay. Call it in the worker's thread before broadcast_close. */
void relay_close(struct relay *relay);

/* Frees the memory. Messages in it may be in the mailboxes of the other workers: call it after all
 * workers have ended and all mailboxes are freed. */
void relay_free(struct relay *relay);

/* Sets which clients get a message, and how many messages a second one client may send (0: no
 * limit). Call it in the worker's thread, or before it starts. */
void relay_set(struct relay *relay, enum config_relay mode, uint32_t rate_pps);
bool relay_is_on(const struct relay *relay);

/* Relays a datagram of a client, or counts the reason not to. An empty datagram, or one from a
 * source that is not registered, is ignored and not counted. */
void relay_datagram(struct relay *relay, uint8_t listener, const struct datagram *datagram,
                    uint64_t now_ms);

/* The same for a message of a stream client with that serial number. *due_ns is the state of its
 * rate limit, which the caller keeps with the client; it starts at 0. */
void relay_stream_message(struct relay *relay, uint64_t stream, uint64_t *due_ns, const void *bytes,
                          size_t size, uint64_t now_ms);

/* Adds the messages that are under way, and which clients have reached their rate, to a record of a
 * handover. No shard job of them is in a mailbox. */
void relay_hand_over(const struct relay *relay, uint64_t now_ns, struct handover_writer *writer);

/* Continues with these messages in a relay that was just opened, before any other one. Then
 * relay_take_over_job gives the shard job of the message of that number for a worker, each once and
 * in the order of the messages, to those that had not completed it; NULL if there is none. When all
 * workers have theirs, relay_was_taken_over returns whether no other one was expected. Returns 0,
 * -ENOBUFS if the ring has no space for a message, or -EPROTO if the record does not fit. */
int relay_take_over(struct relay *relay, struct handover_reader *reader);
struct shard_job *relay_take_over_job(struct relay *relay, size_t worker, uint64_t number);
bool relay_was_taken_over(const struct relay *relay);

#endif
