#ifndef SERVER_WORKERS_WORKER_NAMES_H
#define SERVER_WORKERS_WORKER_NAMES_H

#include "address/device_name.h"
#include "registry/names/client_names.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the main thread has a worker do about the names of its clients. Called in the worker's
 * thread, from the run of a call (server/workers/worker_messages). */
struct worker;

enum name_order_kind {
    NAME_ORDER_ANSWER, /* answer the client's hello by a named */
    NAME_ORDER_REMOVE, /* remove the client, whose name has moved to another one */
    NAME_ORDER_CHECK,  /* find out whether the client is still registered */
};

struct name_order {
    enum name_order_kind kind;
    enum frame_named_status status; /* of NAME_ORDER_ANSWER */
    struct name_holder holder;      /* the client */
    struct client_key moved_to;     /* of NAME_ORDER_REMOVE: the client that has the name now */
    struct device_name name;
    /* The result of NAME_ORDER_CHECK: whether it is registered, and until when at least. */
    bool is_registered;
    uint64_t check_ms;
};

/* Carries out orders. A client that has joined again since is another client, which stays. */
void worker_names_run(struct worker *worker, struct name_order *orders, size_t count);

#endif
