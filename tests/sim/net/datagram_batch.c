/* net/message/datagram_batch in memory. */
#include "net/message/datagram_batch.h"

#include "net/message/datagram.h"
#include "sim/check/model.h"
#include "sim/check/observe.h"
#include "sim/check/payload.h"
#include "sim/check/restoring.h"
#include "sim/check/totals.h"
#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/core/trace.h"
#include "sim/net/udp.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct outgoing {
    struct addr to, local;
    const void *bytes;
    size_t size;
    int replied_to;
};

struct batch {
    size_t max_bytes;
    uint8_t *bytes;
    int received, queued, done;
    struct datagram datagrams[BATCH_MAX];
    bool is_earlier[BATCH_MAX]; /* it was received when there were other workers */
    struct outgoing out[BATCH_MAX];
    uint64_t refused;
    struct batch_counts counts;
    uint8_t scratch[BATCH_MAX][BATCH_SCRATCH_BYTES];
    int socket; /* that it was last sent by */
};

struct batch *batch_new(size_t max_datagram_bytes)
{
    struct batch *batch = faults_refuse_memory() ? NULL : calloc(1, sizeof *batch);
    if (batch == NULL)
        return NULL;
    batch->max_bytes = max_datagram_bytes;
    batch->bytes = malloc(max_datagram_bytes * BATCH_MAX + 1);
    return batch;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->bytes);
    free(batch);
}

/* ---- receiving ---- */

static void take(struct batch *batch, struct udp *udp)
{
    struct packet *packet = udp->first;
    int i = batch->received++;
    uint8_t *bytes = batch->bytes + (size_t)i * batch->max_bytes;
    struct datagram *datagram = &batch->datagrams[i];
    *datagram = (struct datagram){.bytes = bytes, .size = packet->size, .source = packet->from};
    if (datagram->size > batch->max_bytes) {
        datagram->size = (uint32_t)batch->max_bytes;
        datagram->truncated = true;
    }
    memcpy(bytes, packet->bytes, datagram->size);
    if (!addr_is_loopback(&udp->bound) && !addr_is_link_local(&udp->bound) && !udp->is_multicast) {
        datagram->local = packet->to;
        datagram->local.port = 0;
        datagram->local.scope = packet->interface;
        datagram->is_multicast = addr_is_multicast(&packet->to);
    }
    batch->is_earlier[i] = packet->shards != udp->shards;
    udp->first = packet->next;
    if (udp->first == NULL)
        udp->end = &udp->first;
    udp->queued_bytes -= packet->size + 768;
    free(packet);
}

/* For the self-test, after the oracles have seen the datagrams: loses one, hides that one is a
 * frame, or swaps two. */
static void break_received(struct batch *batch)
{
    struct datagram *first = &batch->datagrams[0], *second = &batch->datagrams[1], swapped;
    if (broken_now("lost", 20)) {
        batch->received--;
        totals.datagrams--;
    }
    if (broken_is("frame") && batch->received > 0 && first->size > 0 && first->bytes[0] == '\0')
        batch->bytes[0] = 'x';
    if (!broken_is("order") || batch->received < 2 || first->bytes[0] != 'C' ||
        second->bytes[0] != 'C' || !addr_equal(&first->source, &second->source))
        return;
    swapped = *first;
    *first = *second;
    *second = swapped;
}

int batch_receive(struct batch *batch, int socket)
{
    struct udp *udp = udp_of(socket);
    if (batch->received + batch->queued != 0)
        broken_promise("a batch is empty before it receives", "%d received, %d queued",
                       batch->received, batch->queued);
    if (udp->first == NULL)
        return 0;
    int error = faults_refuse_receive();
    if (error != 0)
        return error;
    int most = faults_is_short() ? 1 + (int)draw_below(DRAW_FAULTS, BATCH_MAX) : BATCH_MAX;
    while (batch->received < most && udp->first != NULL)
        take(batch, udp);
    trace(TRACE_RECEIVED, (uint64_t)socket, (uint64_t)batch->received, 0, 0);
    for (int i = 0; i < batch->received; i++)
        observe_received(socket, &batch->datagrams[i], batch->is_earlier[i]);
    break_received(batch);
    return batch->received;
}

const struct datagram *batch_datagrams(const struct batch *batch)
{
    return batch->datagrams;
}

/* ---- queueing ---- */

static struct outgoing *next(struct batch *batch)
{
    if (batch->queued == BATCH_MAX)
        broken_promise("a batch has at most 64 datagrams", "one more was queued");
    return &batch->out[batch->queued++];
}

void batch_add_reply(struct batch *out, const struct batch *received, int i, const void *bytes,
                     size_t size)
{
    const struct datagram *request = &received->datagrams[i];
    *next(out) = (struct outgoing){request->source, request->local, bytes, size, i};
    if (!model_has_magic(bytes, size)) /* no challenge or pong */
        totals_reply(size);
    if (!broken_now("rotation", 50))
        observe_reply(request, bytes, size);
}

