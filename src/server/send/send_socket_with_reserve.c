#include "server/send/send_socket_with_reserve.h"

#include "net/interface/device_queue.h"
#include "net/socket/socket_buffer.h"

#include <errno.h>
#include <stddef.h>

enum {
    TICK_NS = 5000000, /* 5 ms */
    /* 20 ms: an interface of 256 kbit/s sends 10 datagrams of 64 bytes in that time, and the goal
     * is to answer a client within 100 ms (docs/security.md). */
    STALLED_TICKS = 4,
    /* 250 ms: an interface of 48 kbit/s sends a datagram of 1,500 bytes in that time. */
    LONG_STALLED_TICKS = 50,
};

/* ---- the list of full sockets ---- */

static void unlist(struct send_socket *sender)
{
    struct send_monitor *monitor = sender->monitor;
    for (struct send_socket **at = &monitor->first; *at != NULL; at = &(*at)->next) {
        if (*at != sender)
            continue;
        *at = sender->next;
        break;
    }
    if (monitor->first == NULL)
        loop_timer_once(&monitor->timer, 0);
}

static void list(struct send_socket *sender)
{
    struct send_monitor *monitor = sender->monitor;
    if (monitor->first == NULL)
        loop_timer_every(&monitor->timer, TICK_NS / 1000000);
    sender->next = monitor->first;
    monitor->first = sender;
}

static void wake_waiter(struct send_socket *sender)
{
    struct loop_task *waiter = sender->waiter;
    if (waiter == NULL)
        return;
    unlist(sender);
    sender->waiter = NULL;
    loop_defer(sender->monitor->loop, waiter);
}

/* ---- detecting a stalled buffer ---- */

/* Returns how many bytes at most are charged to sockets for datagrams in the queues of interfaces.
 * Reads it at most once a tick. If the kernel does not report it, assumes the largest number. */
static uint64_t device_bytes(struct send_monitor *monitor)
{
    if (!monitor->device_bytes_known) {
        int error = device_queue_bytes(&monitor->device_bytes);
        if (error == -EOPNOTSUPP) /* this kernel has no queues of interfaces */
            monitor->device_bytes = 0;
        else if (error != 0)
            monitor->device_bytes = UINT64_MAX;
        monitor->device_bytes_known = true;
    }
    return monitor->device_bytes;
}

/* Samples a send buffer, and returns how many of its bytes are stalled, since they wait for
 * neighbours: all of them after LONG_STALLED_TICKS without a decrease; after STALLED_TICKS those
 * that exceed what waits for interfaces, as an interface may take longer for a single datagram. */
static uint32_t sample_stalled_bytes(struct send_socket *sender, int socket)
{
    uint32_t bytes = socket_send_buffer_used(socket);
    sender->stalled_ticks = bytes < sender->last_bytes ? 0 : sender->stalled_ticks + 1;
    sender->last_bytes = bytes;
    if (sender->stalled_ticks >= LONG_STALLED_TICKS)
        return bytes;
    if (sender->stalled_ticks == 0 || sender->stalled_ticks % STALLED_TICKS != 0)
        return 0;
    /* In this order, bytes that an interface sends between the two readings are not counted as
     * stalled. */
    uint64_t moving = device_bytes(sender->monitor);
    bytes = socket_send_buffer_used(socket);
    return moving < bytes ? bytes - (uint32_t)moving : 0;
}

static void begin_sampling(struct send_socket *sender, int socket)
{
    sender->stalled_ticks = 0;
    sender->last_bytes = socket_send_buffer_used(socket);
}

/* Updates how many bytes of the reserve are stalled. */
static void sample_reserve(struct send_socket *sender)
{
    uint32_t stalled = sample_stalled_bytes(sender, sender->reserve);
    if (sender->last_bytes < sender->reserve_stalled_bytes)
        sender->reserve_stalled_bytes = sender->last_bytes;
    if (stalled > sender->reserve_stalled_bytes)
        sender->reserve_stalled_bytes = stalled;
    if (sender->stalled_ticks >= LONG_STALLED_TICKS)
        sender->stalled_ticks = 0;
}

static bool reserve_has_space(const struct send_socket *sender)
{
    uint32_t bytes = socket_send_buffer_used(sender->reserve);
    return bytes < sender->reserve_stalled_bytes ||
           bytes - sender->reserve_stalled_bytes < sender->space_bytes;
}

