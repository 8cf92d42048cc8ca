#include "server/send/send_socket_set.h"

#include "net/socket/send_only_socket.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"

#include <errno.h>
#include <stddef.h>

/* Calls visit for each descriptor that the set owns. */
static void for_each(const struct send_socket_set *senders, void (*visit)(int socket, bool may),
                     bool may)
{
    const int others[] = {senders->on_link, senders->reply_reserve, senders->copy_reserve};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] >= 0)
            visit(others[i], may);
    for (size_t i = 0; i < SEND_SOCKET_SLOTS_COUNT; i++) {
        if (senders->replies[i] >= 0)
            visit(senders->replies[i], may);
        if (senders->copies[i] >= 0)
            visit(senders->copies[i], may);
    }
}

void send_socket_set_init(struct send_socket_set *senders)
{
    *senders = (struct send_socket_set){
        .routed = -1, .on_link = -1, .reply_reserve = -1, .copy_reserve = -1};
    for (size_t i = 0; i < SEND_SOCKET_SLOTS_COUNT; i++)
        senders->replies[i] = senders->copies[i] = -1;
}

/* If the local address of a datagram is not known, the answer is sent by the socket that receives:
 * a wildcard listener's other sockets are connected, and would send from the loopback address. */
static int use_receiving_socket(struct send_socket_set *senders, size_t slot)
{
    senders->replies[slot] = socket_duplicate(senders->routed);
    if (senders->replies[slot] < 0)
        return senders->replies[slot];
    senders->copies[slot] = socket_duplicate(senders->routed);
    return senders->copies[slot] < 0 ? senders->copies[slot] : 0;
}

static int open_sender(int *socket, const struct addr *bound, uint32_t bytes, uint32_t *got_bytes)
{
    *socket = send_only_socket_open(bound, bytes, got_bytes);
    return *socket < 0 ? *socket : 0;
}

static int open_all(struct send_socket_set *senders, const struct addr *bound, uint32_t bytes)
{
    size_t slots = senders->by_interface ? SEND_SOCKET_SLOTS_MAX : 1;
    uint32_t got;
    int error = open_sender(&senders->on_link, bound, SEND_SOCKET_SET_ON_LINK_BYTES, &got);
    if (error == 0)
        error = open_sender(&senders->reply_reserve, bound, SEND_SOCKET_SET_RESERVE_BYTES, &got);
    if (error == 0)
        error = open_sender(&senders->copy_reserve, bound, SEND_SOCKET_SET_COPY_RESERVE_BYTES,
                            &senders->reserve_got_bytes);
    for (size_t i = 0; i < slots && error == 0; i++) {
        error = open_sender(&senders->replies[i], bound, bytes, &got);
        if (error == 0)
            error = open_sender(&senders->copies[i], bound, bytes, &got);
    }
    return error == 0 && senders->by_interface
               ? use_receiving_socket(senders, SEND_SOCKET_SLOT_UNKNOWN)
               : error;
}

int send_socket_set_open(struct send_socket_set *senders, int receiver, const struct addr *bound,
                         uint32_t send_buffer_bytes)
{
    send_socket_set_init(senders);
    senders->routed = receiver;
    senders->buffer_bytes = send_buffer_bytes;
    senders->by_interface = udp_socket_reports_destination(bound);
    int error = open_all(senders, bound, send_buffer_bytes);
    if (error != 0)
        send_socket_set_close(senders);
    return error;
}

int send_socket_set_open_single(struct send_socket_set *senders, int socket,
                                uint32_t send_buffer_bytes)
{
    int error = send_socket_set_open_shared(senders, socket, send_buffer_bytes);
    if (error == 0)
        senders->reserve_got_bytes = send_socket_set_enlarge(senders);
    return error;
}

int send_socket_set_open_shared(struct send_socket_set *senders, int socket,
                                uint32_t send_buffer_bytes)
{
    send_socket_set_init(senders);
    senders->routed = socket;
    senders->single = true;
    senders->buffer_bytes = send_buffer_bytes;
    int error = use_receiving_socket(senders, 0);
    if (error != 0)
        send_socket_set_close(senders);
    return error;
}

uint32_t send_socket_set_enlarge(const struct send_socket_set *senders)
{
    return socket_raise_send_buffer(senders->routed, SEND_SOCKET_SET_RESERVE_BYTES);
}

static int reserve(struct send_socket_set *senders, size_t slots)
{
    int *const others[] = {&senders->on_link, &senders->reply_reserve, &senders->copy_reserve};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if ((*others[i] = socket_open_placeholder()) < 0)
            return *others[i];
    for (size_t i = 0; i < slots; i++)
        if ((senders->replies[i] = socket_open_placeholder()) < 0)
            return senders->replies[i];
    for (size_t i = 0; i < slots; i++)
        if ((senders->copies[i] = socket_open_placeholder()) < 0)
            return senders->copies[i];
    return 0;
}

int send_socket_set_reserve(struct send_socket_set *senders, int receiver, const struct addr *bound)
{
    send_socket_set_init(senders);
    senders->routed = receiver;
    senders->by_interface = udp_socket_reports_destination(bound);
    int error = reserve(senders, senders->by_interface ? SEND_SOCKET_SLOTS_COUNT : 1);
    if (error != 0)
        send_socket_set_close(senders);
    return error;
}

/* Calls change for each socket that only sends, also after an error. Returns 0 or the first -errno.
 */
