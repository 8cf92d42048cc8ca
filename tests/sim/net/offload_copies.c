/* net/offload/offload_copies in memory, in the tables of the program (sim/net/offload_program). */
#include "net/offload/offload_copies.h"

#include "sim/check/observe.h"
#include "sim/check/payload.h"
#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/net/network.h"
#include "sim/net/offload_program.h"
#include "sim/world/faults.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

uint32_t offload_copies_senders(const struct offload *offload)
{
    return program_of(offload)->sender_count;
}

/* The part of the tables that a worker uses. */
static struct program_sender *sender_of(struct offload *offload, uint32_t worker)
{
    struct program *program = program_of(offload);
    if (worker >= program->sender_count)
        broken_promise("only workers that have a part of the tables send copies",
                       "worker %" PRIu32 " of %" PRIu32, worker, program->sender_count);
    return &program->senders[worker];
}

int offload_copies_set_message(struct offload *offload, uint32_t worker, uint32_t number,
                               const uint8_t *bytes, size_t size)
{
    struct program_sender *sender = sender_of(offload, worker);
    if (number >= OFFLOAD_COPY_MESSAGES)
        broken_promise("the program of copies has so many messages", "number %" PRIu32, number);
    if (size > OFFLOAD_MESSAGE_BYTES)
        return -EMSGSIZE;
    sender->messages[number].size = (uint32_t)size;
    if (size > 0)
        memcpy(sender->messages[number].bytes, bytes, size);
    return 0;
}

struct offload_copy *offload_copies(struct offload *offload, uint32_t worker)
{
    return sender_of(offload, worker)->copies;
}

/* ---- what is checked ---- */

static void check_user(uint32_t number)
{
    int worker = scheduler_worker_of(scheduler_current()) + broken_now("frame-worker", 20);
    if (worker != (int)number)
        broken_promise("each worker uses its own sender of copies",
                       "worker %d uses that of worker %" PRIu32, worker, number);
}

static void check_copies(const struct program_sender *sender, uint32_t count)
{
    if (count == 0 || count > OFFLOAD_COPIES_MAX)
        broken_promise("a call sends 1 to 512 copies", "%" PRIu32, count);
    for (uint32_t i = 0; i < count; i++)
        if (sender->copies[i].is_made != 0 || sender->copies[i].message >= OFFLOAD_COPY_MESSAGES)
            broken_promise("a copy is whole before it is sent", "copy %" PRIu32 " of %" PRIu32, i,
                           count);
}

/* The number of the operator's broadcast that plain copies are sent of; 0: they are of none. */
static uint32_t broadcast_of(const struct program_sender *sender, uint32_t count)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct offload_message *message = &sender->messages[sender->copies[i].message];
        if (payload_read_broadcast(message->bytes, message->size, &number))
            return number;
    }
    return 0;
}

/* A refusal may last: the rest of the copies leave by sockets. */
static void check_refused(struct program_sender *sender, uint32_t number, bool is_refused)
{
    if (number == 0)
        return;
    if (number == sender->refused || broken_now("frame-refused", 20))
        broken_promise("a broadcast whose frames were refused goes on by sockets",
                       "broadcast %" PRIu32 " has frames again", number);
    if (is_refused)
        sender->refused = number;
}

/* ---- sending ---- */

static struct addr address_of(const uint32_t words[4], uint16_t port, bool is_ipv6)
{
    struct addr addr;
    memset(&addr, 0, sizeof addr);
    memcpy(addr.ip, words, is_ipv6 ? 16 : 4);
    addr.family = is_ipv6 ? ADDR_IPV6 : ADDR_IPV4;
    addr.port = ntohs(port);
    return addr;
}

/* The frame of a copy, as it is on the link. */
static struct observed_frame frame_of(const struct program_sender *sender,
                                      const struct offload_copy *copy)
{
    const struct offload_message *message = &sender->messages[copy->message];
    struct observed_frame frame = {
        .from = address_of(copy->from, copy->from_port, copy->is_ipv6 != 0),
        .to = address_of(copy->to, copy->to_port, copy->is_ipv6 != 0),
        .interface = copy->interface,
        .bytes = message->bytes,
        .size = message->size,
    };
    memcpy(frame.ethernet_from, copy->ethernet_from, sizeof frame.ethernet_from);
    memcpy(frame.ethernet_to, copy->ethernet_to, sizeof frame.ethernet_to);
    frame.size -= broken_now("frame-message", 20);
    frame.to.port ^= broken_now("frame-client", 20);
    frame.from.ip[copy->is_ipv6 != 0 ? 15 : 3] ^= broken_now("frame-source", 20);
    frame.ethernet_from[5] ^= broken_now("frame-sender", 20);
    return frame;
}

/* The program has made a frame; what becomes of it, the server does not learn. */
static void send_frame(const struct program_sender *sender, struct offload_copy *copy)
{
    bool is_lost = broken_now("frame-lost", 20);
    struct observed_frame frame = frame_of(sender, copy);
    trace(TRACE_FRAME, frame.from.port, frame.size, frame.to.port, frame.interface);
    if (!is_lost) {
        observe_frame(&frame);
        network_frame(frame.interface, &frame.from, &frame.to, frame.bytes, frame.size);
    }
    copy->is_made = !broken_now("frame-twice", 20);
}

/* The call may fail before a copy, with all that follow; or the program makes some of them only. */
int offload_copies_send(struct offload *offload, uint32_t worker, uint32_t count)
{
    struct program_sender *sender = sender_of(offload, worker);
    int error = faults_refuse_frames();
    bool makes_some = error != 0 && draw_below(DRAW_FAULTS, 2) == 0;
    uint32_t end = error != 0 && !makes_some ? (uint32_t)draw_below(DRAW_FAULTS, count) : count;
    check_user(worker);
    check_copies(sender, count);
    bool is_refused = end < count;
    uint32_t number = broadcast_of(sender, count);
    for (uint32_t i = 0; i < end; i++) {
        if (makes_some && draw_below(DRAW_FAULTS, 2) == 0)
            is_refused = true;
        else
            send_frame(sender, &sender->copies[i]);
    }
    check_refused(sender, number, is_refused);
    return makes_some ? 0 : error;
}
