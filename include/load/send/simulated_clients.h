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

/* Simulated clients, each with its own source address and port, and their sockets. If the target is
 * an IPv4 loopback address, clients are different addresses of 127/8, of which there are 16
 * million, and share a few sockets. Otherwise each client has its own socket with its own port. */
struct simulated_clients {
    struct addr target;
    bool by_address;
    uint32_t first, count; /* the clients of this thread, of all clients */
    /* by address: */
    uint32_t gap;         /* simulated_clients_gap of the target */
    uint32_t per_socket;  /* simulated_clients_per_socket of it */
    uint32_t first_group; /* the group of clients that the first socket serves */
    int *sockets;
    uint32_t socket_count;
};

enum {
    SIMULATED_CLIENTS_ERROR_BYTES = 512,
};
#define SIMULATED_CLIENTS_NONE UINT32_MAX

/* The clients of all threads. */
struct simulated_clients_plan {
    struct addr target;
    const struct addr *sources; /* --source, port 0; the clients are distributed over them */
    size_t source_count;
    uint32_t count; /* at most REPLY_MATCH_CLIENTS_MAX */
};

/* Returns whether the clients differ by address, not by port. */
bool simulated_clients_by_address(const struct simulated_clients_plan *plan);

/* Clients by address are numbered along the host addresses of 127/8, which are all but the first
 * and the last (RFC 1122), and skip the address of the target. simulated_clients_gap returns the
 * number that the target's address would have (above all others if it is no host address).
 * simulated_clients_per_socket returns the number of other addresses, which is also the number of
 * clients that one socket serves. */
uint32_t simulated_clients_gap(const struct addr *target);
uint32_t simulated_clients_per_socket(const struct addr *target);

enum { SIMULATED_CLIENTS_FIRST_IP = 127 << 24 | 1, SIMULATED_CLIENTS_HOSTS = (1 << 24) - 2 };

/* simulated_clients_ip returns the IPv4 address of a client number, in host order;
 * simulated_clients_number returns the client number of an address, or SIMULATED_CLIENTS_NONE.
 * Inline, like the functions below, because each datagram needs them. */
static inline uint32_t simulated_clients_ip(uint32_t gap, uint32_t number)
{
    return SIMULATED_CLIENTS_FIRST_IP + number + (number >= gap);
}

static inline uint32_t simulated_clients_number(uint32_t gap, uint32_t ip)
{
    uint32_t index = ip - SIMULATED_CLIENTS_FIRST_IP;
    return index < SIMULATED_CLIENTS_HOSTS && index != gap ? index - (index > gap)
                                                           : SIMULATED_CLIENTS_NONE;
}

/* Opens the sockets of count clients, from number first on. Returns 0, or -errno with a message in
 * error: what was attempted, why it failed, and what to do. Call simulated_clients_close in either
 * case. */
int simulated_clients_open(struct simulated_clients *clients,
                           const struct simulated_clients_plan *plan, uint32_t first,
                           uint32_t count, char error[SIMULATED_CLIENTS_ERROR_BYTES]);
void simulated_clients_close(struct simulated_clients *clients);

/* Prepares all slots of a batch for datagrams with these bytes to the target. batch_repeat_from
 * then queues them, with only the source address of the client added. The bytes are not copied. */
void simulated_clients_prepare(const struct simulated_clients *clients, struct batch *batch,
                               const void *bytes, size_t size);

/* Returns the index of the socket of a client, counted from clients->first. Sets ip to its address,
 * in network order, if clients differ by address. */
static inline uint32_t simulated_clients_socket(const struct simulated_clients *clients,
                                                uint32_t client, uint32_t *ip)
{
    uint32_t number = clients->first + client, socket = 0;
    if (!clients->by_address)
        return client;
    if (number >= clients->per_socket) {
        socket = number / clients->per_socket - clients->first_group;
        number %= clients->per_socket;
    }
    *ip = htobe32(simulated_clients_ip(clients->gap, number));
    return socket;
}

/* Returns the client that a datagram belongs to, by the socket that received it and its local
 * address; SIMULATED_CLIENTS_NONE if it belongs to no client of this thread. */
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
    uint32_t client =
        (clients->first_group + socket) * clients->per_socket + number - clients->first;
    return client < clients->count ? client : SIMULATED_CLIENTS_NONE;
}

#endif
