#ifndef SERVER_WORKERS_WORKER_MESSAGES_H
#define SERVER_WORKERS_WORKER_MESSAGES_H

#include "os/loop/mailbox.h"

/* Messages to a worker: functions that other threads have run in the worker's thread, by its
 * mailbox. */
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

#endif
