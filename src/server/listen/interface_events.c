#include "server/listen/interface_events.h"

#include "net/interface/interface.h"
#include "net/interface/interface_watch.h"
#include "server/listen/stream_socket_file_recovery.h"
#include "server/workers/worker_updates.h"

#include <errno.h>
#include <stdlib.h>

/* The changes for one worker, as a call. Further changes are collected while the call is pending.
 */
struct update {
    struct worker_call call;
    struct interface_events *interfaces;
    bool pending;                     /* posted, and not yet completed */
    bool due;                         /* something has changed since it was posted */
    struct socket_renewal sent, next; /* of the pending call; of the next one */
};

struct interface_events {
    struct interface_events_options options;
    struct listener_restore recovery;
    struct stream_socket_file_recovery files;
    struct interface_watch *watch;
    struct socket_renewal **renewals; /* by worker: updates[i].next */
    bool missing;                     /* a listener waits for its interface or address */
    uint64_t renewed;                 /* how many updates the workers have carried out */
    struct update updates[];          /* by worker */
};

/* In the worker's thread. */
static void run_update(struct worker_call *call)
{
    struct update *update = (struct update *)call;
    worker_renew(call->worker, &update->sent);
}

/* Moves the collected changes, sockets included, to those that are sent. */
static void take_next(struct update *update)
{
    update->sent = update->next;
    socket_renewal_init(&update->next);
}

static void post(struct update *update, struct worker *worker)
{
    update->due = update->pending;
    if (update->pending)
        return;
    update->pending = true;
    take_next(update);
    worker_post(worker, &update->call, update->interfaces->options.reply_mailbox);
}

static bool none_pending(const struct interface_events *interfaces)
{
    for (size_t i = 0; i < interfaces->options.worker_count; i++)
        if (interfaces->updates[i].pending)
            return false;
    return true;
}

/* Reads the broadcast addresses. Returns whether they have changed. */
static bool read_broadcast_addrs(struct interface_events *interfaces)
{
    struct broadcast_addrs now;
    interface_broadcast_addrs(&now);
    if (broadcast_addrs_equal(&now, &interfaces->renewals[0]->broadcast_addrs))
        return false;
    for (size_t i = 0; i < interfaces->options.worker_count; i++)
        interfaces->renewals[i]->broadcast_addrs = now;
    return true;
}

/* Checks within a second, not at once, so that a program that removes a whole directory can finish
 * first. */
static void check_later(void *state)
{
    struct interface_events *interfaces = state;
    interface_watch_poll(interfaces->watch, true);
}

/* Finds what has changed. Returns whether there is something to send to the workers. */
static bool find_changes(struct interface_events *interfaces)
{
    bool changed = read_broadcast_addrs(interfaces);
    stream_socket_file_recovery_check(&interfaces->files, interfaces->renewals[0], &changed);
    interfaces->missing =
        listener_restore_check(&interfaces->recovery, none_pending(interfaces), &changed);
    bool watched = stream_socket_file_recovery_watch(&interfaces->files);
    bool followed = kernel_offload_follow_interfaces(interfaces->options.offload);
    interface_watch_poll(interfaces->watch, interfaces->missing || !watched || !followed);
    return changed;
}

static void check(struct interface_events *interfaces)
{
    bool changed = find_changes(interfaces);
    for (size_t i = 0; changed && i < interfaces->options.worker_count; i++)
        post(&interfaces->updates[i], interfaces->options.workers[i]);
}

static void update_done(struct worker_call *call)
{
    struct update *update = (struct update *)call;
    struct interface_events *interfaces = update->interfaces;
    update->pending = false;
    interfaces->renewed++;
    if (interfaces->watch == NULL)
        return;
    if (update->due)
        post(update, call->worker);
    else if (interfaces->missing && none_pending(interfaces))
        check(interfaces);
}

static void on_removed(void *state, uint32_t interface)
{
    struct interface_events *interfaces = state;
    listener_restore_interface_removed(&interfaces->recovery, interface);
}

static void on_changed(void *state)
{
    struct interface_events *interfaces = state;
    check(interfaces);
    interfaces->options.on_change(interfaces->options.on_change_state);
}

static struct interface_events *new_changes(const struct interface_events_options *options)
{
    struct interface_events *made =
        calloc(1, sizeof *made + options->worker_count * sizeof made->updates[0]);
    if (made == NULL)
        return NULL;
    made->renewals = calloc(options->worker_count, sizeof made->renewals[0]);
    if (made->renewals == NULL) {
        free(made);
        return NULL;
    }
    made->options = *options;
    made->recovery = (struct listener_restore){
        .config = options->config, .sockets = options->sockets, .renewals = made->renewals};
    made->files = (struct stream_socket_file_recovery){.loop = options->loop,
                                                       .sockets = options->sockets,
                                                       .on_change = check_later,
                                                       .state = made};
    for (size_t i = 0; i < options->worker_count; i++) {
        struct update *update = &made->updates[i];
        update->interfaces = made;
        update->call.run = run_update;
        update->call.done = update_done;
        socket_renewal_init(&update->sent);
        socket_renewal_init(&update->next);
        made->renewals[i] = &update->next;
    }
    return made;
}

int interface_events_open(struct interface_events **interfaces,
                          const struct interface_events_options *options)
{
    static const struct interface_watch_callbacks callbacks = {on_removed, on_changed};
    struct interface_events *made = new_changes(options);
    if (made == NULL)
        return -ENOMEM;
    /* The watch is opened first, so that no change after the reading is missed. */
    int error = interface_watch_open(&made->watch, options->loop, &callbacks, made);
    if (error != 0) {
        interface_events_free(made);
        return error;
    }
    find_changes(made);
    for (size_t i = 0; i < options->worker_count; i++) {
        take_next(&made->updates[i]);
        worker_renew(options->workers[i], &made->updates[i].sent);
    }
    *interfaces = made;
    return 0;
}

void interface_events_check(struct interface_events *interfaces)
{
    if (interfaces != NULL && interfaces->watch != NULL)
        check(interfaces);
}

uint64_t interface_events_renewals(const struct interface_events *interfaces)
{
    return interfaces->renewed;
}

void interface_events_stop(struct interface_events *interfaces)
{
    if (interfaces == NULL)
        return;
    stream_socket_file_recovery_close(&interfaces->files);
    interface_watch_close(interfaces->watch);
    interfaces->watch = NULL;
}

void interface_events_free(struct interface_events *interfaces)
{
    if (interfaces == NULL)
        return;
    interface_events_stop(interfaces);
    for (size_t i = 0; i < interfaces->options.worker_count; i++) {
        socket_renewal_close(&interfaces->updates[i].next);
        socket_renewal_close(&interfaces->updates[i].sent);
    }
    free(interfaces->renewals);
    free(interfaces);
}
