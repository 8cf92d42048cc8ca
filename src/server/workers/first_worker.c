#include "server/workers/first_worker.h"

#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"

#include <errno.h>
#include <stdlib.h>

/* A multicast group, and its reply socket if it has one. */
struct group {
    struct datagram_io *receiver, *reply_socket;
};

struct first_worker {
    struct first_worker_options options;
    struct multicast_recipient *multicast;
    struct stream_clients *streams;
    size_t group_count;
    struct group groups[];
};

static int open_group(struct first_worker *first_worker,
                      const struct multicast_group_sockets *sockets, struct group *group)
{
    struct datagram_io_options options = first_worker->options.io;
    options.listener = sockets->listener;
    if (sockets->reply_listener == NO_LISTENER) {
        options.socket = sockets->reply_socket;
        options.senders = sockets->reply_senders;
        int error = datagram_io_open(&group->reply_socket, &options);
        if (error != 0)
            return error;
    }
    options.socket = sockets->socket;
    options.senders = sockets->senders;
    int error = datagram_io_open(&group->receiver, &options);
    first_worker->options.io_by_listener[sockets->listener] = group->receiver;
    return error;
}

static int open_groups(struct first_worker *first_worker)
{
    const struct first_worker_sockets *sockets = first_worker->options.sockets;
    int error = 0;
    for (size_t i = 0; i < sockets->group_count && error == 0; i++)
        error = open_group(first_worker, &sockets->groups[i],
                           &first_worker->groups[first_worker->group_count++]);
    return error;
}

static int open_multicast(struct first_worker *first_worker)
{
    const struct first_worker_options *options = &first_worker->options;
    if (options->sockets->multicast.socket == 0)
        return 0;
    int error = multicast_recipient_open(&first_worker->multicast, options->io.loop,
                                         options->sockets->multicast.socket, options->copy_errno);
    if (error != 0)
        return error;
    const struct recipients recipients = multicast_recipient_as_recipients(first_worker->multicast);
    broadcast_add_recipients(options->broadcast, &recipients);
    return 0;
}

static int open_streams(struct first_worker *first_worker)
{
    const struct first_worker_options *options = &first_worker->options;
    const struct stream_clients_options streams = {
        .loop = options->io.loop,
        .datagram_decider = options->io.datagram_decider,
        .relay = options->relay,
        .stats = options->io.stats,
        .reply_errno = options->io.last_errno,
        .listeners = options->sockets->streams.list,
        .listener_count = options->sockets->streams.count,
        .max = options->stream_max,
        .files = options->stream_files,
        .buffer_bytes = options->stream_buffer_bytes,
        .idle_ms = options->stream_idle_ms,
        .max_message_bytes = options->io.max_datagram_bytes,
        .framing = options->stream_framing,
    };
    if (streams.listener_count == 0)
        return 0;
    int error = stream_clients_open(&first_worker->streams, &streams);
    if (error != 0)
        return error;
    const struct recipients recipients = stream_clients_as_recipients(first_worker->streams);
    broadcast_add_recipients(options->broadcast, &recipients);
    return 0;
}

int first_worker_open(struct first_worker **first_worker,
                      const struct first_worker_options *options)
{
    static int (*const steps[])(struct first_worker *) = {open_groups, open_streams,
                                                          open_multicast};
    struct first_worker *made =
        calloc(1, sizeof *made + options->sockets->group_count * sizeof made->groups[0]);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int error = steps[i](made);
        if (error != 0) {
            first_worker_close(made);
            return error;
        }
    }
    *first_worker = made;
    return 0;
}

void first_worker_close(struct first_worker *first_worker)
{
    if (first_worker == NULL)
        return;
    multicast_recipient_close(first_worker->multicast);
    stream_clients_close(first_worker->streams);
    for (size_t i = first_worker->group_count; i-- > 0;) {
        datagram_io_close(first_worker->groups[i].receiver);
        datagram_io_close(first_worker->groups[i].reply_socket);
    }
    free(first_worker);
}

/* A group sends by second descriptors of the socket of its reply listener. */
static void renew_reply_descriptors(const struct multicast_group_sockets *sockets)
{
    const int senders[] = {sockets->senders.replies[0], sockets->senders.copies[0]};
    socket_raise_send_buffer(sockets->senders.routed, SEND_SOCKET_SET_RESERVE_BYTES);
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++)
        socket_replace_by_duplicate(senders[i], sockets->senders.routed);
}

void first_worker_renew(struct first_worker *first_worker, struct socket_renewal *renewal,
                        uint64_t renewed)
{
    const struct first_worker_sockets *sockets = first_worker->options.sockets;
    for (size_t i = 0; i < sockets->group_count; i++)
        if (sockets->groups[i].reply_listener != NO_LISTENER &&
            (renewed >> sockets->groups[i].reply_listener & 1) != 0)
            renew_reply_descriptors(&sockets->groups[i]);
    for (uint8_t i = 0; first_worker->streams != NULL && i < CONFIG_LISTEN_MAX; i++)
        if (renewal->listeners[i].socket >= 0)
            stream_clients_replace_socket(first_worker->streams, i, &renewal->listeners[i].socket);
    if (first_worker->multicast == NULL || renewal->multicast < 0)
        return;
    multicast_recipient_replace_socket(first_worker->multicast, &renewal->multicast);
    *renewal->multicast_own = renewal->multicast_from;
}

struct stream_clients *first_worker_streams(struct first_worker *first_worker)
{
    return first_worker != NULL ? first_worker->streams : NULL;
}

struct datagram_io *first_worker_reply_io(const struct first_worker *first_worker, uint8_t listener)
{
    for (size_t i = 0; first_worker != NULL && i < first_worker->group_count; i++)
        if (first_worker->options.sockets->groups[i].listener == listener)
            return first_worker->groups[i].reply_socket;
    return NULL;
}

void first_worker_count_drops(struct first_worker *first_worker)
{
    for (size_t i = 0; first_worker != NULL && i < first_worker->group_count; i++) {
        datagram_io_count_drops(first_worker->groups[i].receiver);
        if (first_worker->groups[i].reply_socket != NULL)
            datagram_io_count_drops(first_worker->groups[i].reply_socket);
    }
}
