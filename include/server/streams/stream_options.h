#ifndef SERVER_STREAMS_STREAM_OPTIONS_H
#define SERVER_STREAMS_STREAM_OPTIONS_H

#include "address/transport.h"
#include "config/config.h"
#include "server/broadcast/relay.h"
#include "server/datagram/datagram_decision.h"

#include <stddef.h>
#include <stdint.h>

/* Options and limits of stream clients. */

enum {
    /* The time that a client which has ended its input, or has sent a line that is too long, has to
     * read the rest of its output before it is disconnected. */
    STREAM_CLOSING_MS = 5000,
};

/* A listening socket; the caller closes it after stream_clients_close. */
struct stream_listener {
    int socket;
    enum transport transport; /* not TRANSPORT_UDP */
    uint8_t listener;         /* its number among all listeners of the server */
};

/* The pointers belong to the worker and outlive the stream clients. */
struct stream_clients_options {
    struct loop *loop;
    const struct datagram_decider *datagram_decider; /* for its reply, its access list
                                                       and its subscribers */
    struct relay *relay;
    struct stats *stats;
    int *reply_errno; /* of the last reply that failed */
    const struct stream_listener *listeners;
    size_t listener_count;
    uint32_t max;          /* clients at a time, including those that are closing */
    uint32_t files;        /* descriptors for them; further connections wait to be accepted */
    uint32_t buffer_bytes; /* of unread output, above which a client is disconnected */
    uint32_t idle_ms;      /* time without a message after which a client is disconnected */
    /* A client that sends a longer line is disconnected; a longer chunk is dropped. */
    uint32_t max_message_bytes;
    enum config_framing framing;
};

#endif
