#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include "core/registry.h"
#include "core/reply.h"
#include "core/stats.h"
#include "net/batch.h"

#include <stdbool.h>
#include <stdint.h>

/* What every datagram gets: a drop with its reason, or a place in the registry and the next reply.
 */

/* The ports that we listen on. Whoever claims to send from one of them is another server, or
 * ourselves, and two servers that answer each other never stop. */
struct service_ports {
    uint64_t bits[65536 / 64];
};

void service_ports_add(struct service_ports *ports, uint16_t port);

/* Who is told what registered clients say, behind their answers, if hear isn't NULL. */
struct service_ear {
    void (*hear)(void *state, uint8_t listener, const struct datagram *datagram, uint64_t now_ms);
    void *state;
};

/* Multicast groups among the listeners. What comes by them may come from anyone's port, ours too:
 * in a chat without a server, everyone speaks from the group's own. Only we ourselves don't get
 * answers. */
struct service_groups {
    uint64_t listeners;     /* a bit for each */
    const struct addr *own; /* the addresses that we speak from */
    size_t own_count;
};

/* One worker's view of the service; all but the reply is its own. */
struct service {
    struct registry *registry;
    struct reply *reply;
    struct service_ear ear;
    struct service_groups groups;
    const struct service_ports *own_ports;
    struct stats *stats; /* of the registry: who joined, expired, was refused */
};

/* Decides for each of the count datagrams that batch received on a listener, and queues the
 * answers. What became of them is added to round, but for the answers, which are known when they
 * are sent. */
void service_decide(struct service *service, uint8_t listener, struct batch *batch, int count,
                    uint64_t now_ms, struct stats *round);

#endif
