#ifndef SERVER_MANAGER_NOTIFICATION_QUEUE_H
#define SERVER_MANAGER_NOTIFICATION_QUEUE_H

#include "os/loop/timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Notifications to a service manager (net/unix/notify_socket), in their order. Sending one never
 * waits: while the manager has no room, they wait here and are tried again every 10 ms. Errors are
 * logged once, and harm nothing. Used by the main thread. */

enum {
    NOTIFICATION_BYTES = 1024, /* with its NUL; systemd reads up to 4096 bytes */
    /* Waiting ones; a manager that has read none of them for so long loses the next ones. */
    NOTIFICATIONS_MAX = 8,
};

struct notification_queue {
    const char *address;     /* of the manager's socket, the caller's; NULL: there is no manager */
    int socket;              /* -1: not connected */
    bool is_logged;          /* an error was logged */
    struct loop_timer retry; /* opened by notification_queue_start */
    size_t count;            /* that wait, in waiting[0] and the next ones */
    char waiting[NOTIFICATIONS_MAX + 1][NOTIFICATION_BYTES];
};

/* Connects to the manager. The address outlives the queue; "": there is no manager. */
void notification_queue_open(struct notification_queue *queue, const char *address);

/* The same with a socket that is connected already; -1: it is connected when something is sent. */
void notification_queue_adopt(struct notification_queue *queue, const char *address, int socket);

/* Has the loop try again what waits. Before that, only the next send does. Returns 0 or -errno. */
int notification_queue_start(struct notification_queue *queue, struct loop *loop);

/* Sends a text of less than NOTIFICATION_BYTES bytes: lines VARIABLE=VALUE with newlines between
 * them. Does nothing without a manager. */
void notification_queue_send(struct notification_queue *queue, const char *text);

/* The same for a notification that is repeated anyway, such as a sign of life: it is left out if
 * half of the places are taken, so that others have a place. Returns whether it is
 * sent or waits. */
bool notification_queue_send_repeated(struct notification_queue *queue, const char *text);

/* The same for the last one of a process that leaves, which has a place of its own. */
void notification_queue_send_last(struct notification_queue *queue, const char *text);

/* Sends what waits, and waits for room until it is until_ms of clock_now_ms. Returns whether
 * nothing waits any more; otherwise that is logged. */
bool notification_queue_flush(struct notification_queue *queue, uint64_t until_ms);

/* Tries once more what waits, and closes the socket. Call it before the loop is freed. */
void notification_queue_close(struct notification_queue *queue);

#endif
