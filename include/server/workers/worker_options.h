#ifndef SERVER_WORKERS_WORKER_OPTIONS_H
#define SERVER_WORKERS_WORKER_OPTIONS_H

#include "admission/shared_capacity.h"
#include "os/loop/mailbox.h"
#include "server/datagram/datagram_decision.h"
#include "server/events/event_queue.h"
#include "server/listen/first_worker_sockets.h"
#include "server/offload/kernel_offload.h"
#include "server/state/handed_clients.h"

#include <stddef.h>
#include <stdint.h>

/* The options of one worker (server/workers/worker). All pointers are to objects of the server,
 * which outlive the worker, except sockets and senders, which are copied. */
struct worker_options {
    uint32_t number;   /* of this worker, from 0 */
    uint32_t count;    /* of all workers */
    uint32_t capacity; /* the maximum number of clients of this worker */
    uint32_t ttl_ms;
    uint32_t sweep_ms;
    uint32_t rate_pps; /* of broadcasts, by all workers together */
    uint32_t max_datagram_bytes;
    struct reply *reply;               /* shared */
    const struct own_ports *own_ports; /* shared */
    struct handed_memory
        *handed; /* in an upgrade, the registry's memory; NULL: a new one is made */
    struct capacity_share *capacity_share; /* of clients.max; NULL: only the capacity limits */
    struct admission_rules rules;          /* their tables are shared */
    struct cookie_secrets secrets;
    const int *sockets; /* by unicast listener; the caller closes them after worker_free */
    const struct send_socket_set *senders; /* likewise */
    const struct addr *bound; /* likewise, the address that its socket is bound to, with the port */
    size_t socket_count;
    uint64_t passed;  /* a bit for each unicast listener whose socket a service manager passed */
    uint64_t earlier; /* likewise, what waits in it may be for another worker, see
                         server/datagram/datagram_decision */
    const struct source_shard_key *shard_key; /* by which the kernel chooses the worker; NULL if it
                                                 does not, or there is one */
    void (*on_challenge_failed)(void *state); /* see server/datagram/datagram_io; called in the
                                            worker's thread */
    void *on_link_state;
    size_t
        reply_queue_bytes; /* for waiting replies, of each listener that has sockets by interface */
    struct hello_names names;
    struct event_queue *events;     /* from this worker to the main thread */
    struct worker_offload_options { /* the part of the offload's tables that this worker uses */
        struct offload *program;    /* NULL: there is no offload */
        uint32_t first_record, record_count;
    } offload;
    enum config_relay relay;
    uint32_t relay_rate_pps; /* of one client */
    const struct first_worker_sockets
        *first_worker_sockets; /* NULL: this is not the first worker */
    size_t listener_count;     /* of all kinds */
    uint32_t stream_max, stream_files, stream_buffer_bytes, stream_idle_ms;
    enum config_framing stream_framing;
    /* Called in the thread of the mailbox when the worker's thread has ended without worker_finish:
     * its clients get no replies any more. */
    struct worker_failure {
        struct mailbox *mailbox;
        void (*on_failure)(void *state);
        void *state;
    } failure;
};

#endif
