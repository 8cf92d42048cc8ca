#include "load/send/leave_frames.h"

#include "load/send/client_batch.h"
#include "net/message/datagram_batch.h"
#include "wire/frame.h"

#include <stdlib.h>

enum {
    STEP_NS = 1000 * 1000,
    PONG_TIMEOUT_NS = 100 * 1000 * 1000,
    /* After this number of lost pongs in succession, the steps no longer wait for one. */
    MISSED_PONGS_MAX = 3,
};

struct leave_frames {
    const struct simulated_clients *clients;
    struct client_batch batch;
    struct batch *ping;
    uint32_t next; /* the first client that has not left */
    uint8_t frame[FRAME_CHALLENGE_BYTES], ping_frame[FRAME_PONG_BYTES_MAX];

    uint32_t step; /* frames in one */
    uint64_t due_ns, pong_timeout_ns;
    bool awaits_pong;
    uint32_t missed_pongs; /* in succession */
    bool sent_all;
};

struct leave_frames *leave_frames_new(const struct simulated_clients *clients)
{
    struct leave_frames *leave = calloc(1, sizeof *leave);
    if (!leave)
        return NULL;
    leave->clients = clients;
    leave->ping = batch_new(0);
    int error = client_batch_open(&leave->batch, clients, leave->frame,
                                  frame_write_leave(leave->frame, NULL));
    if (error != 0 || leave->ping == NULL) {
        leave_frames_free(leave);
        return NULL;
    }
    simulated_clients_prepare(clients, leave->ping, leave->ping_frame,
                              frame_write_ping(leave->ping_frame, NULL, 0));
    return leave;
}

void leave_frames_free(struct leave_frames *leave)
{
    if (!leave)
        return;
    client_batch_close(&leave->batch);
    batch_free(leave->ping);
    free(leave);
}

void leave_frames_start(struct leave_frames *leave, uint64_t now_ns, uint64_t took_ns,
                        uint32_t max_step)
{
    uint64_t step = (uint64_t)leave->clients->count * STEP_NS / took_ns;
    step = step < max_step ? step : max_step;
    leave->step = step > 0 ? (uint32_t)step : 1;
    leave->due_ns = now_ns;
}

uint64_t leave_frames_next_ns(const struct leave_frames *leave)
{
    bool waits = leave->awaits_pong && leave->missed_pongs < MISSED_PONGS_MAX;
    return waits ? leave->pong_timeout_ns : leave->due_ns;
}

/* Queues up to most frames of the next clients that share a socket. Returns whether there are any.
 */
static bool fill_batch(struct leave_frames *leave, const struct copy_counts *copies, uint32_t most)
{
    for (; leave->next < leave->clients->count && leave->batch.count < most; leave->next++)
        if (copy_counts_is_registered(copies, leave->next) &&
            !client_batch_add(&leave->batch, leave->next))
            break;
    return leave->batch.count > 0;
}

/* Sends a ping from the client whose leave frame was the last one. The pong shows that the server
 * has handled the frames, or that another of its workers is about to. */
static bool send_ping(struct leave_frames *leave, uint32_t client)
{
    uint32_t ip = 0, socket = simulated_clients_socket(leave->clients, client, &ip);
    batch_repeat_from(leave->ping, ip);
    bool sent = batch_send(leave->ping, leave->clients->sockets[socket]) == 0;
    batch_clear(leave->ping);
    return sent;
}

static void send_step(struct leave_frames *leave, const struct copy_counts *copies)
{
    uint32_t last = SIMULATED_CLIENTS_NONE, most = leave->step;
    while (most > 0 && fill_batch(leave, copies, most)) {
        uint32_t queued = leave->batch.count, done = client_batch_send(&leave->batch);
        most -= queued;
        if (done < queued) {
            leave->next = leave->batch.picked[done];
            break;
        }
        last = leave->batch.picked[queued - 1];
    }
    leave->awaits_pong = last != SIMULATED_CLIENTS_NONE && send_ping(leave, last);
    leave->sent_all = leave->next >= leave->clients->count;
}

bool leave_frames_step(struct leave_frames *leave, const struct copy_counts *copies,
                       uint64_t now_ns)
{
    if (now_ns < leave_frames_next_ns(leave))
        return true;
    if (leave->sent_all)
        return false;
    leave->missed_pongs = leave->awaits_pong ? leave->missed_pongs + 1 : 0;
    leave->due_ns = now_ns + STEP_NS;
    leave->pong_timeout_ns = now_ns + PONG_TIMEOUT_NS;
    send_step(leave, copies);
    return true;
}

bool leave_frames_take_pong(struct leave_frames *leave, const struct datagram *datagram)
{
    bool is_pong = frame_has_magic(datagram->bytes, datagram->size) &&
                   frame_read(datagram->bytes, datagram->size).type == FRAME_PONG;
    if (is_pong)
        leave->awaits_pong = false;
    return is_pong;
}
