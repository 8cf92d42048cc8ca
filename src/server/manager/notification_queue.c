#include "server/manager/notification_queue.h"

#include "net/unix/notify_socket.h"
#include "os/log/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RETRY_NS = 10000000 };

static void log_once(struct notification_queue *queue, int error)
{
    if (!queue->is_logged)
        log_event(LOG_LEVEL_WARNING, "cannot notify the service manager", "socket", queue->address,
                  "reason", strerror(-error), "advice",
                  "look at what set NOTIFY_SOCKET, and whether udpsrv may write to that socket",
                  NULL);
    queue->is_logged = true;
}

static void disconnect(struct notification_queue *queue)
{
    if (queue->socket >= 0)
        notify_socket_close(queue->socket);
    queue->socket = -1;
}

/* Returns 0 or -errno. */
static int connect_if_needed(struct notification_queue *queue)
{
    if (queue->socket >= 0)
        return 0;
    int socket = notify_socket_open(queue->address);
    if (socket < 0)
        return socket;
    queue->socket = socket;
    return 0;
}

/* Returns 0 or -errno. A manager that was started again has another socket at its address. */
static int send_now(struct notification_queue *queue, const char *text)
{
    bool was_connected = queue->socket >= 0;
    int error = connect_if_needed(queue);
    if (error == 0)
        error = notify_socket_send(queue->socket, text);
    if (error == 0 || notify_socket_is_full(error))
        return error;
    disconnect(queue);
    if (was_connected && connect_if_needed(queue) == 0)
        error = notify_socket_send(queue->socket, text);
    return error;
}

/* Sends what waits as long as there is room. What the manager cannot get is lost. Returns 0, or
 * -errno why there is no room. */
static int send_waiting(struct notification_queue *queue)
{
    size_t sent = 0;
    int error = 0;
    for (; sent < queue->count; sent++) {
        error = send_now(queue, queue->waiting[sent]);
        if (error != 0 && error != -EAGAIN)
            log_once(queue, error);
        if (notify_socket_is_full(error))
            break;
    }
    queue->count -= sent;
    memmove(queue->waiting[0], queue->waiting[sent], queue->count * sizeof queue->waiting[0]);
    if (queue->count > 0 && queue->retry.handler.loop != NULL)
        loop_timer_once(&queue->retry, RETRY_NS);
    return queue->count > 0 ? error : 0;
}

static void on_retry(void *state)
{
    send_waiting(state);
}

void notification_queue_open(struct notification_queue *queue, const char *address)
{
    *queue = (struct notification_queue){.socket = -1};
    if (address[0] == '\0')
        return;
    queue->address = address;
    int error = connect_if_needed(queue);
    if (error != 0)
        log_once(queue, error);
}

void notification_queue_adopt(struct notification_queue *queue, const char *address, int socket)
{
    *queue = (struct notification_queue){.socket = socket};
    if (address[0] != '\0')
        queue->address = address;
}

int notification_queue_start(struct notification_queue *queue, struct loop *loop)
{
    if (queue->address == NULL)
        return 0;
    int error = loop_timer_open(loop, &queue->retry, on_retry, queue);
    if (error == 0)
        send_waiting(queue);
    return error;
}

/* Sends a text unless so many wait already. Returns whether it is sent or waits. */
static bool send_below(struct notification_queue *queue, const char *text, size_t most)
{
    if (queue->address == NULL)
        return true;
    if (queue->count >= most)
        send_waiting(queue);
    if (queue->count >= most) {
        log_once(queue, -EAGAIN);
        return false;
    }
    snprintf(queue->waiting[queue->count++], NOTIFICATION_BYTES, "%s", text);
    send_waiting(queue);
    return true;
}

void notification_queue_send(struct notification_queue *queue, const char *text)
{
    send_below(queue, text, NOTIFICATIONS_MAX);
}

bool notification_queue_send_repeated(struct notification_queue *queue, const char *text)
{
    return send_below(queue, text, NOTIFICATIONS_MAX / 2);
}

void notification_queue_send_last(struct notification_queue *queue, const char *text)
{
    send_below(queue, text, NOTIFICATIONS_MAX + 1);
}

bool notification_queue_flush(struct notification_queue *queue, uint64_t until_ms)
{
    if (queue->address == NULL)
        return true;
    int error = send_waiting(queue);
    while (error == -EAGAIN && notify_socket_await_room(queue->socket, until_ms))
        error = send_waiting(queue);
    if (error != 0)
        log_once(queue, error);
    return error == 0;
}

void notification_queue_close(struct notification_queue *queue)
{
    if (queue->address == NULL)
        return;
    send_waiting(queue);
    if (queue->count > 0)
        log_once(queue, -EAGAIN);
    loop_timer_close(&queue->retry);
    disconnect(queue);
    queue->address = NULL;
}
