#ifndef SERVER_LISTEN_SEND_SOCKET_SET_H
#define SERVER_LISTEN_SEND_SOCKET_SET_H

#include "address/addr.h"
#include "base/interface_slots.h"

#include <stdbool.h>
#include <stdint.h>

/* The sockets by which one worker sends for one listener, opened before any thread starts.
 *
 * The kernel charges a datagram to its socket until it has left: for some 3 s where a neighbour
 * does not answer ARP or ND, and for as long as it takes on a slow interface. With one socket for
 * all, 330 datagrams to addresses that nobody has keep a listener from receiving. So the socket
 * that receives never waits for room, and each kind of datagram has a send buffer of its own for
 * each interface that leads to clients. Rejected: a larger buffer for all (8 MiB hide the
 * fault, but then the interface's queue, 1,000 packets by default, drops copies in silence), and to
 * ask the kernel for the state of each neighbour (two system calls a challenge). */
struct send_socket_set {
    int routed;  /* challenges to addresses beyond a gateway: the socket that receives */
    int on_link; /* challenges to neighbours; -1: routed, within SEND_SOCKET_SET_ON_LINK_BYTES */
    bool by_interface;                /* slots are used as base/interface_slots says; else slot 0 */
    int replies[INTERFACE_SLOTS_ALL]; /* -1 where none is needed */
    int copies[INTERFACE_SLOTS_ALL];  /* of broadcasts */
    /* In place of the above while what they hold stands still; -1: none. */
    int reply_reserve, copy_reserve;
    bool single;                /* all are the socket that receives, or that of another listener */
    uint32_t buffer_bytes;      /* what of a send buffer may be filled by what moves */
    uint32_t reserve_got_bytes; /* the send buffer that the kernel gave to a reserve */
};

enum {
    /* Room for 64 challenges of 768 bytes of kernel memory each; the kernel doubles what it is
     * asked for. As many neighbours at most are looked up at a time for sources that have proven
     * nothing, half of what the kernel's table keeps without a look
     * (net.ipv4.neigh.default.gc_thresh1). */
    SEND_SOCKET_SET_ON_LINK_BYTES = 24 << 10,
    /* 10 addresses that nobody has, with 300 requests a second, hold 764,000 bytes; a reserve has
     * five times that. */
    SEND_SOCKET_SET_RESERVE_BYTES = 2 << 20,
    /* Copies go to all clients that have vanished at once: 600 of 8 KiB hold 8.8 MB. */
    SEND_SOCKET_SET_COPY_RESERVE_BYTES = 8 << 20,
    /* Less than that is worth a warning. */
    SEND_SOCKET_SET_RESERVE_LEAST_BYTES = 1 << 20,
    /* Descriptors of a listener in a worker beside the one that receives. */
    SEND_SOCKET_SET_FILES_MAX = 2 * INTERFACE_SLOTS_ALL + 3,
};

/* None is open. */
void send_socket_set_init(struct send_socket_set *senders);

/* Opens the sockets for the one that receives, which is bound to `bound`, with sockets of ours on
 * that port letting others in (socket_share). 0 or -errno. */
int send_socket_set_open(struct send_socket_set *senders, int receiver, const struct addr *bound,
                         uint32_t send_buffer_bytes);

/* Sends all by the one socket given: for a multicast group, from which nothing can be sent. It gets
 * the buffer of a reserve, of which no more than send_buffer_bytes are filled with what moves. 0 or
 * -errno. */
int send_socket_set_open_single(struct send_socket_set *senders, int socket,
                                uint32_t send_buffer_bytes);

/* Reserves descriptors for those of a listener whose interface is not there. 0 or -errno. */
int send_socket_set_reserve(struct send_socket_set *senders, int receiver);

/* Connects those that were opened while no interface had their address. 0 or -errno. */
int send_socket_set_connect(const struct send_socket_set *senders, const struct addr *bound);

/* Has the descriptors refer to what those of `fresh` do, which are closed; but for `routed`. */
void send_socket_set_replace(const struct send_socket_set *senders, struct send_socket_set *fresh);

/* Lets other sockets of ours be bound beside these (socket_share). */
void send_socket_set_share(const struct send_socket_set *senders, bool may);

/* Closes all but `routed`, which is the caller's. */
void send_socket_set_close(struct send_socket_set *senders);

#endif
