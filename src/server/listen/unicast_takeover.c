#include "server/listen/unicast_takeover.h"

#include "net/socket/reuseport_group.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/socket_option.h"
#include "os/log/log.h"

/* ---- taking over ---- */

/* Reserves the descriptors of a worker that the process before did not have. */
static int reserve_worker(struct listener *listener, size_t k)
{
    struct send_socket_set *senders = &listener->senders[k];
    int socket = listener->sockets[k] = socket_open_placeholder();
    if (socket < 0)
        return socket;
    int error =
        listener->senders[0].single
            ? send_socket_set_open_single(senders, socket, listener->senders[0].buffer_bytes)
            : send_socket_set_reserve(senders, socket, &listener->bound);
    if (error != 0)
        socket_close(socket);
    return error;
}

/* Takes the sockets that both processes have workers for, and reserves the others. Returns 0, or
 * -errno with none open. */
static int take_sockets(struct listener *listener, struct inherited_listener *entry,
                        size_t worker_count)
{
    size_t k = 0;
    int error = listeners_make_tables(listener, worker_count);
    if (error != 0)
        return error;
    for (; k < worker_count && k < entry->socket_count; k++) {
        listener->sockets[k] = entry->sockets[k];
        listener->senders[k] = entry->senders[k];
        entry->sockets[k] = -1;
    }
    listener->inherited = entry->socket_count;
    for (; k < worker_count && error == 0; k++)
        error = reserve_worker(listener, k);
    if (error != 0)
        listeners_close_sockets(listener, k - 1, k - 1);
    return error;
}

/* What such a socket has received and not read yet stays there; its program by which the kernel
 * chooses is that of the process before, which goes on with it if this one fails. */
int unicast_takeover_adopt(struct listeners *listeners, struct listener *listener,
                           struct inherited_listener *entry, const struct config *config)
{
    struct udp_socket_options as_before = {.receive_buffer_bytes = 0};
    size_t count = listeners->worker_count;
    listener->bound = entry->bound;
    listener->passed = entry->passed;
    int error = take_sockets(listener, entry, count);
    if (error != 0)
        return error;
    entry->is_used = true;
    entry->listener = listeners->count;
    for (size_t k = 0; k < count && k < listener->inherited && error == 0; k++) {
        error = udp_socket_adopt(listener->sockets[k], &listener->bound, &as_before);
        send_socket_set_choose_size(&listener->senders[k], config->server.send_buffer_bytes);
    }
    if (error != 0) {
        listeners_close_sockets(listener, count, count);
        return error;
    }
    /* Without its address it goes on, as the process before did. */
    listeners_find_address(listener, config->server.missing_address == MISSING_WAIT);
    listener->missing |= entry->missing; /* the sockets that send are not connected yet */
    /* With one worker the process before has not tried it; unicast_takeover_grow will. */
    if (count > 1 && listeners->choice == WORKER_CHOICE_UNDECIDED)
        listeners->choice = WORKER_CHOICE_BY_SOURCE;
    return 0;
}

uint32_t unicast_takeover_resize(const struct listeners *listeners, const struct listener *listener,
                                 const struct config *config)
{
    uint32_t got_bytes = config->server.receive_buffer_bytes;
    for (size_t k = 0; k < listeners->worker_count && k < listener->inherited; k++) {
        got_bytes =
            socket_raise_receive_buffer(listener->sockets[k], config->server.receive_buffer_bytes);
        socket_raise_send_buffer(listener->sockets[k], config->server.send_buffer_bytes);
        send_socket_set_resize(&listener->senders[k]);
    }
    return got_bytes;
}

struct inherited_listener *unicast_takeover_find(struct inherited_sockets *inherited,
                                                 const struct listener *listener)
{
    char text[CONFIG_LISTEN_TEXT_BYTES];
    struct inherited_listener *entry = inherited_sockets_find(
        inherited, INHERITED_UNICAST, config_listen_text(listener->config, text));
    return entry != NULL && entry->bound.scope == listener->interface ? entry : NULL;
}

/* ---- another number of workers than that of the process before ---- */

bool unicast_takeover_must_grow(const struct listeners *listeners, const struct listener *listener)
{
    return listener->inherited != 0 && listener->inherited < listeners->worker_count;
}

bool unicast_takeover_is_changed(const struct listeners *listeners, const struct listener *listener)
{
    return listener->inherited != 0 && listener->inherited != listeners->worker_count;
}

/* A single socket receives all until the second one is bound; then the kernel would give that one a
 * share, if it did not choose among one socket. */
