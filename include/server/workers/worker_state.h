#ifndef SERVER_WORKERS_WORKER_STATE_H
#define SERVER_WORKERS_WORKER_STATE_H

#include "base/duration_histogram.h"
#include "os/loop/mailbox.h"
#include "os/loop/timer.h"
#include "os/process/memory.h"
#include "server/broadcast/relay.h"
#include "server/broadcast/shard_broadcast.h"
#include "server/events/event_publisher.h"
#include "server/workers/first_worker.h"
#include "server/workers/traffic_warnings.h"
#include "server/workers/worker_options.h"

/* The state of one worker, for the modules of server/workers only. Once its thread runs, only that
 * thread uses it, except the mailbox. */
struct worker {
    struct worker_options options;
    struct loop *loop;
    struct mailbox *mailbox;
    struct thread *thread;
    struct mailbox_message hold;   /* ends the thread */
    struct mailbox_message failed; /* posted to options.failure.mailbox when the loop has failed */

    struct siphash_key key;
    struct shared_memory registry_memory;
    bool must_prove; /* they have not proven their addresses, which is demanded now */
    struct datagram_decider decider;
    struct datagram_io **io_by_listener; /* CONFIG_LISTEN_MAX of them; NULL: not of this worker */
    struct broadcast *broadcast;
    struct batch *direct; /* for one message to one client; empty between calls */
    struct relay *relay;
    struct event_publisher events;
    struct first_worker *first_worker; /* NULL: this is not the first worker */
    struct worker_offload *offload;    /* NULL: there is none */
    struct stats stats;
    struct traffic_warnings warnings;

    struct send_monitor send_monitor;
    struct loop_timer sweep;
    struct loop_task sweep_slice;
    uint64_t sweep_ns; /* that the slices of the present sweep took until now */
    struct duration_histogram sweeps;
};

/* Returns the ttl for the registry: one millisecond more than configured. The registry's clock
 * counts whole milliseconds, and no client must expire a fraction of one early. */
static inline uint32_t worker_registry_ttl(uint32_t ttl_ms)
{
    return ttl_ms < REGISTRY_TTL_MAX_MS ? ttl_ms + 1 : ttl_ms;
}

/* Adds what only the kernel has counted since the last call to the counters: the datagrams that it
 * dropped, and those of the offload. */
void worker_count_kernel(struct worker *worker);

/* Sets the mode and the rate of the relay. */
void worker_set_relay(struct worker *worker, enum config_relay mode, uint32_t rate_pps);

#endif
