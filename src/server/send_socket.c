/* A socket that sends: waiting for room, and the reserve for when what it holds stands still. */
#include "server/send_socket.h"

#include "net/socket.h"

#include <errno.h>
#include <stddef.h>

enum {
    TICK_NS = 5000000,
    /* 20 ms: on an interface of 256 kbit/s 10 datagrams of 64 bytes leave in that time, and a
     * client that is answered within 100 ms is content. */
    STILL_TICKS = 4,
};

/* ---- the list of those that are waited for ---- */

static void unlist(struct send_socket *sender)
{
    struct send_watch *watch = sender->watch;
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
    struct send_watch *watch = sender->watch;
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

/* Notes how much is queued. True when it has not become less for STILL_TICKS. */
static bool stood_still(struct send_socket *sender, uint32_t bytes)
{
    if (bytes < sender->last_bytes)
        sender->still_ticks = 0;
    else
        sender->still_ticks++;
    sender->last_bytes = bytes;
    return sender->still_ticks >= STILL_TICKS;
}

static void begin_to_look(struct send_socket *sender, int socket)
{
    sender->still_ticks = 0;
    sender->last_bytes = socket_queued_bytes(socket);
}

/* What the reserve holds that has not moved for long. */
static void look_at_reserve(struct send_socket *sender)
{
    uint32_t bytes = socket_queued_bytes(sender->reserve);
    if (bytes < sender->reserve_still_bytes)
        sender->reserve_still_bytes = bytes;
    if (stood_still(sender, bytes)) {
        sender->reserve_still_bytes = bytes;
        sender->still_ticks = 0;
    }
}

static bool reserve_has_room(const struct send_socket *sender)
{
    uint32_t bytes = socket_queued_bytes(sender->reserve);
    return bytes < sender->reserve_still_bytes ||
           bytes - sender->reserve_still_bytes < sender->room_bytes;
}

static void look(struct send_socket *sender)
{
    if (sender->reserve < 0) {
        if (sender->handler.loop == NULL) /* the kernel could not watch it */
            wake(sender);
    } else if (sender->stands_still) {
        look_at_reserve(sender);
        wake(sender);
    } else if (stood_still(sender, socket_queued_bytes(sender->socket))) {
        sender->stands_still = true;
        sender->reserve_still_bytes = 0;
        begin_to_look(sender, sender->reserve);
        wake(sender);
    }
}

static void on_tick(void *state)
{
    struct send_watch *watch = state;
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
    /* Where the kernel can't watch it, the next tick finds the queue shrunk, or standing still. */
    if (sender->handler.loop == NULL)
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

void send_socket_open(struct send_socket *sender, struct send_watch *watch, int socket, int reserve)
{
    *sender = (struct send_socket){.watch = watch,
                                   .socket = socket,
                                   .reserve = reserve,
                                   .room_bytes = socket_send_room(socket)};
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
    sender->stands_still = false;
    wake(sender);
}

int send_watch_open(struct send_watch *watch, struct loop *loop)
{
    *watch = (struct send_watch){.loop = loop};
    return loop_timer_open(loop, &watch->timer, on_tick, watch);
}

void send_watch_close(struct send_watch *watch)
{
    loop_timer_close(&watch->timer);
}