static int change_each(const struct send_socket_set *senders,
                       int (*change)(int socket, const struct addr *bound),
                       const struct addr *bound)
{
    int sockets[SEND_SOCKET_SET_FILES_MAX] = {senders->on_link, senders->reply_reserve,
                                              senders->copy_reserve};
    /* Without SEND_SOCKET_SLOT_UNKNOWN, whose socket is the one that receives. */
    size_t slots = senders->by_interface ? SEND_SOCKET_SLOTS_MAX : 1, count = 3;
    int first = 0;
    if (senders->single)
        return 0;
    for (size_t i = 0; i < slots; i++) {
        sockets[count++] = senders->replies[i];
        sockets[count++] = senders->copies[i];
    }
    for (size_t i = 0; i < count; i++) {
        int error = change(sockets[i], bound);
        first = first != 0 ? first : error;
    }
    return first;
}

int send_socket_set_connect(const struct send_socket_set *senders, const struct addr *bound)
{
    return change_each(senders, send_only_socket_connect, bound);
}

static int drop_received(int socket, const struct addr *bound)
{
    (void)bound;
    return send_only_socket_drop_received(socket);
}

int send_socket_set_drop_received(const struct send_socket_set *senders)
{
    return change_each(senders, drop_received, NULL);
}

static void replace(int old, int *fresh)
{
    if (*fresh >= 0 && old >= 0 && socket_replace(old, *fresh) == 0)
        *fresh = -1;
}

void send_socket_set_replace(const struct send_socket_set *senders, struct send_socket_set *fresh)
{
    replace(senders->on_link, &fresh->on_link);
    replace(senders->reply_reserve, &fresh->reply_reserve);
    replace(senders->copy_reserve, &fresh->copy_reserve);
    for (size_t i = 0; i < SEND_SOCKET_SLOTS_COUNT; i++) {
        replace(senders->replies[i], &fresh->replies[i]);
        replace(senders->copies[i], &fresh->copies[i]);
    }
    send_socket_set_close(fresh);
}

void send_socket_set_share(const struct send_socket_set *senders, bool may)
{
    for_each(senders, udp_socket_allow_sharing, may);
}

static void close_one(int socket, bool may)
{
    (void)may;
    socket_close(socket);
}

void send_socket_set_close(struct send_socket_set *senders)
{
    for_each(senders, close_one, false);
    send_socket_set_init(senders);
}

/* ---- handing over ---- */

static void put_socket(struct handover_writer *writer, int socket)
{
    handover_put8(writer, socket >= 0);
    if (socket >= 0)
        handover_put_descriptor(writer, socket);
}

void send_socket_set_hand_over(const struct send_socket_set *senders,
                               struct handover_writer *writer)
{
    handover_put8(writer, senders->by_interface);
    handover_put8(writer, senders->single);
    handover_put32(writer, senders->buffer_bytes);
    handover_put32(writer, senders->reserve_got_bytes);
    put_socket(writer, senders->on_link);
    put_socket(writer, senders->reply_reserve);
    put_socket(writer, senders->copy_reserve);
    handover_put8(writer, SEND_SOCKET_SLOTS_COUNT);
    for (size_t i = 0; i < SEND_SOCKET_SLOTS_COUNT; i++) {
        put_socket(writer, senders->replies[i]);
        put_socket(writer, senders->copies[i]);
    }
}

static int get_socket(struct handover_reader *reader)
{
    return handover_get8(reader) != 0 ? handover_get_descriptor(reader) : -1;
}

/* Whether the descriptors are there that the set of such a kind has. */
static bool is_whole(const struct send_socket_set *senders)
{
    size_t slots = senders->by_interface ? SEND_SOCKET_SLOTS_COUNT : 1;
    for (size_t i = 0; i < slots; i++)
        if (senders->replies[i] < 0 || senders->copies[i] < 0)
            return false;
    return senders->single || (senders->reply_reserve >= 0 && senders->copy_reserve >= 0);
}

int send_socket_set_take_over(struct send_socket_set *senders, struct handover_reader *reader,
                              int receiver)
{
    send_socket_set_init(senders);
    senders->routed = receiver;
    senders->by_interface = handover_get8(reader) != 0;
    senders->single = handover_get8(reader) != 0;
    senders->buffer_bytes = handover_get32(reader);
    senders->reserve_got_bytes = handover_get32(reader);
    senders->on_link = get_socket(reader);
    senders->reply_reserve = get_socket(reader);
    senders->copy_reserve = get_socket(reader);
    size_t slots = handover_get8(reader);
    for (size_t i = 0; i < slots && i < SEND_SOCKET_SLOTS_COUNT; i++) {
        senders->replies[i] = get_socket(reader);
        senders->copies[i] = get_socket(reader);
    }
    if (!reader->failed && slots == SEND_SOCKET_SLOTS_COUNT && is_whole(senders))
        return 0;
    send_socket_set_close(senders);
    return -EPROTO;
}

void send_socket_set_choose_size(struct send_socket_set *senders, uint32_t send_buffer_bytes)
{
    senders->must_resize = senders->buffer_bytes != send_buffer_bytes && !senders->single;
    senders->buffer_bytes = send_buffer_bytes;
}

void send_socket_set_resize(const struct send_socket_set *senders)
{
    size_t slots = senders->by_interface ? SEND_SOCKET_SLOTS_MAX : 1;
    for (size_t i = 0; i < slots && senders->must_resize; i++) {
        socket_set_send_buffer(senders->replies[i], senders->buffer_bytes);
        socket_set_send_buffer(senders->copies[i], senders->buffer_bytes);
    }
}