/* If epoll does not watch the socket (loop_add failed), sending is tried again whenever the buffer
 * has emptied a little. */
static bool is_worth_trying(const struct send_socket *sender)
{
    return sender->handler.loop == NULL &&
           (sender->reserve < 0 || sender->stalled_ticks == 0 || sender->last_bytes == 0);
}

static void sample(struct send_socket *sender)
{
    if (sender->is_stalled) {
        sample_reserve(sender);
        wake_waiter(sender);
    } else if (sender->reserve >= 0 && sample_stalled_bytes(sender, sender->socket) > 0) {
        sender->is_stalled = true;
        sender->reserve_stalled_bytes = 0;
        begin_sampling(sender, sender->reserve);
        wake_waiter(sender);
    } else if (is_worth_trying(sender)) {
        wake_waiter(sender);
    }
}

static void on_tick(void *state)
{
    struct send_monitor *monitor = state;
    monitor->device_bytes_known = false;
    for (struct send_socket *sender = monitor->first, *next; sender != NULL; sender = next) {
        next = sender->next;
        sample(sender);
    }
}

/* The socket is writable: half of its buffer is free. */
static void on_writable(void *state, unsigned events)
{
    struct send_socket *sender = state;
    (void)events;
    sender->is_stalled = false;
    loop_remove(&sender->handler);
    wake_waiter(sender);
}

/* ---- sending ---- */

static void wait_for_space(struct send_socket *sender, struct loop_task *waiter)
{
    if (sender->waiter == NULL)
        list(sender);
    sender->waiter = waiter;
    /* If loop_add fails, the monitor wakes the waiter after sampling. */
    if (sender->socket >= 0 && sender->handler.loop == NULL)
        loop_add(sender->monitor->loop, &sender->handler, sender->socket, LOOP_WRITE, on_writable,
                 sender);
}

int send_socket_try(const struct send_socket *sender, struct batch *batch)
{
    if (!sender->is_stalled)
        return batch_send(batch, sender->socket);
    return reserve_has_space(sender) ? batch_send(batch, sender->reserve) : -EAGAIN;
}

int send_socket_send(struct send_socket *sender, struct batch *batch, struct loop_task *waiter)
{
    if (send_socket_try(sender, batch) == 0)
        return 0;
    if (!sender->is_stalled && sender->waiter == NULL)
        begin_sampling(sender, sender->socket);
    wait_for_space(sender, waiter);
    return -EAGAIN;
}

/* ---- from start to stop ---- */

void send_socket_open(struct send_socket *sender, struct send_monitor *monitor, int socket,
                      int reserve)
{
    *sender = (struct send_socket){.monitor = monitor,
                                   .socket = socket,
                                   .reserve = reserve,
                                   .space_bytes = socket_send_buffer_limit(socket)};
}

void send_socket_open_limited(struct send_socket *sender, struct send_monitor *monitor, int socket,
                              uint32_t space_bytes)
{
    *sender = (struct send_socket){.monitor = monitor,
                                   .socket = -1,
                                   .reserve = socket,
                                   .space_bytes = space_bytes,
                                   .is_stalled = true};
}

void send_socket_resized(struct send_socket *sender)
{
    if (sender->socket >= 0)
        sender->space_bytes = socket_send_buffer_limit(sender->socket);
}

void send_socket_close(struct send_socket *sender)
{
    if (sender->monitor == NULL)
        return;
    if (sender->waiter != NULL)
        unlist(sender);
    sender->waiter = NULL;
    loop_remove(&sender->handler);
}

void send_socket_renew(struct send_socket *sender)
{
    if (sender->monitor == NULL)
        return;
    loop_remove(&sender->handler);
    sender->is_stalled = sender->socket < 0; /* a limited one has only the reserve */
    wake_waiter(sender);
}

int send_monitor_open(struct send_monitor *monitor, struct loop *loop)
{
    *monitor = (struct send_monitor){.loop = loop};
    return loop_timer_open(loop, &monitor->timer, on_tick, monitor);
}

void send_monitor_close(struct send_monitor *monitor)
{
    loop_timer_close(&monitor->timer);
}
