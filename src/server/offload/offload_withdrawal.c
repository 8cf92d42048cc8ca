#include "server/offload/offload_withdrawal.h"

#include "server/workers/offload/worker_offload.h"

#include <errno.h>
#include <stdlib.h>

enum {
    /* Clients that a worker takes back in one call: about 0.2 us each, for memory. */
    SLICE_CLIENTS = 256,
};

struct withdrawal_call {
    struct worker_call call;
    struct offload_withdrawal *withdrawal;
    bool more;
};

int offload_withdrawal_open(struct offload_withdrawal *withdrawal, const struct workers *workers,
                            struct mailbox *mailbox, bool has_offload)
{
    *withdrawal = (struct offload_withdrawal){.workers = workers, .mailbox = mailbox};
    if (!has_offload)
        return 0;
    withdrawal->calls = calloc(workers->count, sizeof *withdrawal->calls);
    return withdrawal->calls != NULL ? 0 : -ENOMEM;
}

void offload_withdrawal_close(struct offload_withdrawal *withdrawal)
{
    free(withdrawal->calls);
    *withdrawal = (struct offload_withdrawal){.calls = NULL};
}

static void post_all(struct offload_withdrawal *withdrawal, void (*run)(struct worker_call *call),
                     void (*done)(struct worker_call *call))
{
    withdrawal->pending = withdrawal->workers->count;
    for (size_t i = 0; i < withdrawal->workers->count; i++) {
        struct withdrawal_call *call = &withdrawal->calls[i];
        call->withdrawal = withdrawal;
        call->call.run = run;
        call->call.done = done;
        worker_post(withdrawal->workers->list[i], &call->call, withdrawal->mailbox);
    }
}

static void run_return(struct worker_call *call)
{
    worker_offload_return(call->worker);
}

static void on_returned(struct worker_call *call)
{
    ((struct withdrawal_call *)call)->withdrawal->pending--;
}

static void run_slice(struct worker_call *call)
{
    ((struct withdrawal_call *)call)->more = worker_offload_withdraw(call->worker, SLICE_CLIENTS);
}

static void on_slice(struct worker_call *done)
{
    struct withdrawal_call *call = (struct withdrawal_call *)done;
    struct offload_withdrawal *withdrawal = call->withdrawal;
    if (call->more && withdrawal->is_wanted)
        worker_post(call->call.worker, &call->call, withdrawal->mailbox);
    else if (--withdrawal->pending > 0)
        return;
    else if (withdrawal->is_wanted)
        withdrawal->done(withdrawal->state);
    else if (!withdrawal->is_stopped)
        post_all(withdrawal, run_return, on_returned);
}

void offload_withdrawal_begin(struct offload_withdrawal *withdrawal, void (*done)(void *state),
                              void *state)
{
    if (withdrawal->calls == NULL) {
        done(state);
        return;
    }
    withdrawal->is_wanted = true;
    withdrawal->done = done;
    withdrawal->state = state;
    post_all(withdrawal, run_slice, on_slice);
}

void offload_withdrawal_end(struct offload_withdrawal *withdrawal)
{
    bool was_wanted = withdrawal->is_wanted;
    withdrawal->is_wanted = false;
    if (was_wanted && withdrawal->pending == 0)
        post_all(withdrawal, run_return, on_returned);
}

void offload_withdrawal_stop(struct offload_withdrawal *withdrawal)
{
    withdrawal->is_wanted = false;
    withdrawal->is_stopped = true;
}

bool offload_withdrawal_is_busy(const struct offload_withdrawal *withdrawal)
{
    return withdrawal->pending > 0;
}
