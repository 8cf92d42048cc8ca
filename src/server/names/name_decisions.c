#include "server/names/name_decisions.h"

#include "admission/cookie.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/memory.h"
#include "os/process/random.h"
#include "registry/registry_memory.h"
#include "server/config/worker_capacity.h"
#include "server/names/name_orders.h"
#include "server/workers/worker_names.h"

#include <errno.h>
#include <stdlib.h>

enum {
    CHECK_PERIOD_MS = 1000, /* how often it looks for names that are to be checked */
};

/* A message to a worker that has a batch of orders run. */
struct order_call {
    struct worker_call call; /* first */
    struct name_decisions *decisions;
    struct name_batch *batch;
};

struct name_decisions {
    struct loop *loop;
    struct mailbox *mailbox;
    struct loop_task later;      /* looks again whether events have been shown */
    struct shared_memory memory; /* of the table */
    uint64_t layout;             /* of the memory */
    struct loop_timer timer;
    struct worker *const *workers; /* NULL: not started, or stopped */
    _Atomic uint64_t numbers;      /* the last number of a claim or removal */
    struct name_queue **queues;
    struct event_queue *const *events; /* by worker, as queues */
    struct order_calls {
        struct order_call removals, others;
    } * calls; /* by worker */
    struct name_orders orders;
};

/* ---- clients that are gone ---- */

/* Frees the name of a client that is gone. Returns false if it is to be shown with events before,
 * which are not delivered yet: then the queue is continued later. */
static bool forget(struct name_decisions *all, const struct name_claim *gone)
{
    const struct name_holder *holder = &gone->holder;
    if (!event_queue_has_passed(all->events[holder->worker], gone->events_mark)) {
        loop_defer(all->loop, &all->later);
        return false;
    }
    client_names_remove(all->orders.table, &holder->key, holder->worker, holder->join_number);
    return true;
}

/* Returns false if the claim has to wait. */
static bool handle(struct name_decisions *all, const struct name_claim *claim)
{
    return claim->is_gone ? forget(all, claim) : name_orders_claim(&all->orders, claim);
}

/* ---- between the threads ---- */

static void run_orders(struct worker_call *call)
{
    struct name_batch *batch = ((struct order_call *)call)->batch;
    worker_names_run(call->worker, batch->orders, batch->count);
}

static void work(struct name_decisions *all);

static void on_orders_done(struct worker_call *call)
{
    struct order_call *orders = (struct order_call *)call;
    name_orders_came_back(orders->batch);
    work(orders->decisions);
}

static void post(struct name_decisions *all, size_t worker, struct order_call *orders)
{
    if (!name_orders_is_ready(orders->batch))
        return;
    orders->batch->is_posted = true;
    worker_post(all->workers[worker], &orders->call, all->mailbox);
}

/* Decides what it can, and posts the orders. */
static void work(struct name_decisions *all)
{
    const struct name_claim *claim;
    if (all->workers == NULL)
        return;
    name_orders_continue(&all->orders, clock_now_ms());
    for (size_t i = 0; i < all->orders.worker_count; i++)
        while ((claim = name_queue_front(all->queues[i])) != NULL && handle(all, claim))
            name_queue_release(all->queues[i]);
    for (size_t i = 0; i < all->orders.worker_count; i++) {
        post(all, i, &all->calls[i].removals);
        post(all, i, &all->calls[i].others);
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
    name_queue_acknowledge(queue);
    work(queue->owner);
}

static void on_timer(void *state)
{
    struct name_decisions *all = state;
    all->orders.is_checking = true;
    work(all);
}

/* ---- start and stop ---- */

/* Maps the memory of the former process, or reserves new one. */
static int open_memory(struct name_decisions *all, size_t bytes, struct handed_clients *handed)
{
    return handed != NULL && handed->keeps_memory
               ? handed_memory_map(&handed->names, all->layout, bytes, 0, &all->memory)
               : memory_reserve_shared(&all->memory, bytes, 0);
}

static int open_table(struct name_decisions *all, const struct config *config,
                      struct handed_clients *handed)
{
    /* How long a cookie may be valid; names that are not keyed need none. */
    uint64_t former_ms = config->clients.names == NAMES_KEYED ? 2 * COOKIE_ROTATION_MS : 0;
    uint32_t max = config->clients.names_max;
    struct siphash_key key;
    int error = random_fill(&key, sizeof key);
    if (error != 0)
        return error;
    all->layout = client_names_layout(max, former_ms > 0);
    error = open_memory(all, client_names_bytes(max, former_ms > 0), handed);
    if (error != 0)
        return error;
    all->orders.table = client_names_new(all->memory.memory, max, &key, former_ms, clock_now_ms());
    return all->orders.table != NULL ? 0 : -ENOMEM;
}

static struct order_call call_for(struct name_decisions *all, struct name_batch *batch)
{
    return (struct order_call){
        .call = {.run = run_orders, .done = on_orders_done}, .decisions = all, .batch = batch};
}

static int open_queues(struct name_decisions *all, const struct config *config, size_t worker_count)
{
    struct name_orders *orders = &all->orders;
    all->queues = calloc(worker_count, sizeof all->queues[0]);
    all->calls = calloc(worker_count, sizeof all->calls[0]);
    orders->workers = calloc(worker_count, sizeof orders->workers[0]);
    if (all->queues == NULL || all->calls == NULL || orders->workers == NULL)
        return -ENOMEM;
    for (; orders->worker_count < worker_count; orders->worker_count++) {
        size_t i = orders->worker_count;
        uint32_t slots = registry_slots(worker_capacity(config, worker_count, i));
        int error =
            name_queue_open(&all->queues[i], all->mailbox, &all->numbers, slots, on_claims, all);
        if (error != 0)
            return error;
        all->calls[i].removals = call_for(all, &orders->workers[i].removals);
        all->calls[i].others = call_for(all, &orders->workers[i].others);
    }
    return 0;
}

int name_decisions_open(struct name_decisions **decisions, const struct config *config,
                        struct loop *loop, struct mailbox *mailbox,
                        struct event_queue *const *events, size_t worker_count,
                        struct handed_clients *handed)
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
    int error = open_table(made, config, handed);
    if (error == 0)
        error = open_queues(made, config, worker_count);
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
    for (size_t i = 0; i < decisions->orders.worker_count; i++)
        name_queue_free(decisions->queues[i]);
    free(decisions->queues);
    free(decisions->calls);
    free(decisions->orders.workers);
    client_names_free(decisions->orders.table);
    memory_release_shared(&decisions->memory);
    free(decisions);
}

