#ifndef SERVER_NAMES_NAME_ORDERS_H
#define SERVER_NAMES_NAME_ORDERS_H

#include "address/device_name.h"
#include "registry/names/client_names.h"
#include "server/names/name_queue.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decides the claims of names, and writes the orders that follow from them for the workers: which
 * client is answered, and which one is removed. Pure logic; server/names/name_decisions posts the
 * orders, in the main thread.
 *
 * A name moves in two steps. First the client that had it is removed, by its own worker; when that
 * has been done, the new one is answered. So a client that got the answer that it has a name is the
 * only one, and the table refuses what the former client claims meanwhile (client_names_settle).
 *
 * The orders for a worker are in two batches: removals, each of which is followed by an answer of
 * another worker or the same one, and all others, which nothing follows. So a batch of removals
 * waits for room only in batches that always come back: there is no cycle. */

enum {
    NAME_ORDERS_MAX = 256, /* in a batch, so that it delays its worker only briefly: 256 datagrams
                              sent take about a millisecond */
    /* Of these, what checks may fill before all others, so that a flood of claims does not stop
     * them. */
    NAME_ORDERS_CHECKS = 64,
};

enum name_order_kind {
    NAME_ORDER_ANSWER, /* answer the client's hello by a named */
    NAME_ORDER_IGNORE, /* do not answer it: the client asks again */
    NAME_ORDER_REMOVE, /* remove the client, whose name moves to another one */
    NAME_ORDER_CHECK,  /* find out whether the client is still registered */
};

struct name_order {
    enum name_order_kind kind;
    enum frame_named_status status; /* of NAME_ORDER_ANSWER */
    uint32_t slot;                  /* of NAME_ORDER_ANSWER and _IGNORE: that of the claim */
    struct name_holder holder;      /* the client */
    struct device_name name;
    struct name_claim claim; /* of NAME_ORDER_REMOVE: of the client that the name moves to */
    /* The result of NAME_ORDER_REMOVE: a number of the sequence of claims, taken after it. */
    uint64_t number;
    /* The result of NAME_ORDER_CHECK: whether it is registered, and until when at least. */
    bool is_registered;
    uint64_t check_ms;
};

struct name_batch {
    /* Set when the batch is handed to its worker, and cleared when it has come back; the rest is
     * the worker's meanwhile. */
    bool is_posted;
    bool is_done;   /* it has come back, and is not empty: not all its orders are ended */
    uint32_t ended; /* the orders that are, from the first one on */
    uint32_t count;
    struct name_order orders[NAME_ORDERS_MAX];
};

/* The orders for one worker. Hand over the removals first. */
struct name_batches {
    struct name_batch removals, others;
};

struct name_orders {
    struct client_names *table;
    struct name_batches *workers;
    size_t worker_count;
    bool is_checking; /* a pass of the checks has begun and not ended */
    bool has_due;     /* due was taken from the table, and there was no room for its check */
    struct name_holder due;
};

/* Decides a claim. Returns false if there is no room for the order; nothing has changed then. */
bool name_orders_claim(struct name_orders *orders, const struct name_claim *claim);

/* Ends the orders of the batches that have come back, and continues the pass of the checks, as far
 * as there is room for what follows. Call it before claims are decided. */
void name_orders_continue(struct name_orders *orders, uint64_t now_ms);

/* A batch has come back from its worker. */
void name_orders_came_back(struct name_batch *batch);

/* Whether a batch is to be handed to its worker. */
bool name_orders_is_ready(const struct name_batch *batch);

#endif
