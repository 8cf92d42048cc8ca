#ifndef SERVER_SEND_SEND_SOCKET_SET_H
#define SERVER_SEND_SEND_SOCKET_SET_H

#include "address/addr.h"
#include "base/handover.h"
#include "server/send/send_socket_slots.h"

#include <stdbool.h>
#include <stdint.h>

/* The sockets by which one worker sends for one listener: separate ones for replies, copies of
 * broadcasts and challenges, and for each interface. They are opened before the threads start.
 *
 * The kernel charges a datagram to the send buffer of its socket until it has left: for about 3 s
 * if a neighbour does not answer ARP or neighbour discovery, and for as long as it takes on a slow
 * interface. With one socket for everything, about 330 datagrams to addresses that no host has
 * would stop all replies of a listener (docs/security.md, "Destinations that do not answer"). So
 * each kind of datagram has its own small send buffer for each interface, whose overflow delays
 * only that kind, and the socket that receives never waits for space. This costs 4 to 16 user
 * instructions for a reply, and saves time in the kernel: 0.93 to 0.94 times the bare loop in all
 * (docs/performance.md, "What separate send sockets cost").
 *
 * One larger buffer for everything would only delay the problem, and then the queue of the
 * interface, 1,000 packets by default, would drop copies without an error. Asking the kernel for
 * the state of each neighbour would take two system calls a challenge. */
struct send_socket_set {
    int routed;  /* challenges to addresses beyond a gateway: the socket that receives */
    int on_link; /* challenges to neighbours; -1: routed, within SEND_SOCKET_SET_ON_LINK_BYTES */
    bool by_interface; /* slots are as in server/send/send_socket_slots; else only slot 0 */
    int replies[SEND_SOCKET_SLOTS_COUNT]; /* by slot, -1 where none is needed */
    int copies[SEND_SOCKET_SLOTS_COUNT];  /* of broadcasts, likewise */
    /* Used instead while a buffer is stalled (server/send/send_socket_with_reserve); -1: none. */
    int reply_reserve, copy_reserve;
    bool single;           /* all are one socket: the one that receives, or another listener's */
    uint32_t buffer_bytes; /* how much of a send buffer datagrams that move may fill */
    bool must_resize;      /* the send buffers were taken over with another size */
    uint32_t reserve_got_bytes; /* the size of a reserve's send buffer, as the kernel has set it */
};

enum {
    /* Space for 64 challenges, which take 768 bytes of kernel memory each; the kernel doubles the
     * size that is set. So at most 64 neighbours at a time are resolved for sources that are not
     * verified: half of the entries below which the kernel removes none
     * (net.ipv4.neigh.default.gc_thresh1, 128 by default). */
    SEND_SOCKET_SET_ON_LINK_BYTES = 24 << 10,
    /* Five times what datagrams to 10 addresses that no host has, 300 a second in all, occupy for 3
     * s (docs/security.md). */
    SEND_SOCKET_SET_RESERVE_BYTES = 2 << 20,
    /* More than a reserve for replies, since one broadcast may send copies to hundreds of clients
     * that have vanished. */
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
 * send_socket_set_drop_received has to follow. Returns 0 or -errno. */
int send_socket_set_open(struct send_socket_set *senders, int receiver, const struct addr *bound,
                         uint32_t send_buffer_bytes);

/* Makes a set that sends everything by one given socket: for a multicast group, from whose address
 * nothing can be sent. The socket gets the buffer of a reserve, of which datagrams that move may
 * fill send_buffer_bytes. Returns 0 or -errno. */
int send_socket_set_open_single(struct send_socket_set *senders, int socket,
                                uint32_t send_buffer_bytes);

/* The same with a socket that another process uses, too: its buffer stays as it is until
 * send_socket_set_enlarge, which returns the size that it has then, in bytes. */
int send_socket_set_open_shared(struct send_socket_set *senders, int socket,
                                uint32_t send_buffer_bytes);
uint32_t send_socket_set_enlarge(const struct send_socket_set *senders);

/* Reserves the descriptors of a set that is opened later, for a receiving socket that is bound
 * there. Returns 0 or -errno. */
int send_socket_set_reserve(struct send_socket_set *senders, int receiver,
                            const struct addr *bound);

/* Writes the set to the record that is being written, with its descriptors except `routed`. */
void send_socket_set_hand_over(const struct send_socket_set *senders,
                               struct handover_writer *writer);

/* Reads a set from the record that is being read. receiver becomes `routed`. Returns 0, or -EPROTO
 * with none open. */
int send_socket_set_take_over(struct send_socket_set *senders, struct handover_reader *reader,
                              int receiver);

/* Chooses the size of the send buffers of a set that was taken over. The process before uses them,
 * too: they get that size by send_socket_set_resize, when it has left. */
void send_socket_set_choose_size(struct send_socket_set *senders, uint32_t send_buffer_bytes);
void send_socket_set_resize(const struct send_socket_set *senders);

/* Connects the sockets that were opened while no interface had their address. Tries all of them.
 * Returns 0 or -errno. */
int send_socket_set_connect(const struct send_socket_set *senders, const struct addr *bound);

/* Has the sockets that only send drop everything that they receive from now on. What they have
 * received can still be read (send_only_socket_open). Tries all of them. Returns 0 or -errno. */
int send_socket_set_drop_received(const struct send_socket_set *senders);

/* Makes all descriptors except `routed` refer to the sockets of `fresh`, and closes the descriptors
 * of `fresh`. */
void send_socket_set_replace(const struct send_socket_set *senders, struct send_socket_set *fresh);

/* Sets whether other sockets of this server may be bound to the same port
 * (udp_socket_allow_sharing). */
void send_socket_set_share(const struct send_socket_set *senders, bool may);

/* Closes all sockets except `routed`, which the caller closes. */
void send_socket_set_close(struct send_socket_set *senders);

#endif
