/* What changes about the host's interfaces and addresses, brought to the workers. */
#include "server/interfaces.h"

#include "net/interface.h"
#include "net/link_watch.h"

#include <errno.h>
#include <stdlib.h>

/* What is new for one worker, and its way there and back. While it is away, what changes waits. */
struct update {
    struct worker_call call;
    struct interfaces *interfaces;
    bool away;
    bool due; /* something has changed since it was posted */
    struct broadcast_addrs broadcast_addrs;
};

struct interfaces {
    struct interfaces_options options;
    struct link_watch *watch;
    struct broadcast_addrs broadcast_addrs; /* as the workers know them, or will */
    struct update updates[];                /* by worker */
};

/* In the worker's thread. */
static void run_update(struct worker_call *call)
{
    struct update *update = (struct update *)call;
    worker_set_broadcast_addrs(call->worker, &update->broadcast_addrs);
}

static void post(struct update *update, struct worker *worker)
{
    update->due = update->away;
    if (update->away)
        return;
    update->away = true;
    update->broadcast_addrs = update->interfaces->broadcast_addrs;
    worker_post(worker, &update->call, update->interfaces->options.home);
}

static void update_is_home(struct worker_call *call)
{
    struct update *update = (struct update *)call;
    update->away = false;
    if (update->due && update->interfaces->watch != NULL)
        post(update, call->worker);
}

static void removed(void *state, uint32_t interface)
{
    (void)state, (void)interface;
}

static void changed(void *state)
{
    struct interfaces *interfaces = state;
    struct broadcast_addrs now;
    interface_broadcast_addrs(&now);
    if (broadcast_addrs_equal(&now, &interfaces->broadcast_addrs))
        return;
    interfaces->broadcast_addrs = now;
    for (size_t i = 0; i < interfaces->options.worker_count; i++)
        post(&interfaces->updates[i], interfaces->options.workers[i]);
}

int interfaces_open(struct interfaces **interfaces, const struct interfaces_options *options)
{
    static const struct link_watch_callbacks callbacks = {removed, changed};
    struct interfaces *made =
        calloc(1, sizeof *made + options->worker_count * sizeof made->updates[0]);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    /* First the watch: what changes behind it is told. */
    int error = link_watch_open(&made->watch, options->loop, &callbacks, made);
    if (error != 0) {
        free(made);
        return error;
    }
    interface_broadcast_addrs(&made->broadcast_addrs);
    for (size_t i = 0; i < options->worker_count; i++) {
        made->updates[i].interfaces = made;
        made->updates[i].call.run = run_update;
        made->updates[i].call.done = update_is_home;
        worker_set_broadcast_addrs(options->workers[i], &made->broadcast_addrs);
    }
    *interfaces = made;
    return 0;
}

void interfaces_stop(struct interfaces *interfaces)
{
    if (interfaces == NULL)
        return;
    link_watch_close(interfaces->watch);
    interfaces->watch = NULL;
}

void interfaces_free(struct interfaces *interfaces)
{
    interfaces_stop(interfaces);
    free(interfaces);
}
