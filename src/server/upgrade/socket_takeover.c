#include "server/upgrade/socket_takeover.h"

#include "net/socket/reuseport_group.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/socket_option.h"
#include "os/log/log.h"
#include "server/listen/unicast_takeover.h"
#include "server/workers/worker_updates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- more or fewer workers ---- */

/* Has the workers use their new sockets, and closes those that they could not take. Returns 0 or
 * -ENOBUFS: the worker would have a placeholder, for which the kernel would choose it nevertheless.
 */
static int give(const struct workers *workers, const struct listeners *listeners, size_t i,
                struct listener *fresh)
{
    int error = 0;
    for (size_t k = listeners->list[i].inherited; k < workers->count; k++) {
        worker_take_sockets(workers->list[k], i, &fresh->sockets[k], &fresh->senders[k]);
        if (fresh->sockets[k] < 0)
            continue;
        socket_close(fresh->sockets[k]);
        send_socket_set_close(&fresh->senders[k]);
        error = -ENOBUFS;
    }
    free(fresh->sockets);
    free(fresh->senders);
    if (error != 0)
        log_event(LOG_LEVEL_ERROR, "cannot add a worker to a socket in use", "address",
                  listeners->list[i].text, "reason", "its descriptor cannot be replaced", "advice",
                  "upgrade again, or restart udpsrv", NULL);
    return error;
}

int socket_takeover_grow(const struct workers *workers, const struct listeners *listeners,
                         const struct config *config)
{
    int error = 0;
    for (size_t i = 0; i < listeners->unicast_count && error == 0; i++) {
        struct listener fresh;
        if (!unicast_takeover_must_grow(listeners, &listeners->list[i]))
            continue;
        error = unicast_takeover_grow(listeners, &listeners->list[i], config, &fresh);
        if (error == 0)
            error = give(workers, listeners, i, &fresh);
    }
    return error;
}

/* What waits in the sockets of workers that are no more. Any worker may answer it; whether it may
 * register the client, it decides itself. */
static void answer_waiting(const struct workers *workers, const struct inherited_listener *entry)
{
    for (size_t k = workers->count; k < entry->socket_count; k++)
        worker_answer_waiting(workers->list[k % workers->count], entry->listener,
                              entry->sockets[k]);
}

/* What the new sockets that only send have received before they were connected. */
static void answer_strays(const struct workers *workers, const struct listeners *listeners,
                          size_t i)
{
    for (size_t k = listeners->list[i].inherited; k < workers->count; k++) {
        int error = send_socket_set_drop_received(&listeners->list[i].senders[k]);
        if (error != 0)
            log_event(LOG_LEVEL_ERROR, "a socket that only sends may receive datagrams", "address",
                      listeners->list[i].text, "reason", socket_option_error(-error), "advice",
                      "restart udpsrv", NULL);
        worker_answer_strays(workers->list[k], i);
    }
}

/* Whether the listener of the process before is one of this one. */
static bool is_used(const struct inherited_listener *entry)
{
    return entry->kind == INHERITED_UNICAST && entry->is_used;
}

void socket_takeover_end(const struct workers *workers, const struct listeners *listeners,
                         struct inherited_sockets *inherited)
{
    bool is_changed = false;
    for (size_t i = 0; i < listeners->unicast_count; i++)
        is_changed |= unicast_takeover_is_changed(listeners, &listeners->list[i]);
    for (size_t i = 0; i < inherited->count; i++)
        if (is_used(&inherited->list[i]))
            unicast_takeover_leave(listeners, &inherited->list[i]);
    if (is_changed)
        reuseport_group_await_delivery();
    for (size_t i = 0; i < inherited->count; i++)
        if (is_used(&inherited->list[i]))
            answer_waiting(workers, &inherited->list[i]);
    for (size_t i = 0; i < listeners->unicast_count; i++)
        if (listeners->list[i].inherited != 0)
            answer_strays(workers, listeners, i);
    inherited_sockets_end(inherited);
}
