#include "server/upgrade/socket_takeover.h"

#include "net/socket/socket_descriptor.h"
#include "server/listen/unicast_takeover.h"
#include "server/workers/worker_updates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- dropped datagrams ---- */

void socket_takeover_put_drops(const struct workers *workers, const struct listeners *listeners,
                               struct handover_writer *writer)
{
    char text[CONFIG_LISTEN_TEXT_BYTES];
    handover_put8(writer, (uint8_t)listeners->unicast_count);
    handover_put16(writer, (uint16_t)workers->count);
    for (size_t i = 0; i < listeners->unicast_count; i++) {
        handover_put_text(writer, config_listen_text(listeners->list[i].config, text));
        for (size_t k = 0; k < workers->count; k++)
            handover_put32(writer, worker_drops(workers->list[k], i));
    }
}

/* Returns the number of the listener of that text which was inherited and not yet found, or the
 * number of the unicast listeners. */
static size_t find_listener(const struct listeners *listeners, const char *text, uint64_t found)
{
    char own[CONFIG_LISTEN_TEXT_BYTES];
    for (size_t i = 0; i < listeners->unicast_count; i++)
        if (listeners->list[i].inherited != 0 && !(found >> i & 1) &&
            strcmp(config_listen_text(listeners->list[i].config, own), text) == 0)
            return i;
    return listeners->unicast_count;
}

int socket_takeover_get_drops(const struct workers *workers, const struct listeners *listeners,
                              struct handover_reader *reader)
{
    uint64_t found = 0;
    size_t count = handover_get8(reader), worker_count = handover_get16(reader);
    for (size_t i = 0; i < count && !reader->failed; i++) {
        const char *text = handover_get_text(reader);
        if (text == NULL)
            return -EPROTO;
        size_t listener = find_listener(listeners, text, found);
        bool is_found = listener < listeners->unicast_count;
        found |= (uint64_t)is_found << (is_found ? listener : 0);
        for (size_t k = 0; k < worker_count; k++) {
            uint32_t drops = handover_get32(reader);
            if (is_found && k < workers->count && k < listeners->list[listener].inherited)
                worker_set_drops(workers->list[k], listener, drops);
        }
    }
    return handover_is_at_end(reader) ? 0 : -EPROTO;
}

/* ---- more or fewer workers ---- */

static void give(const struct workers *workers, const struct listeners *listeners, size_t i,
                 struct listener *fresh)
{
    for (size_t k = listeners->list[i].inherited; k < workers->count; k++) {
        worker_take_sockets(workers->list[k], i, &fresh->sockets[k], &fresh->senders[k]);
        if (fresh->sockets[k] >= 0) /* memory was short: its placeholder receives nothing */
            socket_close(fresh->sockets[k]);
    }
    free(fresh->sockets);
    free(fresh->senders);
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
            give(workers, listeners, i, &fresh);
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

void socket_takeover_end(const struct workers *workers, const struct listeners *listeners,
                         struct inherited_sockets *inherited)
{
    for (size_t i = 0; i < inherited->count; i++)
        if (inherited->list[i].kind == INHERITED_UNICAST && inherited->list[i].is_used)
            answer_waiting(workers, &inherited->list[i]);
    for (size_t i = 0; i < listeners->unicast_count; i++)
        for (size_t k = listeners->list[i].inherited; k < workers->count; k++)
            if (listeners->list[i].inherited != 0)
                worker_answer_strays(workers->list[k], i);
    inherited_sockets_end(inherited);
}
