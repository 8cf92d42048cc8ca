#include "server/workers/worker_messages.h"

#include "server/workers/worker_state.h"

static void complete_call(struct mailbox_message *message)
{
    struct worker_call *call = (struct worker_call *)message;
    call->done(call);
}

static void run_call(struct mailbox_message *message)
{
    struct worker_call *call = (struct worker_call *)message;
    /* A call that is not posted back may be freed once it has run. */
    struct mailbox *reply_mailbox = call->reply_mailbox;
    call->run(call);
    if (reply_mailbox == NULL)
        return;
    message->handle = complete_call;
    mailbox_post(reply_mailbox, message);
}

void worker_post(struct worker *worker, struct worker_call *call, struct mailbox *reply_mailbox)
{
    call->message.handle = run_call;
    call->worker = worker;
    call->reply_mailbox = reply_mailbox;
    mailbox_post(worker->mailbox, &call->message);
}
