#ifndef NEIGHBOURS_ADDRESS_REQUESTER_H
#define NEIGHBOURS_ADDRESS_REQUESTER_H

#include "neighbours.h"

/* Requests the link address of a server (ARP or neighbour discovery), as a host does before it
 * sends its first datagram. The kernel ignores the answer, but the server learns the link address
 * of the requesting host from the request. Clients in one namespace share its neighbour table, so
 * only the first of them would cause a request without this module. */
struct address_requester {
    int socket;
    int link; /* interface index */
    struct endpoint target;
};

/* Opens a raw socket at the far end of the link; target is the server's address. Skips the test if
 * the process may not open one. */
void address_requester_open(struct address_requester *requester, const struct neighbours *both,
                            const struct endpoint *target);
void address_requester_close(const struct address_requester *requester);
/* Sends a request with the address of a host as its source. Any thread may call it. Returns false
 * if it could not be sent. */
bool address_requester_send(const struct address_requester *requester, const struct endpoint *host);

#endif
