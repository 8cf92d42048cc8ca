/* Clients that say that they leave. */
#include "load/send/leave_frames.h"

#include "net/message/datagram_batch.h"
#include "wire/frame.h"

#include <stdlib.h>

struct leave_frames {
    const struct simulated_clients *clients;
    struct batch *batch, *ping;
    uint32_t next;              /* the first client that has not left */
    uint32_t picked[BATCH_MAX]; /* who is in the batch */
    uint8_t frame[FRAME_CHALLENGE_BYTES], ping_frame[FRAME_PONG_BYTES_MAX];
};

struct leave_frames *leave_frames_new(const struct simulated_clients *clients)
{
    struct leave_frames *leave = calloc(1, sizeof *leave);
    if (!leave)
        return NULL;
    leave->clients = clients;
    leave->batch = batch_new(0);
    leave->ping = batch_new(0);
    if (!leave->batch || !leave->ping) {
        leave_frames_free(leave);
        return NULL;
    }
    simulated_clients_prepare(clients, leave->batch, leave->frame,
                              frame_write_leave(leave->frame, NULL));
    simulated_clients_prepare(clients, leave->ping, leave->ping_frame,
                              frame_write_ping(leave->ping_frame, NULL, 0));
    return leave;
}

void leave_frames_free(struct leave_frames *leave)
{
    if (!leave)
        return;
    batch_free(leave->batch);
    batch_free(leave->ping);
    free(leave);
}

/* Fills the batch with up to most frames of clients that share a socket. Returns how many. */
static uint32_t gather(struct leave_frames *leave, const struct copy_counts *copies, uint32_t most,
                       uint32_t *socket)
{
    const struct simulated_clients *clients = leave->clients;
    uint32_t count = 0, room = clients->by_address ? BATCH_MAX : 1;
    room = most < room ? most : room;
    for (; leave->next < clients->count && count < room; leave->next++) {
        if (!copy_counts_is_registered(copies, leave->next))
            continue;
        uint32_t ip = 0, its = simulated_clients_socket(clients, leave->next, &ip);
        if (count > 0 && its != *socket)
            break;
        *socket = its;
        leave->picked[count++] = leave->next;
        batch_again(leave->batch, ip);
    }
    return count;
}

/* Asks the server, from the client whose frame was the last one, whether it has come so far. */
static bool ask(struct leave_frames *leave, uint32_t client)
{
    uint32_t ip = 0, socket = simulated_clients_socket(leave->clients, client, &ip);
    batch_again(leave->ping, ip);
    bool sent = batch_send(leave->ping, leave->clients->sockets[socket]) == 0;
    batch_clear(leave->ping);
    return sent;
}

bool leave_frames_send(struct leave_frames *leave, const struct copy_counts *copies, uint32_t most,
                       bool *asked)
{
    uint32_t socket = 0, last = SIMULATED_CLIENTS_NONE;
    int error = 0;
    for (uint32_t count; !error && most > 0 && (count = gather(leave, copies, most, &socket)) > 0;
         most -= count) {
        error = batch_send(leave->batch, leave->clients->sockets[socket]);
        if (!error)
            last = leave->picked[count - 1];
        else
            leave->next = leave->picked[batch_settled(leave->batch)];
        batch_clear(leave->batch);
    }
    *asked = last != SIMULATED_CLIENTS_NONE && ask(leave, last);
    return leave->next < leave->clients->count;
}

bool leave_frames_is_answer(const struct datagram *datagram)
{
    return frame_has_magic(datagram->bytes, datagram->size) &&
           frame_read(datagram->bytes, datagram->size).type == FRAME_PONG;
}
