#ifndef SERVER_EVENTS_EVENT_H
#define SERVER_EVENTS_EVENT_H

#include "address/addr.h"
#include "address/device_name.h"

#include <stddef.h>
#include <stdint.h>

/* What subscribers get (udpctl listen, events): the kinds of events, their names, and the
 * record that brings one from a worker to the main thread. */

enum event_kind {
    EVENT_MESSAGE, /* what a registered client has sent; `listen` */
    /* Events of clients, which workers publish. */
    EVENT_JOINED,        /* a client was registered */
    EVENT_REJOINED,      /* a client that had expired was registered before the sweep removed it */
    EVENT_EXPIRED,       /* a client was removed after its ttl, or an idle stream closed */
    EVENT_LEFT,          /* a client was removed by its own frame */
    EVENT_KICKED,        /* a client was removed by the operator, or by a new access list */
    EVENT_REFUSED,       /* a client was answered, and not registered */
    EVENT_MOVED,         /* a client was removed because its name has moved to another one */
    EVENT_STREAM_CLOSED, /* a stream client has ended, or was disconnected */
    /* Events of the server, which the main thread publishes. */
    EVENT_JOB_QUEUED,
    EVENT_JOB_STARTED,
    EVENT_JOB_ENDED,
    EVENT_RELOADED,
    EVENT_KINDS
};

/* Why it happened, where an event of that kind has more than one reason. */
enum event_reason {
    EVENT_REASON_NONE,
    EVENT_REASON_FULL,     /* refused: clients.max or server.stream-max is reached */
    EVENT_REASON_PREFIX,   /* refused: its prefix is full */
    EVENT_REASON_OPERATOR, /* kicked by the operator */
    EVENT_REASON_DENIED,   /* kicked: a new access list excludes it */
    EVENT_REASON_ENDED,    /* stream_closed by the client */
    EVENT_REASON_SLOW,     /* stream_closed: server.stream-buffer was full */
    EVENT_REASON_OVERSIZE, /* stream_closed: a line was longer than server.max-datagram */
};

/* Subscribers are numbered from 0, so that a set of them is one word. 16 of them may be observers:
 * those leave 48 to operators, who have 64 sessions, of which 16 are reserved for commands that end
 * soon (server/control/control_state). */
enum { EVENT_SUBSCRIBERS_MAX = 64, EVENT_OBSERVERS_MAX = 16 };

/* Returns the name of a kind ("joined"; "message" for EVENT_MESSAGE), or of a reason ("full"; ""
 * for EVENT_REASON_NONE). */
const char *event_kind_name(enum event_kind kind);
const char *event_reason_name(enum event_reason reason);

/* The join number of a client that is not looked up for the event: it is shown without its name. */
#define EVENT_JOIN_NUMBER_UNKNOWN UINT64_MAX

/* One event in the queue from a worker. */
struct event_record {
    uint64_t subscribers; /* that get it, a bit each */
    uint64_t time_ms;     /* of clock_now_ms */
    uint64_t join_number; /* of the client; EVENT_JOIN_NUMBER_UNKNOWN: not known */
    struct addr source;   /* of family ADDR_NONE: a client of a Unix socket */
    uint32_t number;      /* of a client of a Unix socket */
    uint32_t size;        /* of the message */
    uint8_t kind, reason, listener;
    uint8_t bytes[]; /* the message, or a struct event_moved; empty for other events */
};

/* The bytes of EVENT_MOVED, copied whole. */
struct event_moved {
    struct addr to; /* the source of the client that has the name now */
    struct device_name name;
};

#endif
