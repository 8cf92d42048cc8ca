#ifndef SERVER_BROADCAST_SHARD_JOB_H
#define SERVER_BROADCAST_SHARD_JOB_H

#include "os/loop/mailbox.h"
#include "registry/client_selector.h"
#include "registry/registry.h"
#include "server/broadcast/confirmations.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A shard job: the share of one worker in one broadcast or relayed message.
 *
 * The sender embeds a shard job for each worker in memory that it owns, together with the message
 * that brings it to the worker. The worker links the job into a queue, sends the copies, and posts
 * the job's completion to the sender's reply mailbox; then the sender releases the memory. So
 * neither step allocates or can fail, and all workers read the same payload. One queue shared by
 * the workers would need a lock and gain nothing, since each worker can only walk its own shard of
 * the registry.
 *
 * There are two queues: one for the operator's broadcasts, one for relayed messages of clients.
 * Their slices alternate, because a broadcast to many clients lasts for minutes at a low
 * broadcast.rate, and a busy chat never pauses: in a single queue each would delay the other
 * without a limit. Shard jobs of one queue run one after the other, which keeps their order. */

enum broadcast_queue { BROADCAST_OPERATOR, BROADCAST_RELAY, BROADCAST_QUEUES };

/* The client that gets no copy. All zero: every client gets one. */
struct broadcast_except {
    struct addr source; /* of a client that sends datagrams, with its listener */
    uint64_t stream;    /* the serial number of a stream client, 0: none */
    uint8_t listener;
};

/* The only client that gets a confirmed message. Of family ADDR_NONE: there is none, all clients
 * get it. */
struct only_client {
    struct addr source;
    uint8_t listener;
    struct client_filter which; /* of the clients with that source: any, or one with a name */
};

static inline enum confirmed_kind only_client_kind(const struct only_client *only)
{
    return only->source.family == ADDR_NONE ? CONFIRMED_BROADCAST : CONFIRMED_MESSAGE;
}

/* What is sent in all rounds of a confirmed broadcast. */
struct confirmed_payload {
    uint64_t job;         /* its number in frames, by which its confirmations are remembered */
    const uint8_t *frame; /* the message frame with the payload, for clients that want frames */
    size_t frame_bytes;
    struct only_client only;
};

/* What a shard job of a confirmed broadcast has beside the others. The sender reuses the shard job
 * for each round, and keeps this until the broadcast has ended. */
struct shard_confirmation {
    /* Owned by the sender and unchanged while the shard job runs. */
    const struct confirmed_payload *payload; /* the same for all workers */
    uint64_t forgotten; /* the number of the broadcast to forget for this one; 0: none */
    bool is_repeat;     /* not the first round: only for clients that have not confirmed yet. It
                           changes none of the counters of a shard job but `datagrams`. */

    uint64_t joined_before; /* the worker's: the clients of the first round joined before it */

    /* Written only by the worker; any thread may read them. */
    _Atomic(const struct confirmation_counts *) counts; /* NULL until the first round begins; the
                                                           worker's memory, valid while it remembers
                                                           the broadcast: so all jobs end before the
                                                           workers (jobs_stop) */
    _Atomic uint64_t datagrams;                         /* copies sent in all rounds */
};

/* By what a shard job is known in a handover to the next process: among those of its queue in one
 * worker no other one has the same name. */
struct shard_job_name {
    uint64_t number; /* the id of the operator's broadcast, or the number of the relayed message */
    uint32_t relay;  /* the number of the worker whose relay sends the message, otherwise 0 */
};

struct shard_job {
    /* Posted to the reply mailbox when the job has ended. The sender sets its `handle`, which is
     * called there. */
    struct mailbox_message completion;
    struct shard_job *next; /* in its queue */

    /* Owned by the sender and unchanged until the job has ended. */
    struct mailbox
        *reply_mailbox; /* NULL: the worker calls completion.handle itself when the job ends */
    const uint8_t *bytes;
    size_t size;
    enum broadcast_queue queue;
    struct shard_job_name name;
    struct broadcast_except except;
    /* Which clients get a copy; NULL: all. Each client is compared when its copy could be sent, and
     * is a target if it matches then. The multicast group is not a client, and never a target of a
     * selector (server/broadcast/multicast_recipient). */
    const struct client_selector *selector;
    struct shard_confirmation *confirmation; /* NULL: the broadcast is not confirmed */

    /* Written only by the worker; any thread may read them. Without a selector the targets are
     * known when the job starts; with one, or for only one client, their number grows. After the
     * end of the job, targets = sent + failed + skipped. */
    _Atomic uint64_t targets, sent, failed, skipped;
};

#endif