bool name_decisions_restore(struct name_decisions *decisions, const struct device_name *name,
                            const struct name_holder *holder, uint64_t check_ms,
                            struct name_holder *before)
{
    struct client_names *table = decisions->orders.table;
    struct name_holder restored = *holder, moved;
    bool has_moved = client_names_find(table, name, before);
    if (has_moved)
        name_decisions_forget(decisions, &before->key, before->worker);
    restored.number = ++decisions->numbers;
    client_names_claim(table, name, &restored, clock_now_ms(), check_ms, &moved);
    return has_moved;
}

void name_decisions_forget(struct name_decisions *decisions, const struct client_key *key,
                           uint32_t worker)
{
    client_names_remove(decisions->orders.table, key, worker, UINT64_MAX);
}

const struct client_names *name_decisions_table(const struct name_decisions *decisions)
{
    return decisions != NULL ? decisions->orders.table : NULL;
}

/* ---- an upgrade ---- */

void name_decisions_settle(struct name_decisions *decisions)
{
    if (decisions != NULL)
        work(decisions);
}

static bool is_empty(const struct name_batch *batch)
{
    return !batch->is_posted && !batch->is_done && batch->count == 0;
}

bool name_decisions_is_settled(const struct name_decisions *decisions)
{
    if (decisions == NULL || decisions->workers == NULL)
        return true;
    const struct name_orders *orders = &decisions->orders;
    for (size_t i = 0; i < orders->worker_count; i++)
        if (name_queue_front(decisions->queues[i]) != NULL ||
            !is_empty(&orders->workers[i].removals) || !is_empty(&orders->workers[i].others))
            return false;
    return !orders->is_checking;
}

void name_decisions_put_memory(const struct name_decisions *decisions,
                               struct handover_writer *writer)
{
    const struct shared_memory none = {.memory = NULL};
    if (decisions != NULL)
        handed_memory_put(&decisions->memory, decisions->layout, writer);
    else
        handed_memory_put(&none, 0, writer);
}

void name_decisions_hand_over(const struct name_decisions *decisions,
                              struct handover_writer *writer)
{
    if (decisions == NULL)
        return;
    handover_put64(writer, decisions->numbers);
    client_names_hand_over(decisions->orders.table, writer);
}

int name_decisions_take_over(struct name_decisions *decisions, struct handover_reader *reader)
{
    if (decisions == NULL)
        return 0;
    uint64_t numbers = handover_get64(reader);
    int error = client_names_take_over(decisions->orders.table, reader);
    if (error == 0)
        decisions->numbers = numbers;
    return error;
}

void name_decisions_hand_over_key(const struct name_decisions *decisions,
                                  struct handover_writer *writer)
{
    handover_put8(writer, decisions != NULL);
    if (decisions != NULL)
        client_names_hand_over_key(decisions->orders.table, writer);
}

int name_decisions_take_over_key(struct name_decisions *decisions, struct handover_reader *reader)
{
    if (handover_get8(reader) == 0)
        return reader->failed ? -EPROTO : 0;
    if (decisions != NULL)
        return client_names_take_over_key(decisions->orders.table, reader);
    handover_get64(reader);
    handover_get64(reader);
    return reader->failed ? -EPROTO : 0;
}

void name_decisions_hand_over_formers(const struct name_decisions *decisions,
                                      struct handover_writer *writer)
{
    if (decisions != NULL)
        client_names_hand_over_formers(decisions->orders.table, writer);
    else
        handover_put8(writer, 0);
}

int name_decisions_take_over_formers(struct name_decisions *decisions,
                                     struct handover_reader *reader)
{
    return client_names_take_over_formers(decisions != NULL ? decisions->orders.table : NULL,
                                          reader);
}
