#include "server/broadcast/blocked_sockets.h"

#include "os/process/memory.h"

#include <errno.h>
#include <string.h>

#define NO_SLOT UINT32_MAX /* as first_due: all clients of the socket have their copies */

int blocked_sockets_init(struct blocked_sockets *sockets, uint32_t capacity)
{
    sockets->done_bytes = ((size_t)registry_slots(capacity) + 63) / 64 * sizeof(uint64_t);
    sockets->done = memory_reserve(sockets->done_bytes, 0);
    return sockets->done != NULL ? 0 : -errno;
}

void blocked_sockets_free(struct blocked_sockets *sockets)
{
    if (sockets->done != NULL)
        memory_release(sockets->done, sockets->done_bytes);
}

static void reset_done(struct blocked_sockets *sockets)
{
    size_t first = sockets->done_below / 64, end = ((size_t)sockets->done_end + 63) / 64;
    if (first < end)
        memset(&sockets->done[first], 0, (end - first) * sizeof sockets->done[0]);
    sockets->done_below = sockets->done_end = 0;
}

void blocked_sockets_reset(struct blocked_sockets *sockets)
{
    sockets->blocked_count = 0;
    memset(sockets->blocked, 0, sizeof sockets->blocked);
    sockets->has_skipped = false;
    reset_done(sockets);
    memset(sockets->first_due, 0, sizeof sockets->first_due);
}

void blocked_sockets_skip(struct blocked_sockets *sockets, struct registry_walk *walk,
                          size_t socket, const struct client *client)
{
    uint32_t first = NO_SLOT;
    if (!sockets->has_skipped)
        sockets->done_below = client->slot;
    sockets->has_skipped = true;
    sockets->blocked_count += !sockets->blocked[socket];
    sockets->blocked[socket] = true;
    sockets->first_due[socket] = client->slot;
    for (size_t i = 0; i < COPY_SOCKETS_MAX; i++)
        if (!sockets->blocked[i] && sockets->first_due[i] < first)
            first = sockets->first_due[i];
    if (first == NO_SLOT)
        walk->ended = true;
    else if (walk->next < first)
        walk->next = first;
}

void blocked_sockets_return_to(struct blocked_sockets *sockets, struct registry_walk *walk,
                               const struct client *client)
{
    if (!sockets->has_skipped)
        sockets->done_below = client->slot;
    sockets->has_skipped = true;
    registry_walk_rewind(walk, client);
}

void blocked_sockets_rewind(struct blocked_sockets *sockets, struct registry_walk *walk)
{
    uint32_t here = walk->ended ? NO_SLOT : walk->next, first = here;
    for (size_t i = 0; i < COPY_SOCKETS_MAX; i++) {
        if (!sockets->blocked[i])
            sockets->first_due[i] = sockets->first_due[i] > here ? sockets->first_due[i] : here;
        else if (sockets->first_due[i] < first)
            first = sockets->first_due[i];
    }
    sockets->blocked_count = 0;
    memset(sockets->blocked, 0, sizeof sockets->blocked);
    registry_walk_rewind(walk, &(struct client){.slot = first});
}

void blocked_sockets_mark_done(struct blocked_sockets *sockets, const struct client *clients,
                               uint32_t count)
{
    for (uint32_t i = 0; sockets->has_skipped && i < count; i++) {
        uint32_t slot = clients[i].slot;
        if (slot < sockets->done_below) /* reset_done clears no bit of it */
            continue;
        sockets->done[slot / 64] |= UINT64_C(1) << slot % 64;
        if (slot >= sockets->done_end)
            sockets->done_end = slot + 1;
    }
}

/* ---- the handover ---- */

/* The words of the bits are those of this host, where both processes run. */
static void first_and_count(const struct blocked_sockets *sockets, size_t *first, size_t *count)
{
    size_t end = ((size_t)sockets->done_end + 63) / 64;
    *first = sockets->done_below / 64;
    *count = end > *first ? end - *first : 0;
}

void blocked_sockets_hand_over(const struct blocked_sockets *sockets,
                               const struct registry_walk *walk, struct handover_writer *writer)
{
    struct blocked_sockets unblocked = *sockets;
    struct registry_walk from = *walk;
    size_t first, count;
    if (sockets->blocked_count != 0)
        blocked_sockets_rewind(&unblocked, &from);
    handover_put32(writer, from.next);
    handover_put8(writer, from.ended);
    handover_put64(writer, from.joined_before);
    handover_put8(writer, sockets->has_skipped);
    handover_put32(writer, sockets->done_below);
    handover_put32(writer, sockets->done_end);
    first_and_count(sockets, &first, &count);
    handover_put_bytes(writer, &sockets->done[first], count * sizeof sockets->done[0]);
}

int blocked_sockets_take_over(struct blocked_sockets *sockets, struct registry_walk *walk,
                              struct handover_reader *reader)
{
    size_t first, count;
    walk->next = handover_get32(reader);
    walk->ended = handover_get8(reader) != 0;
    walk->joined_before = handover_get64(reader);
    sockets->has_skipped = handover_get8(reader) != 0;
    sockets->done_below = handover_get32(reader);
    sockets->done_end = handover_get32(reader);
    first_and_count(sockets, &first, &count);
    if (first + count > sockets->done_bytes / sizeof sockets->done[0]) {
        sockets->done_below = sockets->done_end = 0;
        return -EPROTO;
    }
    const uint8_t *done = handover_get_bytes(reader, count * sizeof sockets->done[0]);
    if (done != NULL && count > 0)
        memcpy(&sockets->done[first], done, count * sizeof sockets->done[0]);
    return reader->failed ? -EPROTO : 0;
}
