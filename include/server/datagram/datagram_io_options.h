#ifndef SERVER_DATAGRAM_DATAGRAM_IO_OPTIONS_H
#define SERVER_DATAGRAM_DATAGRAM_IO_OPTIONS_H

#include "os/loop/event_loop.h"
#include "server/datagram/datagram_decision.h"
#include "server/send/send_socket_set.h"
#include "server/send/send_socket_with_reserve.h"

/* The options of server/datagram/datagram_io. All pointers are to objects of the worker, which
 * outlive the datagram_io. */
struct datagram_io_options {
    struct loop *loop;
    struct datagram_decider *datagram_decider;
    int *last_errno;     /* set to the error of the last reply that the kernel refused */
    struct stats *stats; /* the worker's counters, updated after each batch */
    uint32_t max_datagram_bytes;
    int drain_batches; /* the maximum number of batches that are answered before other events */
    int socket;        /* receives; the caller closes it and the sockets that send */
    struct send_socket_set senders; /* a copy; their address is the source of the answers */
    struct send_monitor *send_monitor;
    /* Called when a challenge could not be sent: the list of on-link addresses may be outdated. */
    void (*on_challenge_failed)(void *state);
    void *on_link_state;
    size_t reply_queue_bytes; /* memory for waiting replies, where each interface has sockets */
    uint8_t listener;
};

#endif
