#ifndef SERVER_DATAGRAM_DATAGRAM_DECISION_H
#define SERVER_DATAGRAM_DATAGRAM_DECISION_H

#include "address/source_shard.h"
#include "admission/broadcast_addrs.h"
#include "admission/cookie.h"
#include "base/stats.h"
#include "net/message/datagram_batch.h"
#include "registry/registry.h"
#include "server/admission/admission_rules.h"
#include "server/broadcast/confirmations.h"
#include "server/datagram/own_addresses.h"
#include "server/events/event_publisher.h"
#include "server/names/hello_decision.h"
#include "server/send/send_socket_slots.h"
#include "wire/reply_rotation.h"

#include <stdbool.h>
#include <stdint.h>

/* The decision about each received datagram: drop it, challenge its source, or register its source
 * as a client and reply. The first of these steps that applies ends the decision, so that each
 * datagram has exactly one outcome: a counter of answers->stats, or a queued answer.
 *
 *  1. longer than server.max-datagram: drop_oversize
 *  2. from port 0: drop_port_zero
 *  3. from a port or address of this server: drop_own_source
 *  4. to or from a multicast, broadcast or wildcard address: drop_multicast
 *  5. denied by admission.allow and deny: drop_denied
 *  6. above admission.rate: drop_limited
 *  7. a frame (docs/protocol.md): a ping is answered by a pong; under admission.policy = cookie an
 *     answer or a leave with a wrong cookie by a challenge; any other frame that is not for a
 *     registered client is drop_bad_frame
 *  8. from an unknown source under admission.policy = cookie: a challenge
 *  9. recorded in the registry: the client joins or is renewed; if clients.max is reached, or its
 *     prefix is full, it gets a reply without being registered. One that leaves gets no reply: it
 *     is counted as left. Of a client that is renewed, a hello is answered by a named, at once or
 *     when its name is decided, and a confirm is counted as confirmed or confirmed_again. A hello
 *     or confirm of any other source is drop_bad_frame, except that a hello is challenged under
 *     admission.policy = cookie. One that another worker registers (struct earlier_datagrams) gets
 *     a reply like one that finds no place, and is not counted as refused
 * 10. the message callback gets it, and the reply of reply.mode is queued; silent if the mode is
 *     "none"
 *
 * A batch takes each step as a whole, since the registry prefetches the memory of a whole batch: a
 * client is renewed in 67 ns, instead of 577 ns one by one, with a million clients
 * (docs/performance.md). No state is kept for a challenge, since forged sources would fill it, and
 * a cookie proves its source without any. Nothing here allocates, locks, logs or formats, except
 * that a hello with a name wakes the main thread if that has looked at all earlier ones
 * (mailbox_post). Used by the thread of one worker. */

/* Receives the payload of each datagram of a registered client that is answered, in the order of
 * reception; the client is still registered during the call. It has to copy the bytes that it
 * keeps. */
struct message_callback {
    void (*call)(void *state, uint8_t listener, const struct datagram *datagram,
                 uint64_t now_ms); /* NULL: there is none */
    void *state;
};

/* Receives the record of each datagram that has renewed its client, by a listener that is no
 * multicast group, also of those that get no reply, such as a hello: the program in the kernel
 * could answer the next one (server/workers/offload/worker_offload). */
struct renewal_callback {
    void (*call)(void *state, uint8_t listener, const struct registry_datagram *record,
                 uint64_t now_ms); /* NULL: there is none */
    void *state;
};

/* The multicast groups among the listeners. A datagram to a group may come from any port, ours too:
 * in a chat without a server each member sends from the group's own port. So only datagrams that
 * this server itself sent are dropped. */
struct multicast_listeners {
    uint64_t bits; /* a bit for each listener */
    const struct own_addrs *own_addrs;
};

/* The listeners whose sockets may still have datagrams that arrived before the kernel chose the
 * worker by the key of this server: passed sockets outlive a server, and the next one draws another
 * key. A source whose later datagrams another worker receives is not registered by this one, or it
 * would be registered twice, and get each broadcast twice. */
struct earlier_datagrams {
    uint64_t listeners; /* a bit for each; cleared once its socket was empty */
    const struct source_shard_key *key;
    uint32_t workers; /* how many there are */
    uint32_t worker;  /* the number of this one */
};

/* What the decisions of one worker depend on. The reply, the ports and the tables of the rules are
 * shared with the other workers; the rest is the worker's. */
struct datagram_decider {
    struct registry *registry;
    struct confirmations *confirmations;
    struct reply *reply;
    struct message_callback on_message;
    struct renewal_callback on_renewed;
    struct event_publisher *events; /* of clients that join, leave or are refused */
    struct multicast_listeners groups;
    struct earlier_datagrams earlier;
    const struct own_ports *own_ports;
    struct stats *stats; /* of the registry: clients that joined, expired or were refused */
    uint32_t max_datagram_bytes;
    struct admission_rules rules; /* set by datagram_decider_set_rules */
    struct cookie_secrets secrets;
    struct hello_names names;
    struct broadcast_addrs broadcast_addrs; /* of the host's networks: no valid source */
};

/* Replaces the rules. If they begin to require that addresses are proven, all clients expire: each
 * is challenged at its next datagram. */
void datagram_decider_set_rules(struct datagram_decider *decider,
                                const struct admission_rules *rules, uint64_t now_ms);

/* Called when the socket of a listener was empty: what it receives from now on is for this worker.
 */
static inline void datagram_decider_note_empty(struct datagram_decider *decider, uint8_t listener)
{
    decider->earlier.listeners &= ~(UINT64_C(1) << listener);
}

/* Frames to be sent: challenges, pongs and nameds. They are queued apart from the replies, because
 * they never wait: what cannot be sent at once is dropped. */
struct challenge_queue {
    struct batch *batch;
    uint64_t pongs;  /* a bit for each queued frame that is a pong, by position; BATCH_MAX is 64 */
    uint64_t nameds; /* the same for a named; all others are challenges */
};

/* What was decided about a batch. */
struct datagram_answers {
    struct stats stats; /* what became of the datagrams, except for the answers below */
    /* The slots of the interfaces, or NULL: all replies use slot 0. */
    struct send_socket_slots *slots;
    struct batch *replies[SEND_SOCKET_SLOTS_COUNT]; /* by slot */
    /* To on-link addresses, where each may wait for a neighbour that does not answer, and to all
     * others. */
    struct challenge_queue on_link, routed;
};

/* The longest datagram that datagram_decide has to be given whole. */
static inline uint32_t datagram_bytes_max(uint32_t max_datagram_bytes)
{
    uint32_t answer = max_datagram_bytes + FRAME_ANSWER_HEAD_BYTES;
    return answer > FRAME_HELLO_BYTES_MAX ? answer : FRAME_HELLO_BYTES_MAX;
}

/* Decides about each of the count datagrams that batch received on a listener, and queues the
 * answers, which point into the batch. Adds the counts to answers->stats. now_ms is clock_now_ms's.
 */
void datagram_decide(struct datagram_decider *decider, uint8_t listener, struct batch *batch,
                     int count, uint64_t now_ms, struct datagram_answers *answers);

#endif
