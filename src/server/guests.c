/* The first worker's own: each made from its sockets, and undone in the reverse order. */
#include "server/guests.h"

#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>

/* A group: who hears it, and who speaks for it if that is nobody else. */
struct group {
    struct endpoint *ear, *voice;
};

struct guests {
    struct guests_options options;
    struct multicast *multicast;
    struct streams *streams;
    size_t group_count;
    struct group groups[];
};

static int open_group(struct guests *guests, const struct door_group *door, struct group *group)
{
    struct endpoint_options options = guests->options.endpoint;
    options.listener = door->listener;
    if (door->voice == DOORS_NO_LISTENER) {
        options.socket = door->voice_socket;
        options.senders = door->voice_senders;
        int error = endpoint_open(&group->voice, &options);
        if (error != 0)
            return error;
    }
    options.socket = door->socket;
    options.senders = door->senders;
    int error = endpoint_open(&group->ear, &options);
    guests->options.endpoints[door->listener] = group->ear;
    return error;
}

static int open_groups(struct guests *guests)
{
    const struct doors *doors = guests->options.doors;
    int error = 0;
    for (size_t i = 0; i < doors->group_count && error == 0; i++)
        error = open_group(guests, &doors->groups[i], &guests->groups[guests->group_count++]);
    return error;
}

static int open_multicast(struct guests *guests)
{
    const struct guests_options *options = &guests->options;
    if (options->doors->multicast == 0)
        return 0;
    int error = multicast_open(&guests->multicast, options->endpoint.loop,
                               options->doors->multicast, options->copy_errno);
    if (error != 0)
        return error;
    const struct audience audience = multicast_audience(guests->multicast);
    broadcast_add_audience(options->broadcast, &audience);
    return 0;
}

static int open_streams(struct guests *guests)
{
    const struct guests_options *options = &guests->options;
    const struct streams_options streams = {
        .loop = options->endpoint.loop,
        .service = options->endpoint.service,
        .relay = options->relay,
        .stats = options->endpoint.stats,
        .reply_errno = options->endpoint.last_errno,
        .doors = options->doors->streams,
        .door_count = options->doors->stream_count,
        .max = options->stream_max,
        .files = options->stream_files,
        .buffer_bytes = options->stream_buffer_bytes,
        .idle_ms = options->stream_idle_ms,
        .max_line_bytes = options->endpoint.max_datagram_bytes,
    };
    if (streams.door_count == 0)
        return 0;
    int error = streams_open(&guests->streams, &streams);
    if (error != 0)
        return error;
    const struct audience audience = streams_audience(guests->streams);
    broadcast_add_audience(options->broadcast, &audience);
    return 0;
}

int guests_open(struct guests **guests, const struct guests_options *options)
{
    static int (*const steps[])(struct guests *) = {open_groups, open_streams, open_multicast};
    struct guests *made =
        calloc(1, sizeof *made + options->doors->group_count * sizeof made->groups[0]);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int error = steps[i](made);
        if (error != 0) {
            guests_close(made);
            return error;
        }
    }
    *guests = made;
    return 0;
}

void guests_close(struct guests *guests)
{
    if (guests == NULL)
        return;
    multicast_close(guests->multicast);
    streams_close(guests->streams);
    for (size_t i = guests->group_count; i-- > 0;) {
        endpoint_close(guests->groups[i].ear);
        endpoint_close(guests->groups[i].voice);
    }
    free(guests);
}

/* What a group sends by is a second descriptor of its voice's socket. */
static void renew_voice(const struct door_group *door)
{
    const int senders[] = {door->senders.replies[0], door->senders.copies[0]};
    socket_widen(door->senders.routed, SENDER_RESERVE_BYTES);
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++) {
        int voice = socket_duplicate(door->senders.routed);
        if (voice >= 0 && socket_replace(senders[i], voice) != 0)
            socket_close(voice);
    }
}

void guests_renew(struct guests *guests, struct renewal *renewal, uint64_t renewed)
{
    const struct doors *doors = guests->options.doors;
    for (size_t i = 0; i < doors->group_count; i++)
        if (doors->groups[i].voice != DOORS_NO_LISTENER &&
            (renewed >> doors->groups[i].voice & 1) != 0)
            renew_voice(&doors->groups[i]);
    for (uint8_t i = 0; guests->streams != NULL && i < CONFIG_LISTEN_MAX; i++)
        if (renewal->listeners[i].socket >= 0)
            streams_renew(guests->streams, i, &renewal->listeners[i].socket);
    if (guests->multicast == NULL || renewal->multicast < 0)
        return;
    multicast_renew(guests->multicast, &renewal->multicast);
    *renewal->multicast_own = renewal->multicast_from;
}

struct streams *guests_streams(struct guests *guests)
{
    return guests != NULL ? guests->streams : NULL;
}

void guests_count_drops(struct guests *guests)
{
    for (size_t i = 0; guests != NULL && i < guests->group_count; i++) {
        endpoint_count_drops(guests->groups[i].ear);
        if (guests->groups[i].voice != NULL)
            endpoint_count_drops(guests->groups[i].voice);
    }
}
