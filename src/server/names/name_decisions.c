#include "server/names/name_decisions.h"

#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/memory.h"
#include "os/process/random.h"
#include "server/workers/worker_names.h"

#include <errno.h>
#include <stdlib.h>

enum {
    ORDERS_MAX = 256, /* in a message, so that it delays the worker only briefly: 256 datagrams sent
                         take about a millisecond */
    /* How often it looks for names that are to be checked. */
    CHECK_PERIOD_MS = 1000,
};

/* The orders for one worker. */
struct order_batch {
    struct worker_call call; /* first */
    struct name_decisions *decisions;
    bool is_posted; /* it is the worker's */
    bool is_marked; /* a client of the worker is gone, and its name waits for the events before mark
                     */
    uint64_t mark;
    size_t count;
    struct name_order orders[ORDERS_MAX];
};

struct name_decisions {
    struct loop *loop;
    struct mailbox *mailbox;
    struct loop_task later; /* looks again whether events have been shown */
    struct client_names *table;
    void *memory;
    size_t memory_bytes;
    struct loop_timer timer;
    struct worker *const *workers; /* NULL: not started, or stopped */
    size_t worker_count;
    bool is_checking; /* a pass of the checks has begun and not ended */
    struct name_queue **queues;
    struct event_queue *const *events;
    struct order_batch *batches; /* by worker */
};

/* ---- orders ---- */

static bool has_room(const struct order_batch *batch)
{
    return !batch->is_posted && batch->count < ORDERS_MAX;
}

static void add_order(struct name_decisions *all, const struct name_order *order)
{
    struct order_batch *batch = &all->batches[order->holder.worker];
    batch->orders[batch->count++] = *order;
}

/* ---- claims ---- */

/* The client that has the name, or that of the claim if none has it. */
static struct name_holder current_holder(const struct name_decisions *all,
                                         const struct name_claim *claim)
{
    struct name_holder holder;
    return client_names_find(all->table, &claim->name, &holder) ? holder : claim->holder;
}

static void decide(struct name_decisions *all, const struct name_claim *claim)
{
    struct name_holder before;
    enum client_names_outcome outcome =
        client_names_claim(all->table, &claim->name, &claim->holder, claim->check_ms, &before);
    if (outcome == CLIENT_NAMES_LATE) /* the client has another address by now */
        return;
    if (outcome == CLIENT_NAMES_MOVED)
        add_order(all, &(struct name_order){.kind = NAME_ORDER_REMOVE,
                                            .holder = before,
                                            .moved_to = claim->holder.key,
                                            .name = claim->name});
    add_order(all, &(struct name_order){.kind = NAME_ORDER_ANSWER,
                                        .status = outcome == CLIENT_NAMES_FULL ? FRAME_NAMED_FULL
                                                                               : FRAME_NAMED_GIVEN,
                                        .holder = claim->holder,
                                        .name = claim->name});
}

/* Whether both orders of a claim have room: one batch may get both. */
static bool has_room_for(const struct name_decisions *all, const struct name_claim *claim)
{
    const struct order_batch *own = &all->batches[claim->holder.worker];
    const struct order_batch *other = &all->batches[current_holder(all, claim).worker];
    return has_room(own) && has_room(other) && own->count + 2 <= ORDERS_MAX;
}

/* Frees the name of a client that is gone, once what its worker published before is shown. Returns
 * false if that is not so yet. */
static bool forget(struct name_decisions *all, const struct name_claim *gone)
{
    struct order_batch *batch = &all->batches[gone->holder.worker];
    const struct event_queue *events = all->events[gone->holder.worker];
    if (!batch->is_marked)
        batch->mark = event_queue_mark(events);
    batch->is_marked = !event_queue_has_passed(events, batch->mark);
    if (batch->is_marked) {
        loop_defer(all->loop, &all->later);
        return false;
    }
    client_names_remove(all->table, &gone->holder.key, gone->holder.worker,
                        gone->holder.join_number);
    return true;
}

/* Returns false if the claim has to wait. */
static bool handle(struct name_decisions *all, const struct name_claim *claim)
{
    if (claim->is_gone)
        return forget(all, claim);
    if (!has_room_for(all, claim))
        return false;
    decide(all, claim);
    return true;
}

static void decide_queue(struct name_decisions *all, struct name_queue *queue)
{
    const struct name_claim *claim;
    while ((claim = name_queue_front(queue)) != NULL && handle(all, claim))
        name_queue_release(queue);
}

/* ---- checks ---- */

static bool all_have_room(const struct name_decisions *all)
{
    for (size_t i = 0; i < all->worker_count; i++)
        if (!has_room(&all->batches[i]))
            return false;
    return true;
}

static void check_due(struct name_decisions *all)
{
    uint64_t now_ms = clock_now_ms();
    struct name_order order = {.kind = NAME_ORDER_CHECK};
    while (all->is_checking && all_have_room(all)) {
        all->is_checking = client_names_take_due(all->table, now_ms, &order.holder);
        if (all->is_checking)
            add_order(all, &order);
    }
}