static int keep_single(const struct listeners *listeners, const struct listener *listener,
                       size_t opened)
{
    if (listener->inherited > 1 || opened > 1 || listeners->choice == WORKER_CHOICE_BY_KERNEL)
        return 0;
    return reuseport_group_choose_by_source(listener->sockets, 1, listener->bound.family,
                                            &listeners->shard_key);
}

static int open_worker(const struct listeners *listeners, const struct listener *listener,
                       struct listener *fresh, size_t k, const struct config *config)
{
    struct udp_socket_options options = {
        .receive_buffer_bytes = config->server.receive_buffer_bytes,
        .send_buffer_bytes = config->server.send_buffer_bytes,
        .may_be_missing = listener->missing,
    };
    uint32_t bytes = config->server.send_buffer_bytes;
    int socket = fresh->sockets[k] =
        reuseport_group_add(listener->sockets[0], &listener->bound, &options);
    if (socket < 0)
        return socket;
    int error = keep_single(listeners, listener, k - listener->inherited + 1);
    if (error == 0)
        error = listener->senders[0].single
                    ? send_socket_set_open_single(&fresh->senders[k], socket, bytes)
                    : send_socket_set_open(&fresh->senders[k], socket, &listener->bound, bytes);
    if (error != 0)
        socket_close(socket);
    return error;
}

static void end_sharing(const struct listeners *listeners, const struct listener *listener,
                        const struct listener *fresh, size_t opened)
{
    listeners_share_port(listeners, listener->bound.port, false);
    for (size_t k = listener->inherited; k < opened; k++) {
        udp_socket_allow_sharing(fresh->sockets[k], false);
        send_socket_set_share(&fresh->senders[k], false);
    }
}

int unicast_takeover_grow(const struct listeners *listeners, const struct listener *listener,
                          const struct config *config, struct listener *fresh)
{
    size_t k = listener->inherited;
    *fresh = (struct listener){.transport = listener->transport};
    int error = listeners_make_tables(fresh, listeners->worker_count);
    if (error != 0)
        return error;
    listeners_share_port(listeners, listener->bound.port, true);
    for (; k < listeners->worker_count && error == 0; k += error == 0)
        error = open_worker(listeners, listener, fresh, k, config);
    end_sharing(listeners, listener, fresh, k);
    if (error == 0)
        return 0;
    log_event(LOG_LEVEL_ERROR, "cannot add a worker to a socket in use", "address", listener->text,
              "reason", socket_option_error(-error), "advice",
              "restart udpsrv instead of upgrading it", NULL);
    while (k-- > listener->inherited) {
        send_socket_set_close(&fresh->senders[k]);
        socket_close(fresh->sockets[k]);
    }
    listeners_close_sockets(fresh, 0, 0);
    return error;
}

/* The program by which the kernel chooses is that for the former number of workers. A socket that
 * is the only one left shares its port no longer; those of the others receive nothing any more. */
int unicast_takeover_choose(const struct listeners *listeners, const struct listener *listener)
{
    if (!unicast_takeover_is_changed(listeners, listener))
        return 0;
    int error =
        listeners->choice == WORKER_CHOICE_BY_KERNEL
            ? 0
            : reuseport_group_choose_by_source(listener->sockets, listeners->worker_count,
                                               listener->bound.family, &listeners->shard_key);
    return error == 0 && listeners->worker_count == 1 ? reuseport_group_end(listener->sockets[0])
                                                      : error;
}

void unicast_takeover_leave(const struct listeners *listeners,
                            const struct inherited_listener *entry)
{
    if (listeners->choice != WORKER_CHOICE_BY_KERNEL)
        return;
    for (size_t k = listeners->worker_count; k < entry->socket_count; k++)
        reuseport_group_leave(entry->sockets[k]);
}

/* ---- handing over ---- */

size_t unicast_takeover_hand_over(const struct listeners *listeners, struct handover_writer *writer)
{
    size_t count = 0;
    for (size_t i = 0; i < listeners->unicast_count; i++) {
        const struct listener *listener = &listeners->list[i];
        if (socket_is_placeholder(listener->sockets[0]))
            continue;
        struct inherited_listener entry = {
            .kind = INHERITED_UNICAST,
            .bound = listener->bound,
            .passed = listener->passed,
            .missing = listener->missing,
            .interface = listener->interface,
            .socket_count = listeners->worker_count,
            .sockets = listener->sockets,
            .senders = listener->senders,
        };
        config_listen_text(listener->config, entry.text);
        if (writer != NULL)
            inherited_sockets_put(writer, &entry);
        count++;
    }
    return count;
}
