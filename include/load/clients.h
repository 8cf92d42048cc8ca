#ifndef LOAD_CLIENTS_H
#define LOAD_CLIENTS_H

#include "core/addr.h"
#include "load/match.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who the simulated clients are: each an address and port of its own. Towards IPv4 loopback, whose
 * 16 million addresses are all ours, they are addresses of 127/8 that share a few sockets;
 * elsewhere each has a socket, whose port tells it apart. */
struct clients {
    struct addr target;
    bool by_address;
    uint32_t first, count; /* of all clients, those that are ours */
    uint32_t first_group;  /* by address: of the first socket */
    int *sockets;
    uint32_t socket_count;
};

enum {
    CLIENTS_ERROR_BYTES = 512,
};
#define CLIENTS_NONE UINT32_MAX

/* Which all clients are. */
struct clients_plan {
    struct addr target;
    const struct addr *sources; /* --source, of port 0; the clients are spread over them */
    size_t source_count;
    uint32_t count; /* at most MATCH_CLIENTS_MAX */
};

/* Whether they are told apart by address. */
bool clients_by_address(const struct clients_plan *plan);

/* How many clients by address one socket serves: the addresses of 127/8 but its first and last (RFC
 * 1122) and the target's own. And the address (its ip alone) of one of them, from 0; and the
 * reverse, CLIENTS_NONE if it isn't one. */
uint32_t clients_room(const struct addr *target);
void clients_address(const struct addr *target, uint32_t number, struct addr *local);
uint32_t clients_number(const struct addr *target, const struct addr *local);

/* Opens the sockets of count clients from first on. 0 or -errno, with a sentence in error that says
 * what was attempted, why it failed, and what to do. */
int clients_open(struct clients *clients, const struct clients_plan *plan, uint32_t first,
                 uint32_t count, char error[CLIENTS_ERROR_BYTES]);
void clients_close(struct clients *clients);

/* Where a client, counted from clients->first, sends from: the index of its socket, and its
 * address, of family ADDR_NONE if that is the socket's own. */
uint32_t clients_socket(const struct clients *clients, uint32_t client, struct addr *local);

/* To whom a datagram belongs that came to local through the socket of that index; CLIENTS_NONE if
 * to nobody of ours. */
uint32_t clients_find(const struct clients *clients, uint32_t socket, const struct addr *local);

#endif