static void end_checks(struct name_decisions *all, const struct order_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct name_order *order = &batch->orders[i];
        if (order->kind == NAME_ORDER_CHECK)
            client_names_checked(all->table, &order->holder, order->is_registered, order->check_ms);
    }
}

/* ---- between the threads ---- */

static void run_orders(struct worker_call *call)
{
    struct order_batch *batch = (struct order_batch *)call;
    worker_names_run(call->worker, batch->orders, batch->count);
}

static void work(struct name_decisions *all);

static void on_orders_done(struct worker_call *call)
{
    struct order_batch *batch = (struct order_batch *)call;
    end_checks(batch->decisions, batch);
    batch->is_posted = false;
    batch->count = 0;
    work(batch->decisions);
}

/* Decides what it can, and posts the orders. */
static void work(struct name_decisions *all)
{
    if (all->workers == NULL)
        return;
    for (size_t i = 0; i < all->worker_count; i++)
        decide_queue(all, all->queues[i]);
    check_due(all);
    for (size_t i = 0; i < all->worker_count; i++) {
        struct order_batch *batch = &all->batches[i];
        if (batch->is_posted || batch->count == 0)
            continue;
        batch->is_posted = true;
        worker_post(all->workers[i], &batch->call, all->mailbox);
    }
}

static void run_later(void *state)
{
    work(state);
}

/* A queue's wake-up. */
static void on_claims(struct mailbox_message *wake)
{
    struct name_queue *queue = (struct name_queue *)wake;
    name_queue_look(queue);
    work(queue->owner);
}

static void on_timer(void *state)
{
    struct name_decisions *all = state;
    all->is_checking = true;
    work(all);
}

/* ---- start and stop ---- */

static int open_table(struct name_decisions *all, uint32_t max)
{
    struct siphash_key key;
    int error = random_fill(&key, sizeof key);
    if (error != 0)
        return error;
    all->memory_bytes = client_names_bytes(max);
    all->memory = memory_reserve(all->memory_bytes, 0);
    if (all->memory == NULL)
        return -errno;
    all->table = client_names_init(all->memory, max, &key, clock_now_ms());
    return 0;
}

static int open_queues(struct name_decisions *all, size_t worker_count)
{
    all->queues = calloc(worker_count, sizeof all->queues[0]);
    all->batches = calloc(worker_count, sizeof all->batches[0]);
    if (all->queues == NULL || all->batches == NULL)
        return -ENOMEM;
    for (; all->worker_count < worker_count; all->worker_count++) {
        size_t i = all->worker_count;
        int error = name_queue_open(&all->queues[i], all->mailbox, on_claims, all);
        if (error != 0)
            return error;
        all->batches[i].decisions = all;
        all->batches[i].call.run = run_orders;
        all->batches[i].call.done = on_orders_done;
    }
    return 0;
}

int name_decisions_open(struct name_decisions **decisions, const struct config *config,
                        struct loop *loop, struct mailbox *mailbox,
                        struct event_queue *const *events, size_t worker_count)
{
    *decisions = NULL;
    if (config->clients.names == NAMES_OFF)
        return 0;
    struct name_decisions *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->loop = loop;
    made->mailbox = mailbox;
    made->events = events;
    made->later = (struct loop_task){.run = run_later, .state = made};
    int error = open_table(made, config->clients.names_max);
    if (error == 0)
        error = open_queues(made, worker_count);
    if (error == 0)
        error = loop_timer_open(loop, &made->timer, on_timer, made);
    if (error != 0)
        name_decisions_free(made);
    else
        *decisions = made;
    return error;
}

struct name_queue *const *name_decisions_queues(const struct name_decisions *decisions)
{
    return decisions != NULL ? decisions->queues : NULL;
}

void name_decisions_start(struct name_decisions *decisions, struct worker *const *workers)
{
    if (decisions == NULL)
        return;
    decisions->workers = workers;
    loop_timer_every(&decisions->timer, CHECK_PERIOD_MS);
}

void name_decisions_stop(struct name_decisions *decisions)
{
    if (decisions == NULL)
        return;
    decisions->workers = NULL;
    loop_cancel(decisions->loop, &decisions->later);
    loop_timer_close(&decisions->timer);
}

void name_decisions_free(struct name_decisions *decisions)
{
    if (decisions == NULL)
        return;
    loop_cancel(decisions->loop, &decisions->later);
    loop_timer_close(&decisions->timer);
    for (size_t i = 0; i < decisions->worker_count; i++)
        name_queue_free(decisions->queues[i]);
    free(decisions->queues);
    free(decisions->batches);
    if (decisions->memory != NULL)
        memory_release(decisions->memory, decisions->memory_bytes);
    free(decisions);
}

const struct client_names *name_decisions_table(const struct name_decisions *decisions)
{
    return decisions != NULL ? decisions->table : NULL;
}
