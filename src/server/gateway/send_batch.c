#include "server/gateway/send_batch.h"

#include "os/process/clock.h"

#include <errno.h>
#include <string.h>

const char *send_batch_reason(int error)
{
    switch (error) {
    case -EAGAIN:
        return "the send buffer is full";
    case -EPIPE:
        return "the client reads too slowly, or has disconnected";
    default:
        return strerror(-error);
    }
}

/* Posts the batch to the worker whose turn it is. */
static void post(struct send_batch *batch)
{
    worker_post(batch->context->workers[batch->worker], &batch->call,
                batch->context->reply_mailbox);
}

/* ---- sending ---- */

static bool is_for(const struct send_message *message, size_t worker)
{
    return message->client.exists && message->client.worker == worker;
}

static void run_send(struct worker_call *call)
{
    struct send_batch *batch = (struct send_batch *)call;
    for (size_t i = 0; i < batch->count; i++) {
        struct send_message *message = &batch->messages[i];
        if (is_for(message, batch->worker))
            message->error = worker_send(call->worker, message->client.listener, &message->name,
                                         &message->only, message->bytes, message->size);
    }
}

static bool has_messages_for(const struct send_batch *batch, size_t worker)
{
    for (size_t i = 0; i < batch->count; i++)
        if (is_for(&batch->messages[i], worker))
            return true;
    return false;
}

static void on_sent(struct worker_call *call);

/* Posts the batch to the next worker that has to send, from the given one on; without any the batch
 * is done. */
static void send_from(struct send_batch *batch, size_t worker)
{
    while (worker < batch->context->worker_count && !has_messages_for(batch, worker))
        worker++;
    if (worker == batch->context->worker_count) {
        batch->done(batch);
        return;
    }
    batch->worker = worker;
    batch->call.run = run_send;
    batch->call.done = on_sent;
    post(batch);
}

/* Ends the batch because the server is stopping: the messages for worker `from` and later ones are
 * not sent. */
static void give_up(struct send_batch *batch, size_t from)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct send_message *message = &batch->messages[i];
        if (from == 0 || (message->client.exists && message->client.worker >= from))
            message->error = -ESHUTDOWN;
    }
    batch->done(batch);
}

static void on_sent(struct worker_call *call)
{
    struct send_batch *batch = (struct send_batch *)call;
    if (batch->context->stopping)
        give_up(batch, batch->worker + 1);
    else
        send_from(batch, batch->worker + 1);
}

/* ---- finding the clients ---- */

/* Finds the listener of this worker that a client last sent to, and keeps it if no other worker
 * knows a later one. */
static void find(struct worker *worker, size_t number, struct send_message *message,
                 uint64_t now_ms)
{
    struct client client;
    for (uint8_t listener = 0; worker_find(worker, listener, &message->name, now_ms, &client);
         listener = (uint8_t)(client.listener + 1)) {
        uint64_t active_ms = now_ms - client.idle_ms;
        if (!client_filter_admits(&message->only, &client))
            continue;
        if (!message->client.exists || active_ms > message->client.active_ms)
            message->client = (struct send_registration){true, client.listener, number, active_ms};
    }
}

static void run_find(struct worker_call *call)
{
    struct send_batch *batch = (struct send_batch *)call;
    uint64_t now_ms = clock_now_ms();
    for (size_t i = 0; i < batch->count; i++)
        find(call->worker, batch->worker, &batch->messages[i], now_ms);
}

static void end_finding(struct send_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->messages[i].error = batch->messages[i].client.exists ? 0 : -ENOENT;
    batch->done(batch);
}

static void on_found(struct worker_call *call)
{
    struct send_batch *batch = (struct send_batch *)call;
    if (batch->context->stopping) {
        give_up(batch, 0);
        return;
    }
    if (++batch->worker < batch->context->worker_count)
        post(batch);
    else if (batch->finds_only)
        end_finding(batch);
    else
        send_from(batch, 0);
}

void send_batch_start(struct send_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        batch->messages[i].client = (struct send_registration){.exists = false};
        batch->messages[i].error = -ENOENT;
    }
    if (batch->context->stopping) {
        give_up(batch, 0);
        return;
    }
    batch->worker = 0;
    batch->call.run = run_find;
    batch->call.done = on_found;
    post(batch);
}
