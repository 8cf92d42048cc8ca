#ifndef SERVER_WORKERS_WORKER_H
#define SERVER_WORKERS_WORKER_H

#include "base/stats.h"
#include "os/loop/thread.h"
#include "registry/registry.h"
#include "registry/shared_capacity.h"
#include "server/broadcast/relay.h"
#include "server/broadcast/shard_broadcast.h"
#include "server/datagram/datagram_decision.h"
#include "server/workers/first_worker.h"
#include "wire/reply_rotation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One thread of the service, with sockets, clients, counters and a loop of its own. Others talk to
 * it by letters. */
struct worker;

struct worker_options {
    uint32_t number;   /* of this one, from 0 */
    uint32_t count;    /* of all of them */
    uint32_t capacity; /* clients */
    uint32_t ttl_ms;
    uint32_t sweep_ms;
    uint32_t rate_pps; /* of broadcasts, of all workers together */
    uint32_t max_datagram_bytes;
    struct reply *reply;               /* shared */
    const struct own_ports *own_ports; /* shared */
    struct capacity_share *allowance;  /* of clients; NULL: the capacity alone counts */
    struct admission_rules rules;      /* their tables are shared */
    struct cookie_secrets secrets;
    const int *sockets; /* by listener; the caller's to close behind worker_free */
    const struct send_socket_set *senders; /* by listener, likewise */
    size_t socket_count;
    void (*on_link_failed)(
        void *state); /* see server/datagram/datagram_io; from the worker's thread */
    void *on_link_state;
    size_t held_bytes; /* of replies that wait, for each wildcard listener */
    enum config_relay relay;
    uint32_t relay_rate_pps; /* of one client */
    const struct first_worker_sockets
        *first_worker;     /* what it has beside its sockets, NULL: nothing */
    size_t listener_count; /* of all kinds */
    uint32_t stream_max, stream_files, stream_buffer_bytes, stream_idle_ms;
    struct worker_break {
        struct mailbox *reply_mailbox; /* in whose thread it is called */
        void (*broke)(void *state);
        void *state;
    } on_break; /* its thread has ended without worker_finish: its clients get no answer any more */
};

/* Reserves all memory that it will need, and commits what is touched from the start. 0 or -errno;
 * then *failed is what could not be made, a static text. */
int worker_new(struct worker **worker, const struct worker_options *options, const char **failed);

/* Tells it whom it relays to: the relays of all workers, in their order; the list is the caller's.
 * Before any thread starts. */
struct relay *worker_relay(struct worker *worker);
void worker_set_relays(struct worker *worker, struct relay *const *relays);

/* Starts its thread, "worker-NUMBER". Where there are several, it is pinned to the processor of its
 * number among those that the caller may use, round and round; and what its sockets have dropped so
 * far, while their groups were not complete, isn't counted. One alone goes where the kernel finds
 * it best. 0 or -errno. */
int worker_start(struct worker *worker);

/* Waits for the end of its thread, if it was started (worker_finish), and ends its mailbox. Letters
 * that lie in its memory may still be in the mailboxes of others; once those have come to the same
 * end, it may be freed. */
void worker_join(struct worker *worker);
void worker_free(struct worker *worker);

/* A letter that has something done in the worker's thread and then comes home. The caller keeps it
 * until done. */
struct worker_call {
    struct mailbox_message mailbox_message;
    struct worker *worker;
    struct mailbox *reply_mailbox;
    void (*run)(struct worker_call *call);  /* in the worker's thread */
    void (*done)(struct worker_call *call); /* at home */
};

/* Posts a call whose run and done are filled in. */
void worker_post(struct worker *worker, struct worker_call *call, struct mailbox *reply_mailbox);

/* What a call's run may do, in the worker's thread. */

/* The counters and the number of clients as they are now; kernel drops are read afresh. */
void worker_stats(struct worker *worker, struct stats *stats, uint32_t *clients);

/* A walk over all clients, those of the registry first and then the streams. */
struct worker_walk {
    struct registry_walk registry;
    uint32_t stream; /* the place to look at next */
    bool ended;
};
struct worker_walk worker_walk_all(void);

/* The next clients of a walk: fewer than room, even none, doesn't mean that it has ended. See
 * registry_walk and streams_list for what is in them. */
size_t worker_list(struct worker *worker, struct worker_walk *walk, struct client *clients,
                   size_t room);

/* The client of that name. A source of datagrams may be known on several listeners: from the given
 * listener on, false if on none. The listener that knows it is in client. */
bool worker_find(struct worker *worker, uint8_t listener, const struct client_name *name,
                 struct client *client);

/* Removes a client, a source of datagrams from all listeners; returns from how many. */
uint32_t worker_kick(struct worker *worker, const struct client_name *name);

/* The secrets of another minute, and the addresses of our links as they are now (admission_rules);
 * the list that it had is the caller's again. */
void worker_set_secrets(struct worker *worker, const struct cookie_secrets *secrets,
                        struct access_list *on_link);

/* Takes what a change of the host's interfaces brings; what is left of it is closed. Also before
 * the start. */
void worker_renew(struct worker *worker, struct socket_renewal *renewal);

/* What a reload may change. The reply and the rules' tables that it had are the caller's again. */
struct worker_settings {
    struct reply *reply;
    struct admission_rules rules;
    uint32_t ttl_ms, sweep_ms, rate_pps;
    enum config_relay relay;
    uint32_t relay_rate_pps;
};
void worker_apply(struct worker *worker, const struct worker_settings *settings);

struct broadcast *worker_broadcast(struct worker *worker);

/* The last one: it sends what waits if it can, ends its broadcast and stops. Its counters may be
 * asked for once more within the same letter; no other one may come behind it. */
void worker_finish(struct worker *worker);

#endif
