#ifndef NET_SOCKET_PASSED_SOCKET_H
#define NET_SOCKET_PASSED_SOCKET_H

#include "address/addr.h"
#include "address/transport.h"

#include <stdbool.h>

/* A socket that another process has opened and bound, and that this process got from it at its
 * start: what it is, and where it is bound. */

/* Why a passed descriptor cannot be a listener. */
enum passed_socket_fault {
    PASSED_SOCKET_USABLE,
    PASSED_SOCKET_NOT_OPEN, /* no such descriptor is open */
    PASSED_SOCKET_NO_SOCKET,
    PASSED_SOCKET_NOT_LISTENING, /* a stream that is connected, or not bound */
    PASSED_SOCKET_NOT_BOUND,     /* a UDP socket without a port */
    PASSED_SOCKET_CONNECTED,     /* a UDP socket with one peer */
    PASSED_SOCKET_OTHER_KIND,    /* neither UDP, nor TCP, nor a Unix stream socket */
    PASSED_SOCKET_DUAL_STACK,    /* an IPv6 wildcard that receives IPv4, too */
};

struct passed_socket {
    int descriptor;
    enum passed_socket_fault fault;
    enum transport transport;
    struct addr addr;                /* of UDP and TCP */
    char path[TRANSPORT_PATH_BYTES]; /* of a Unix socket; "@name" in the abstract namespace */
    bool shares_port;                /* SO_REUSEPORT is set */
};

/* Finds out what a descriptor is, makes it non-blocking, and keeps it from programs that this one
 * executes. The fault says whether it can be a listener; transport and address are filled in as far
 * as they are known, the address also with a fault. Returns 0 or -errno. */
int passed_socket_read(struct passed_socket *passed, int descriptor);

#endif
