#ifndef SERVER_STREAMS_STREAM_CLIENTS_H
#define SERVER_STREAMS_STREAM_CLIENTS_H

#include "address/client_name.h"
#include "server/broadcast/relay.h"
#include "server/datagram/datagram_decision.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Clients that come by stream, over TCP or a Unix socket: a table of them beside the registry. A
 * line is a datagram: it is counted, answered and relayed like one, and each datagram that such a
 * client is to get is a line, in which a LF becomes a space. A client is registered from its
 * connection to its end; there is no ttl, but an idle limit.
 *
 * They all live on one worker, the first: its loop serves thousands of them, and one table needs no
 * letters to be listed, kicked or broadcast to. */
struct streams;

enum {
    /* How long one who has ended his side, or whose line was too long, may take to read what is
     * left for him. */
    STREAMS_LEAVE_MS = 5000,
};

/* A listening socket, the caller's to close behind streams_close. */
struct stream_listener {
    int socket;
    enum transport transport; /* not TRANSPORT_UDP */
    uint8_t listener;         /* its number among all listeners, for lists */
};

/* All but the numbers is the worker's, and outlives the streams. */
struct streams_options {
    struct loop *loop;
    const struct datagram_decider
        *datagram_decider; /* whose reply they get, and whose lists keep them out */
    struct relay *relay;
    struct stats *stats;
    int *reply_errno; /* of the last answer that failed */
    const struct stream_listener *first_sockets;
    size_t door_count;
    uint32_t max;            /* at a time, those included that are about to leave */
    uint32_t files;          /* likewise, for whom there are descriptors; others wait */
    uint32_t buffer_bytes;   /* kept for one who doesn't read before he is cut off */
    uint32_t idle_ms;        /* without a line */
    uint32_t max_line_bytes; /* a longer one is answered by an error and the end */
};

/* Begins to accept. Where a connection can't be accepted (files, memory), it is tried again after a
 * second, and when a client leaves. 0 or -errno. */
int streams_open(struct streams **streams, const struct streams_options *options);

/* Cuts everyone off: what the kernel has taken still reaches them. */
void streams_close(struct streams *streams);

/* Has a listener accept by another socket, which takes the place of its own under that number. */
void streams_renew(struct streams *streams, uint8_t listener, int *socket);

/* The clients that are there. */
uint32_t streams_count(const struct streams *streams);

/* To be called at each sweep: cuts off those who were silent for too long, or take too long to
 * leave. */
void streams_sweep(struct streams *streams, uint64_t now_ms);

/* The service's lists are others now: cuts off those whom they keep out. */
void streams_admit(struct streams *streams);

/* Whoever is here when a broadcast starts, and neither has left nor is cut off at his turn: no copy
 * fails. */
struct recipients streams_recipients(struct streams *streams);

/* The next clients from *next on (0 at first), as in registry_walk: source is the peer's address,
 * or of family ADDR_NONE for a Unix socket, and slot then its number. None means that the walk has
 * ended. */
size_t streams_list(const struct streams *streams, uint32_t *next, uint64_t now_ms,
                    struct client *clients, size_t room);

/* The client of that name, false if there is none; and cutting it off. */
bool streams_find(const struct streams *streams, const struct client_name *name, uint64_t now_ms,
                  struct client *client);
bool streams_kick(struct streams *streams, const struct client_name *name);

#endif
