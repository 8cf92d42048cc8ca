#ifndef SERVER_WORKERS_WORKER_MESSAGES_H
#define SERVER_WORKERS_WORKER_MESSAGES_H

#include "os/loop/mailbox.h"
#include "server/listen/socket_renewal.h"
#include "server/workers/worker_options.h"

/* Calls: functions that other threads have run in a worker's thread, by its mailbox, and the
 * changes that they may make. */
struct worker;

/* A message that runs a function in the worker's thread, and is then posted back. The caller keeps
 * it until done is called. */
struct worker_call {
    struct mailbox_message message;
    struct worker *worker;
    struct mailbox *reply_mailbox;          /* NULL: it is not posted back */
    void (*run)(struct worker_call *call);  /* in the worker's thread */
    void (*done)(struct worker_call *call); /* in the thread of reply_mailbox */
};

/* Posts a call whose run and done are set. May be called from any thread. reply_mailbox may be
 * NULL. */
void worker_post(struct worker *worker, struct worker_call *call, struct mailbox *reply_mailbox);

/* All functions below are called in the worker's thread, from the run of a call. */

/* Replaces the cookie secrets, and the list of on-link addresses (admission_rules), which the
 * caller may free. */
void worker_set_secrets(struct worker *worker, const struct cookie_secrets *secrets,
                        struct access_list *on_link);

/* Takes the new sockets and broadcast addresses after a change of the host's interfaces, and closes
 * the sockets that it does not need. May also be called before the thread is started. */
void worker_renew(struct worker *worker, struct socket_renewal *renewal);

/* The settings that a reload may change. worker_apply copies them; afterwards the caller releases
 * the old reply and the lists of the old rules. */
struct worker_settings {
    struct reply *reply;
    struct admission_rules rules;
    uint32_t ttl_ms, sweep_ms, rate_pps;
    enum config_relay relay;
    uint32_t relay_rate_pps;
};
void worker_apply(struct worker *worker, const struct worker_settings *settings);

#endif
