#ifndef SIM_NET_UDP_H
#define SIM_NET_UDP_H

#include "address/addr.h"
#include "sim/check/shards.h"
#include "sim/core/descriptors.h"
#include "sim/net/host.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* UDP sockets in memory. */

enum { MEMBERSHIPS_MAX = 20 }; /* as net.ipv4.igmp_max_memberships */

struct packet {
    struct packet *next;
    struct addr from, to;
    enum host_interface forged_by; /* it arrives by that one, whatever its source; HOST_LO: none */
    uint32_t interface;            /* index of the one by which the network stack receives it */
    uint32_t link;                 /* index of the one by which its frame arrives */
    uint8_t ethernet[6];           /* its sender's Ethernet address there */
    bool is_tagged;                /* the program of the offload does not look at it */
    uint32_t shards;               /* that the program of the group has chosen among */
    uint32_t size;
    uint8_t bytes[];
};

struct udp {
    struct object object;
    struct addr bound; /* family ADDR_NONE: not bound */
    bool send_only, drops_all, in_group, is_multicast, closed;
    bool is_connected;        /* one that only sends: receives nothing */
    bool drops_received;      /* likewise, from now on */
    uint32_t opened_arrivals; /* how many times arrivals had ended when it was opened */
    pid_t opened_by;          /* the process */
    bool has_left;            /* its group: receives nothing */
    uint32_t number;          /* in its group */
    uint32_t shards; /* the number of sockets that its group's program chooses among; 0: none */
    struct shards_key key; /* of that program */
    struct membership {
        uint32_t index, birth; /* of the interface */
    } memberships[MEMBERSHIPS_MAX];
    size_t membership_count;
    bool sends_to_group;
    uint32_t path_index; /* of the interface that it sends by; 0: that of its address */
    struct packet *first, **end;
    struct packet *arriving; /* it comes last, at udp_end_arrivals; NULL: none does */
    uint32_t queued_bytes, receive_limit, drops;
    uint32_t send_used, send_limit; /* bytes of kernel memory */
    uint32_t unwatched_bytes;       /* that it held when epoll could not watch it; 0: it has sent */
};

struct udp *udp_of(int fd);
/* The next one of all that are open, of all processes; NULL: there is none. *i is 0 at first. */
struct udp *udp_next(size_t *i);
/* Whether both are bound to the same address and port. */
bool udp_is_at(const struct udp *udp, const struct addr *bound);

/* Makes a packet; network addresses are copied. */
struct packet *packet_new(const struct addr *from, const struct addr *to, const void *bytes,
                          size_t size);

/* Puts a packet into the receive buffer of the socket that it is for, or drops it. Takes it over.
 */
void udp_deliver(struct packet *packet);

/* A socket gets no more from now on. Its last datagram may be one for which another processor has
 * chosen it before, and which is not in it yet. */
void udp_begin_arrival(struct udp *udp);
void udp_end_arrivals(void);

/* Sends a datagram as the kernel would: returns 0, or an errno. */
int udp_send(int fd, const struct addr *to, const struct addr *local, const void *bytes,
             size_t size);

/* Whether a socket that sends to a group has its interface and address still. */
bool udp_has_path(const struct udp *udp);

/* Whether any socket is a member of the group, on an interface (0: on any) that exists. */
bool udp_is_joined(const struct addr *group, uint32_t index);

/* Whether the send buffer of any socket is more than half full, or holds that many bytes. */
bool udp_any_has(uint32_t bytes);

/* Epoll could not watch that socket for space. */
void udp_not_watched(int socket);
/* Whether nothing has left the send buffer of such a socket since then, nor was sent by it. */
bool udp_any_is_stuck(void);

#endif