uint8_t *batch_scratch(struct batch *batch, int i)
{
    return batch->scratch[i];
}

void batch_add(struct batch *batch, const struct addr *to, const struct addr *local,
               const void *bytes, size_t size)
{
    *next(batch) = (struct outgoing){*to, *local, bytes, size, -1};
}

/* ---- sending ---- */

/* Reports a datagram to the oracles, or another one if the run has that fault. */
static void observe(const struct batch *batch, const struct outgoing *out, int error)
{
    char other[PAYLOAD_NUMBERS_BYTES] = "?";
    char kind = out->size > 0 ? *(const char *)out->bytes : '\0';
    if (broken_is("unseen") && kind == 'T')
        observe_sent(batch->socket, &out->to, other, strlen(other), error);
    else if (broken_is("direct") && kind == 'D')
        observe_sent(batch->socket, &out->to, other, payload_write_direct(other, 0), error);
    else
        observe_sent(batch->socket, &out->to, out->bytes, out->size, error);
}

static void settle(struct batch *batch, int error)
{
    const struct outgoing *out = &batch->out[batch->done];
    if (error == 0) {
        batch->counts.sent++;
    } else {
        batch->counts.failed++;
        batch->counts.last_errno = error;
        batch->refused |= UINT64_C(1) << batch->done;
    }
    batch->done++;
    trace(TRACE_SENT, (uint64_t)batch->socket, out->size, out->to.port, (uint64_t)error);
    observe(batch, out, error);
}

/* For the self-test: the oracles see a copy or a challenge more often than the server sent it. */
static void break_sent(const struct batch *batch, const struct outgoing *out)
{
    const char *bytes = out->bytes;
    bool is_copy = out->size > 0 && (bytes[0] == 'T' || bytes[0] == 'C') && out->replied_to < 0;
    bool is_challenge = out->size == 21 && bytes[0] == '\0';
    if ((is_copy && broken_now(bytes[0] == 'T' ? "twice" : "relay", 20)) ||
        (is_challenge && broken_now("challenge", 20)))
        for (int i = 0; i < 8; i++) {
            observe_sent(batch->socket, &out->to, out->bytes, out->size, 0);
            totals.challenged -= is_challenge;
        }
}

int batch_send(struct batch *batch, int socket)
{
    batch->socket = socket;
    while (batch->done < batch->queued) {
        const struct outgoing *out = &batch->out[batch->done];
        int error = udp_send(socket, &out->to, &out->local, out->bytes, out->size);
        if (error == EAGAIN) {
            observe_full(socket);
            return -EAGAIN;
        }
        settle(batch, error);
        break_sent(batch, out);
    }
    return 0;
}

void batch_fail_rest(struct batch *batch, int reason)
{
    while (batch->done < batch->queued)
        settle(batch, reason);
}

void batch_send_or_fail(struct batch *batch, int socket)
{
    if (batch_send(batch, socket) != 0)
        batch_fail_rest(batch, EAGAIN);
}

struct batch_counts batch_counts(const struct batch *batch)
{
    return batch->counts;
}

int batch_queued(const struct batch *batch)
{
    return batch->queued;
}

int batch_done(const struct batch *batch)
{
    return batch->done;
}

bool batch_is_refused(const struct batch *batch, int i)
{
    return batch->refused >> i & 1;
}

int batch_get_reply(const struct batch *batch, int k, const void **bytes, size_t *size)
{
    *bytes = batch->out[k].bytes;
    *size = batch->out[k].size;
    return batch->out[k].replied_to;
}

void batch_clear(struct batch *batch)
{
    batch->received = batch->queued = batch->done = batch->socket = 0;
    batch->refused = 0;
    batch->counts = (struct batch_counts){.sent = 0};
}

/* ---- net/message/datagram: the copy to the multicast group ---- */

int datagram_send(int socket, const void *bytes, size_t size)
{
    const struct addr none = {.family = ADDR_NONE}, group = {.family = ADDR_IPV4, .port = 1};
    bool has_socket = descriptor_any(socket)->kind == OBJECT_UDP; /* no placeholder */
    if (!has_socket || !udp_has_path(udp_of(socket)))
        restoring_check_multicast();
    int error = has_socket ? udp_send(socket, &group, &none, bytes, size) : EDESTADDRREQ;
    if (error != EAGAIN && broken_is("group"))
        observe_sent(socket, &group, "C1.1.1.", 7, error);
    else if (error != EAGAIN)
        observe_sent(socket, &group, bytes, size, error);
    else
        observe_group_waits(bytes, size);
    return -error;
}
