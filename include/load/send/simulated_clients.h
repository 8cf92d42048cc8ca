#ifndef LOAD_SEND_SIMULATED_CLIENTS_H
#define LOAD_SEND_SIMULATED_CLIENTS_H

#include "address/addr.h"
#include "load/send/reply_matching.h"
#include "net/message/datagram_batch.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Who the simulated clients are: each an address and port of its own. Towards IPv4 loopback, whose
 * 16 million addresses are all ours, they are addresses of 127/8 that share a few sockets;
 * elsewhere each has a socket, whose port tells it apart. */
struct simulated_clients {
    struct addr target;
    bool by_address;
    uint32_t first, count; /* of all clients, those that are ours */
    uint32_t gap;          /* by address: simulated_clients_gap of the target, */
    uint32_t room;         /* simulated_clients_room of it, */
    uint32_t first_group;  /* and which the first socket's clients are */
    int *sockets;
    uint32_t socket_count;
};

enum {
    SIMULATED_CLIENTS_ERROR_BYTES = 512,
};
#define SIMULATED_CLIENTS_NONE UINT32_MAX

/* Which all clients are. */
struct simulated_clients_plan {
    struct addr target;
    const struct addr *sources; /* --source, of port 0; the clients are spread over them */
    size_t source_count;
    uint32_t count; /* at most REPLY_MATCH_CLIENTS_MAX */
};

/* Whether they are told apart by address. */
bool simulated_clients_by_address(const struct simulated_clients_plan *plan);

/* Clients by address are numbered through the hosts of 127/8, which are all but its first and last
 * address (RFC 1122), with a gap at the target's own. simulated_clients_gap: the number that it
 * would have (beyond all others if it is no host); simulated_clients_room: how many there are
 * beside it, which is what one socket serves. */
uint32_t simulated_clients_gap(const struct addr *target);
uint32_t simulated_clients_room(const struct addr *target);

enum { SIMULATED_CLIENTS_FIRST_IP = 127 << 24 | 1, SIMULATED_CLIENTS_HOSTS = (1 << 24) - 2 };

/* The address of a number, as a number itself; and the reverse, SIMULATED_CLIENTS_NONE for
 * another's. Here and below inline, for they stand on the way of each datagram. */
static inline uint32_t simulated_clients_ip(uint32_t gap, uint32_t number)
{
    return SIMULATED_CLIENTS_FIRST_IP + number + (number >= gap);
}

static inline uint32_t simulated_clients_number(uint32_t gap, uint32_t ip)
{
    uint32_t place = ip - SIMULATED_CLIENTS_FIRST_IP;
    return place < SIMULATED_CLIENTS_HOSTS && place != gap ? place - (place > gap)
                                                           : SIMULATED_CLIENTS_NONE;
}

/* Opens the sockets of count clients from first on. 0 or -errno, with a sentence in error that says
 * what was attempted, why it failed, and what to do. */
int simulated_clients_open(struct simulated_clients *clients,
                           const struct simulated_clients_plan *plan, uint32_t first,
                           uint32_t count, char error[SIMULATED_CLIENTS_ERROR_BYTES]);
void simulated_clients_close(struct simulated_clients *clients);

/* Prepares all places of a batch for datagrams of these bytes to the target, which then differ in
 * no more than the address that they come from: batch_again queues them. The bytes are not copied.
 */
void simulated_clients_prepare(const struct simulated_clients *clients, struct batch *batch,
                               const void *bytes, size_t size);

/* Where a client, counted from clients->first, sends from: the index of its socket; and sets ip to
 * its address, in network order, if clients are told apart by that. */
static inline uint32_t simulated_clients_socket(const struct simulated_clients *clients,
                                                uint32_t client, uint32_t *ip)
{
    uint32_t number = clients->first + client, socket = 0;
    if (!clients->by_address)
        return client;
    if (number >= clients->room) {
        socket = number / clients->room - clients->first_group;
        number %= clients->room;
    }
    *ip = htobe32(simulated_clients_ip(clients->gap, number));
    return socket;
}

/* To whom a datagram belongs that came to local through the socket of that index;
 * SIMULATED_CLIENTS_NONE if to nobody of ours. */
static inline uint32_t simulated_clients_find(const struct simulated_clients *clients,
                                              uint32_t socket, const struct addr *local)
{
    uint32_t ip;
    if (!clients->by_address)
        return socket;
    memcpy(&ip, local->ip, sizeof ip);
    uint32_t number = simulated_clients_number(clients->gap, be32toh(ip));
    if (number == SIMULATED_CLIENTS_NONE)
        return SIMULATED_CLIENTS_NONE;
    uint32_t client = (clients->first_group + socket) * clients->room + number - clients->first;
    return client < clients->count ? client : SIMULATED_CLIENTS_NONE;
}

#endif
