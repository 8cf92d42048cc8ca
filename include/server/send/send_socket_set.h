#ifndef SERVER_SEND_SEND_SOCKET_SET_H
#define SERVER_SEND_SEND_SOCKET_SET_H

#include "address/addr.h"
#include "server/send/send_socket_slots.h"

#include <stdbool.h>
#include <stdint.h>

/* The sockets by which one worker sends for one listener, opened before the threads start: apart
 * for replies, copies of broadcasts and challenges, and for each interface.
 *
 * The kernel charges a datagram to the send buffer of its socket until it has left: for some 3 s
 * where a neighbour does not answer ARP or ND, and for as long as it takes on a slow interface.
 * With one socket for everything, 330 datagrams to addresses that no host has keep a listener from
 * answering anyone (docs/security.md, "Destinations that do not answer"). So each kind of datagram
 * has a small send buffer of its own for each interface, whose overflow holds up only its own kind,
 * and the socket that receives never waits for space. Replies cost 4 to 16 user instructions more
 * by this, and less time in the kernel: 0.93 to 0.94 times the bare loop (docs/performance.md,
 * "What sockets of their own cost").
 *
 * Rejected: one larger buffer for everything (8 MiB hide the fault, but then the queue of the
 * interface, 1,000 packets by default, drops copies without an error), and asking the kernel for
 * the state of each neighbour (two system calls a challenge). */
struct send_socket_set {
    int routed;  /* challenges to addresses beyond a gateway: the socket that receives */
    int on_link; /* challenges to neighbours; -1: routed, within SEND_SOCKET_SET_ON_LINK_BYTES */
    bool by_interface; /* slots are as in server/send/send_socket_slots; else only slot 0 */
    int replies[SEND_SOCKET_SLOTS_COUNT]; /* by slot, -1 where none is needed */
    int copies[SEND_SOCKET_SLOTS_COUNT];  /* of broadcasts, likewise */
    /* Used instead while a buffer is stalled (server/send/send_socket_reserve); -1: none. */
    int reply_reserve, copy_reserve;
    bool single;                /* all are one socket: that which receives, or another listener's */
    uint32_t buffer_bytes;      /* of a send buffer that datagrams which move may fill */
    uint32_t reserve_got_bytes; /* the send buffer that the kernel gave to a reserve */
};

enum {
    /* Space for 64 challenges, which take 768 bytes of kernel memory each; the kernel doubles the
     * size that it is asked for. So at most 64 neighbours at a time are resolved for sources that
     * are not verified: half of what the kernel's table always keeps
     * (net.ipv4.neigh.default.gc_thresh1). */
    SEND_SOCKET_SET_ON_LINK_BYTES = 24 << 10,
    /* 10 addresses that no host has, with 300 requests a second, hold 764,000 bytes; a reserve has
     * five times that. */
    SEND_SOCKET_SET_RESERVE_BYTES = 2 << 20,
    /* Copies may go to many clients that have vanished at once: 600 of 8 KiB hold 8.8 MB. */
    SEND_SOCKET_SET_COPY_RESERVE_BYTES = 8 << 20,
    /* A reserve below that is logged as a warning. */
    SEND_SOCKET_SET_RESERVE_LEAST_BYTES = 1 << 20,
    /* Most descriptors of a set, without the socket that receives. */
    SEND_SOCKET_SET_FILES_MAX = 2 * SEND_SOCKET_SLOTS_COUNT + 3,
};

/* Initialises a set without sockets. */
void send_socket_set_init(struct send_socket_set *senders);

/* Opens the sockets that send from the address `bound` of a receiving socket, which becomes
 * `routed`. All sockets of this server on that port must allow sharing (udp_socket_allow_sharing).
 * Returns 0 or -errno. */
int send_socket_set_open(struct send_socket_set *senders, int receiver, const struct addr *bound,
                         uint32_t send_buffer_bytes);

/* Makes a set that sends everything by the socket given, as a multicast group does, from whose
 * address nothing can be sent. The socket gets the buffer of a reserve, of which datagrams that
 * move may fill send_buffer_bytes. Returns 0 or -errno. */
int send_socket_set_open_single(struct send_socket_set *senders, int socket,
                                uint32_t send_buffer_bytes);

/* Reserves the descriptors of a listener whose interface does not exist yet. Returns 0 or -errno.
 */
int send_socket_set_reserve(struct send_socket_set *senders, int receiver);

/* Connects the sockets that were opened while no interface had their address. Returns 0 or -errno.
 */
int send_socket_set_connect(const struct send_socket_set *senders, const struct addr *bound);

/* Makes the descriptors, but for `routed`, refer to the sockets of `fresh`, and closes those of
 * `fresh`. */
void send_socket_set_replace(const struct send_socket_set *senders, struct send_socket_set *fresh);

/* Sets whether other sockets of this server may be bound to the same port
 * (udp_socket_allow_sharing). */
void send_socket_set_share(const struct send_socket_set *senders, bool may);

/* Closes all but `routed`, which the caller closes. */
void send_socket_set_close(struct send_socket_set *senders);

#endif
