/* A socket that sends: waiting for room, and the reserve for when what it holds stands still. */
#include "server/datagram/send_socket.h"

#include "net/interface/device_queue.h"
#include "net/socket/udp_socket.h"

#include <errno.h>
#include <stddef.h>

enum {
    TICK_NS = 5000000,
    /* 20 ms: on an interface of 256 kbit/s 10 datagrams of 64 bytes leave in that time, and a
     * client that is answered within 100 ms is content. */
    STILL_TICKS = 4,
    /* 250 ms: a datagram of 1,500 bytes leaves in that time on an interface of 48 kbit/s. */
    LONG_TICKS = 50,
};

/* ---- the list of those that are waited for ---- */

static void unlist(struct send_socket *sender)
{
    struct send_monitor *watch = sender->watch;
    for (struct send_socket **at = &watch->first; *at != NULL; at = &(*at)->next) {
        if (*at != sender)
            continue;
        *at = sender->next;
        break;
    }
    if (watch->first == NULL)
        loop_timer_once(&watch->timer, 0);
}

static void list(struct send_socket *sender)
{
    struct send_monitor *watch = sender->watch;
    if (watch->first == NULL)
        loop_timer_every(&watch->timer, TICK_NS / 1000000);
    sender->next = watch->first;
    watch->first = sender;
}

static void wake(struct send_socket *sender)
{
    struct loop_task *waiter = sender->waiter;
    if (waiter == NULL)
        return;
    unlist(sender);
    sender->waiter = NULL;
    loop_defer(sender->watch->loop, waiter);
}

/* ---- looking whether a queue stands still ---- */

/* What may be charged to sockets for datagrams that wait for an interface, asked for once a tick at
 * most. Where the kernel doesn't say, it may be anything. */
static uint64_t device_bytes(struct send_monitor *watch)
{
    if (!watch->device_bytes_known) {
        int error = device_queue_bytes(&watch->device_bytes);
        if (error == -EOPNOTSUPP) /* a kernel without queues of interfaces */
            watch->device_bytes = 0;
        else if (error != 0)
            watch->device_bytes = UINT64_MAX;
        watch->device_bytes_known = true;
    }
    return watch->device_bytes;
}

/* How much of what a socket holds stands still, since it waits for neighbours: what has not become
 * less for STILL_TICKS and is more than what waits for interfaces, or all of it after LONG_TICKS.
 * An interface may take longer than STILL_TICKS for a single datagram. */
static uint32_t still_bytes(struct send_socket *sender, int socket)
{
    uint32_t bytes = socket_queued_bytes(socket);
    sender->still_ticks = bytes < sender->last_bytes ? 0 : sender->still_ticks + 1;
    sender->last_bytes = bytes;
    if (sender->still_ticks >= LONG_TICKS)
        return bytes;
    if (sender->still_ticks == 0 || sender->still_ticks % STILL_TICKS != 0)
        return 0;
    /* What leaves the interfaces between the two questions is not taken for what stands still. */
    uint64_t moving = device_bytes(sender->watch);
    bytes = socket_queued_bytes(socket);
    return moving < bytes ? bytes - (uint32_t)moving : 0;
}

static void begin_to_look(struct send_socket *sender, int socket)
{
    sender->still_ticks = 0;
    sender->last_bytes = socket_queued_bytes(socket);
}

/* What the reserve holds that has not moved for long. */
static void look_at_reserve(struct send_socket *sender)
{
    uint32_t still = still_bytes(sender, sender->reserve);
    if (sender->last_bytes < sender->reserve_still_bytes)
        sender->reserve_still_bytes = sender->last_bytes;
    if (still > sender->reserve_still_bytes)
        sender->reserve_still_bytes = still;
    if (sender->still_ticks >= LONG_TICKS)
        sender->still_ticks = 0;
}

static bool reserve_has_room(const struct send_socket *sender)
{
    uint32_t bytes = socket_queued_bytes(sender->reserve);
    return bytes < sender->reserve_still_bytes ||
           bytes - sender->reserve_still_bytes < sender->room_bytes;
}

/* Where the kernel can't watch the socket, it is tried again whenever the queue has shrunk. */
static bool is_worth_trying(const struct send_socket *sender)
{
    return sender->handler.loop == NULL &&
           (sender->reserve < 0 || sender->still_ticks == 0 || sender->last_bytes == 0);
}

static void look(struct send_socket *sender)
{
    if (sender->stands_still) {
        look_at_reserve(sender);
        wake(sender);
    } else if (sender->reserve >= 0 && still_bytes(sender, sender->socket) > 0) {
        sender->stands_still = true;
        sender->reserve_still_bytes = 0;
        begin_to_look(sender, sender->reserve);
        wake(sender);
    } else if (is_worth_trying(sender)) {
        wake(sender);
    }
}

static void on_tick(void *state)
{
    struct send_monitor *watch = state;
    watch->device_bytes_known = false;
    for (struct send_socket *sender = watch->first, *next; sender != NULL; sender = next) {
        next = sender->next;
        look(sender);
    }
}

/* The socket has room: half of its buffer is free. */
static void on_writable(void *state, unsigned events)
{
    struct send_socket *sender = state;
    (void)events;
    sender->stands_still = false;
    loop_remove(&sender->handler);
    wake(sender);
}

/* ---- sending ---- */

static void wait_for_room(struct send_socket *sender, struct loop_task *waiter)
{
    if (sender->waiter == NULL)
        list(sender);
    sender->waiter = waiter;
    /* Where the kernel can't watch it, a tick finds the queue shrunk, or standing still. */
    if (sender->socket >= 0 && sender->handler.loop == NULL)
        loop_add(sender->watch->loop, &sender->handler, sender->socket, LOOP_WRITE, on_writable,
                 sender);
}

int send_socket_send(struct send_socket *sender, struct batch *batch, struct loop_task *waiter)
{
    if (!sender->stands_still) {
        if (batch_send(batch, sender->socket) == 0)
            return 0;
        if (sender->waiter == NULL)
            begin_to_look(sender, sender->socket);
    } else if (reserve_has_room(sender) && batch_send(batch, sender->reserve) == 0) {
        return 0;
    }
    wait_for_room(sender, waiter);
    return -EAGAIN;
}

/* ---- from start to stop ---- */

void send_socket_open(struct send_socket *sender, struct send_monitor *watch, int socket,
                      int reserve)
{
    *sender = (struct send_socket){.watch = watch,
                                   .socket = socket,
                                   .reserve = reserve,
                                   .room_bytes = socket_send_room(socket)};
}

void send_socket_open_limited(struct send_socket *sender, struct send_monitor *watch, int socket,
                              uint32_t room_bytes)
{
    *sender = (struct send_socket){.watch = watch,
                                   .socket = -1,
                                   .reserve = socket,
                                   .room_bytes = room_bytes,
                                   .stands_still = true};
}

void send_socket_close(struct send_socket *sender)
{
    if (sender->watch == NULL)
        return;
    if (sender->waiter != NULL)
        unlist(sender);
    sender->waiter = NULL;
    loop_remove(&sender->handler);
}

void send_socket_renew(struct send_socket *sender)
{
    if (sender->watch == NULL)
        return;
    loop_remove(&sender->handler);
    sender->stands_still = sender->socket < 0; /* a limited one has no other */
    wake(sender);
}

int send_monitor_open(struct send_monitor *watch, struct loop *loop)
{
    *watch = (struct send_monitor){.loop = loop};
    return loop_timer_open(loop, &watch->timer, on_tick, watch);
}

void send_monitor_close(struct send_monitor *watch)
{
    loop_timer_close(&watch->timer);
}
