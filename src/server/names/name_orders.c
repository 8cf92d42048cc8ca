#include "server/names/name_orders.h"

static bool has_room(const struct name_batch *batch, uint32_t max)
{
    return !batch->is_posted && !batch->is_done && batch->count < max;
}

static struct name_order *add(struct name_batch *batch)
{
    return &batch->orders[batch->count++];
}

bool name_orders_is_ready(const struct name_batch *batch)
{
    return !batch->is_posted && !batch->is_done && batch->count > 0;
}

/* ---- claims ---- */

static void answer(struct name_orders *orders, const struct name_claim *claim,
                   enum name_order_kind kind, enum frame_named_status status)
{
    *add(&orders->workers[claim->holder.worker].others) = (struct name_order){
        .kind = kind,
        .status = status,
        .slot = claim->slot,
        .holder = claim->holder,
        .name = claim->name,
    };
}

/* The batch of the removal, if another client has the name; otherwise NULL. */
static struct name_batch *removals_for(const struct name_orders *orders,
                                       const struct name_claim *claim)
{
    struct name_holder before;
    return client_names_find(orders->table, &claim->name, &before)
               ? &orders->workers[before.worker].removals
               : NULL;
}

bool name_orders_claim(struct name_orders *orders, const struct name_claim *claim)
{
    struct name_batch *removals = removals_for(orders, claim);
    struct name_holder before;
    if (!has_room(&orders->workers[claim->holder.worker].others, NAME_ORDERS_MAX) ||
        (removals != NULL && !has_room(removals, NAME_ORDERS_MAX)))
        return false;
    switch (client_names_claim(orders->table, &claim->name, &claim->holder, claim->claimed_ms,
                               claim->check_ms, &before)) {
    case CLIENT_NAMES_KEPT:
    case CLIENT_NAMES_ADDED:
        answer(orders, claim, NAME_ORDER_ANSWER, FRAME_NAMED_GIVEN);
        break;
    case CLIENT_NAMES_MOVED:
        *add(removals) = (struct name_order){
            .kind = NAME_ORDER_REMOVE, .holder = before, .name = claim->name, .claim = *claim};
        break;
    case CLIENT_NAMES_FULL:
        answer(orders, claim, NAME_ORDER_ANSWER, FRAME_NAMED_FULL);
        break;
    case CLIENT_NAMES_LATE:
        answer(orders, claim, NAME_ORDER_IGNORE, FRAME_NAMED_UNUSED);
        break;
    case CLIENT_NAMES_FORMER:
        answer(orders, claim, NAME_ORDER_ANSWER, FRAME_NAMED_BAD_MAC);
        break;
    }
    return true;
}

/* ---- checks ---- */

static void check_due(struct name_orders *orders, uint64_t now_ms)
{
    while (orders->is_checking) {
        if (!orders->has_due)
            orders->has_due = client_names_take_due(orders->table, now_ms, &orders->due);
        if (!orders->has_due) {
            orders->is_checking = false;
            return;
        }
        struct name_batch *batch = &orders->workers[orders->due.worker].others;
        if (!has_room(batch, NAME_ORDERS_CHECKS))
            return;
        *add(batch) = (struct name_order){.kind = NAME_ORDER_CHECK, .holder = orders->due};
        orders->has_due = false;
    }
}

/* ---- the end of orders ---- */

void name_orders_came_back(struct name_batch *batch)
{
    batch->is_posted = false;
    batch->is_done = batch->count > 0;
    batch->ended = 0;
}

/* Ends an order. Returns false if there is no room for the one that follows. */
static bool end(struct name_orders *orders, const struct name_order *order)
{
    if (order->kind == NAME_ORDER_CHECK)
        client_names_checked(orders->table, &order->holder, order->is_registered, order->check_ms);
    if (order->kind != NAME_ORDER_REMOVE)
        return true;
    if (!has_room(&orders->workers[order->claim.holder.worker].others, NAME_ORDERS_MAX))
        return false;
    client_names_settle(orders->table, &order->name, &order->claim.holder, order->number);
    answer(orders, &order->claim, NAME_ORDER_ANSWER, FRAME_NAMED_GIVEN);
    return true;
}

static void end_batch(struct name_orders *orders, struct name_batch *batch)
{
    while (batch->is_done && end(orders, &batch->orders[batch->ended]))
        if (++batch->ended == batch->count) {
            batch->is_done = false;
            batch->count = 0;
        }
}

void name_orders_continue(struct name_orders *orders, uint64_t now_ms)
{
    for (size_t i = 0; i < orders->worker_count; i++)
        end_batch(orders, &orders->workers[i].others);
    check_due(orders, now_ms);
    for (size_t i = 0; i < orders->worker_count; i++)
        end_batch(orders, &orders->workers[i].removals);
}
