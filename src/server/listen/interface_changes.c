/* What changes about the host's interfaces and addresses, and about the files of Unix sockets,
 * brought to the workers. */
#include "server/listen/interface_changes.h"

#include "net/interface/interface.h"
#include "net/interface/interface_watch.h"
#include "os/file/file_watch.h"

#include <errno.h>
#include <stdlib.h>

/* What is new for one worker, and its way there and back. While it is away, what changes waits. */
struct update {
    struct worker_call call;
    struct interface_changes *interfaces;
    bool away;
    bool due; /* something has changed since it was posted */
    struct socket_renewal sent, next;
};

/* The file of a Unix socket. */
struct watched_file {
    struct file_watch watch;
    struct unix_socket_file file; /* the one that is watched */
};

struct interface_changes {
    struct interface_changes_options options;
    struct listener_recovery recovery;
    struct interface_watch *watch;
    struct socket_renewal **renewals;             /* the next ones, by worker */
    bool missing;                                 /* something is waited for */
    struct watched_file files[CONFIG_LISTEN_MAX]; /* by stream */
    struct update updates[];                      /* by worker */
};

/* In the worker's thread. */
static void run_update(struct worker_call *call)
{
    struct update *update = (struct update *)call;
    worker_renew(call->worker, &update->sent);
}

/* Moves what is next to what is sent: the sockets belong to that from now on. */
static void pack(struct update *update)
{
    update->sent = update->next;
    socket_renewal_init(&update->next);
}

static void post(struct update *update, struct worker *worker)
{
    update->due = update->away;
    if (update->away)
        return;
    update->away = true;
    pack(update);
    worker_post(worker, &update->call, update->interfaces->options.reply_mailbox);
}

static bool are_settled(const struct interface_changes *interfaces)
{
    for (size_t i = 0; i < interfaces->options.worker_count; i++)
        if (interfaces->updates[i].away)
            return false;
    return true;
}

/* Whether the workers have to know. */
static bool read_broadcast_addrs(struct interface_changes *interfaces)
{
    struct broadcast_addrs now;
    interface_broadcast_addrs(&now);
    if (broadcast_addrs_equal(&now, &interfaces->renewals[0]->broadcast_addrs))
        return false;
    for (size_t i = 0; i < interfaces->options.worker_count; i++)
        interfaces->renewals[i]->broadcast_addrs = now;
    return true;
}

/* Within a second, and not at once: a program that removes a directory with all that is in it can
 * finish that first. */
static void look_later(void *state)
{
    struct interface_changes *interfaces = state;
    interface_watch_poll(interfaces->watch, true);
}

/* False where it can't be watched, for want of a permission or of descriptors. */
static bool watch_file(struct interface_changes *interfaces, size_t stream)
{
    const struct first_worker_sockets *first_sockets = interfaces->options.first_sockets;
    const struct unix_socket_file *file = &first_sockets->stream_files[stream];
    struct watched_file *watched = &interfaces->files[stream];
    if (watched->watch.handler.loop != NULL && unix_socket_file_same(&watched->file, file))
        return true;
    file_watch_close(&watched->watch);
    watched->file = *file;
    return file_watch_open(interfaces->options.loop, &watched->watch,
                           first_sockets->stream_paths[stream], look_later, interfaces) == 0 &&
           first_worker_sockets_stream_is_there(first_sockets, stream);
}

static bool watch_files(struct interface_changes *interfaces)
{
    const struct first_worker_sockets *first_sockets = interfaces->options.first_sockets;
    bool all = true;
    for (size_t i = 0; i < first_sockets->stream_count; i++)
        if (first_sockets->stream_paths[i] != NULL && !watch_file(interfaces, i))
            all = false;
    return all;
}

/* Looks for all that has changed; whether the workers have to know. */
static bool find_changes(struct interface_changes *interfaces)
{
    bool new = read_broadcast_addrs(interfaces);
    interfaces->missing =
        listener_recovery_check(&interfaces->recovery, are_settled(interfaces), &new);
    bool watched = watch_files(interfaces);
    interface_watch_poll(interfaces->watch, interfaces->missing || !watched);
    return new;
}

static void look(struct interface_changes *interfaces)
{
    bool new = find_changes(interfaces);
    for (size_t i = 0; new &&i < interfaces->options.worker_count; i++)
        post(&interfaces->updates[i], interfaces->options.workers[i]);
}

static void update_is_home(struct worker_call *call)
{
    struct update *update = (struct update *)call;
    struct interface_changes *interfaces = update->interfaces;
    update->away = false;
    if (interfaces->watch == NULL)
        return;
    if (update->due)
        post(update, call->worker);
    else if (interfaces->missing && are_settled(interfaces))
        look(interfaces);
}

static void on_removed(void *state, uint32_t interface)
{
    struct interface_changes *interfaces = state;
    listener_recovery_interface_removed(&interfaces->recovery, interface);
}

static void on_changed(void *state)
{
    struct interface_changes *interfaces = state;
    look(interfaces);
    interfaces->options.on_change(interfaces->options.on_change_state);
}

static struct interface_changes *make(const struct interface_changes_options *options)
{
    struct interface_changes *made =
        calloc(1, sizeof *made + options->worker_count * sizeof made->updates[0]);
    if (made == NULL)
        return NULL;
    made->renewals = calloc(options->worker_count, sizeof made->renewals[0]);
    if (made->renewals == NULL) {
        free(made);
        return NULL;
    }
    made->options = *options;
    made->recovery = (struct listener_recovery){.config = options->config,
                                                .listeners = options->listeners,
                                                .first_sockets = options->first_sockets,
                                                .renewals = made->renewals};
    for (size_t i = 0; i < options->worker_count; i++) {
        struct update *update = &made->updates[i];
        update->interfaces = made;
        update->call.run = run_update;
        update->call.done = update_is_home;
        socket_renewal_init(&update->sent);
        socket_renewal_init(&update->next);
        made->renewals[i] = &update->next;
    }
    return made;
}

int interface_changes_open(struct interface_changes **interfaces,
                           const struct interface_changes_options *options)
{
    static const struct interface_watch_callbacks callbacks = {on_removed, on_changed};
    struct interface_changes *made = make(options);
    if (made == NULL)
        return -ENOMEM;
    /* First the watch: what changes after it is told. */
    int error = interface_watch_open(&made->watch, options->loop, &callbacks, made);
    if (error != 0) {
        interface_changes_free(made);
        return error;
    }
    find_changes(made);
    for (size_t i = 0; i < options->worker_count; i++) {
        pack(&made->updates[i]);
        worker_renew(options->workers[i], &made->updates[i].sent);
    }
    *interfaces = made;
    return 0;
}

void interface_changes_check(struct interface_changes *interfaces)
{
    if (interfaces != NULL && interfaces->watch != NULL)
        look(interfaces);
}

void interface_changes_stop(struct interface_changes *interfaces)
{
    if (interfaces == NULL)
        return;
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        file_watch_close(&interfaces->files[i].watch);
    interface_watch_close(interfaces->watch);
    interfaces->watch = NULL;
}

void interface_changes_free(struct interface_changes *interfaces)
{
    if (interfaces == NULL)
        return;
    interface_changes_stop(interfaces);
    for (size_t i = 0; i < interfaces->options.worker_count; i++) {
        socket_renewal_close(&interfaces->updates[i].next);
        socket_renewal_close(&interfaces->updates[i].sent);
    }
    free(interfaces->renewals);
    free(interfaces);
}
