#ifndef SERVER_DATAGRAM_DATAGRAM_DECISION_H
#define SERVER_DATAGRAM_DATAGRAM_DECISION_H

#include "admission/access_list.h"
#include "admission/broadcast_addrs.h"
#include "admission/cookie.h"
#include "admission/rate_limiter.h"
#include "base/interface_slots.h"
#include "base/stats.h"
#include "config/config.h"
#include "net/message/datagram_batch.h"
#include "registry/registry.h"
#include "wire/reply_rotation.h"

#include <stdbool.h>
#include <stdint.h>

/* What every datagram gets: a drop with its reason, a challenge, or a place in the registry and the
 * next reply. */

/* Where we listen. Whoever claims to send from one of these ports may be another server, or
 * ourselves, and two servers that answer each other never stop. */
struct own_ports {
    uint64_t bits[65536 / 64];
    struct addr addrs[CONFIG_LISTEN_MAX];
    uint32_t count; /* of addrs */
};

/* Adds an address that is really bound; at most CONFIG_LISTEN_MAX of them. */
void own_ports_add(struct own_ports *ports, const struct addr *addr);

/* Whom to admit, a plain value: each worker has a copy, which a reload replaces. The tables are
 * shared by all of them. */
struct admission_rules {
    bool cookie;                  /* sources prove their address first; else they are believed */
    bool dry_run;                 /* limits only count */
    struct access_list *acl;      /* NULL: everyone may speak */
    struct rate_limiter *limiter; /* NULL: as much as they like */
    struct rate_limiter_limits limits;
    struct prefix_counts
        *prefixes;               /* NULL: clients aren't counted by prefix, and per_prefix is 0 */
    uint32_t per_prefix;         /* 0: no cap */
    struct access_list *on_link; /* admits the addresses of our links; NULL: there are none */
};

/* Who is told what registered clients say, in its order, if hear isn't NULL. The bytes are to be
 * copied. */
struct message_callback {
    void (*hear)(void *state, uint8_t listener, const struct datagram *datagram, uint64_t now_ms);
    void *state;
};

/* Multicast groups among the listeners. What comes by them may come from anyone's port, ours too:
 * in a chat without a server, everyone speaks from the group's own. Only we ourselves don't get
 * answers. */
struct multicast_listeners {
    uint64_t listeners;     /* a bit for each */
    const struct addr *own; /* the addresses that we speak from */
    size_t own_count;
};

/* One worker's view of the service; all but the reply and the tables of the rules is its own. */
struct datagram_decider {
    struct registry *registry;
    struct reply *reply;
    struct message_callback on_message;
    struct multicast_listeners groups;
    const struct own_ports *own_ports;
    struct stats *stats; /* of the registry: who joined, expired, was refused */
    uint32_t max_datagram_bytes;
    struct admission_rules rules; /* set by datagram_decider_set_rules */
    struct cookie_secrets secrets;
    struct broadcast_addrs broadcast_addrs; /* sources that nobody has */
};

/* Goes by other rules from now on. Where addresses weren't proven before and are to be, nobody is
 * registered any more: each client is asked for proof when it speaks again. */
void datagram_decider_set_rules(struct datagram_decider *datagram_decider,
                                const struct admission_rules *rules, uint64_t now_ms);

/* Challenges or pongs to be sent, apart from replies: they never wait. */
struct challenge_queue {
    struct batch *batch;
    uint64_t pongs; /* a bit for each that is a pong, in the order of queueing; BATCH_MAX is 64 */
};

/* What is decided about a batch. */
struct decided_answers {
    struct stats stats; /* what became of the datagrams, but for the answers below */
    /* The slot of each interface, or NULL: all replies go to slot 0. */
    struct interface_slots *slots;
    struct batch *replies[INTERFACE_SLOTS_ALL];
    /* To addresses on a link of ours, where each takes a neighbour that may not be there, and to
     * all others. */
    struct challenge_queue on_link, routed;
};

/* Decides for each of the count datagrams that batch received on a listener, and queues the
 * answers. The counts are added to answers->stats. */
void datagram_decide(struct datagram_decider *datagram_decider, uint8_t listener,
                     struct batch *batch, int count, uint64_t now_ms,
                     struct decided_answers *answers);

#endif
