/* Clients that say that they leave. */
#include "load/leave.h"

#include "net/batch.h"
#include "wire/frame.h"

#include <stdlib.h>

struct leave {
    const struct clients *clients;
    struct batch *batch;
    uint32_t next;              /* the first client that has not left */
    uint32_t picked[BATCH_MAX]; /* who is in the batch */
    uint8_t frame[FRAME_CHALLENGE_BYTES];
};

struct leave *leave_new(const struct clients *clients)
{
    struct leave *leave = calloc(1, sizeof *leave);
    if (!leave)
        return NULL;
    leave->clients = clients;
    leave->batch = batch_new(0);
    if (!leave->batch) {
        free(leave);
        return NULL;
    }
    clients_prepare(clients, leave->batch, leave->frame, frame_leave(leave->frame, NULL));
    return leave;
}

void leave_free(struct leave *leave)
{
    if (!leave)
        return;
    batch_free(leave->batch);
    free(leave);
}

/* Fills the batch with up to most frames of clients that share a socket. Returns how many. */
static uint32_t gather(struct leave *leave, const struct copies *copies, uint32_t most,
                       uint32_t *socket)
{
    const struct clients *clients = leave->clients;
    uint32_t count = 0, room = clients->by_address ? BATCH_MAX : 1;
    room = most < room ? most : room;
    for (; leave->next < clients->count && count < room; leave->next++) {
        if (!copies_is_registered(copies, leave->next))
            continue;
        uint32_t ip = 0, its = clients_socket(clients, leave->next, &ip);
        if (count > 0 && its != *socket)
            break;
        *socket = its;
        leave->picked[count++] = leave->next;
        batch_again(leave->batch, ip);
    }
    return count;
}

bool leave_send(struct leave *leave, const struct copies *copies, uint32_t most)
{
    uint32_t socket = 0;
    for (uint32_t count; most > 0 && (count = gather(leave, copies, most, &socket)) > 0;) {
        int error = batch_send(leave->batch, leave->clients->sockets[socket]);
        if (error)
            leave->next = leave->picked[batch_settled(leave->batch)];
        batch_clear(leave->batch);
        if (error)
            return true;
        most -= count;
    }
    return leave->next < leave->clients->count;
}
