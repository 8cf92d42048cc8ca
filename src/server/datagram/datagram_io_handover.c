#include "server/datagram/datagram_io_handover.h"

#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"
#include "server/datagram/datagram_io_state.h"

#include <errno.h>
#include <string.h>

/* ---- there ---- */

/* The counts of a batch that is blocked, without the requests whose replies wait: like those of the
 * queues, they count as received when the replies are sent or have failed. */
static struct stats pending_stats(const struct datagram_io *io)
{
    struct stats stats = io->answers.stats;
    for (size_t i = 0; i < io->slot_count; i++) {
        const struct batch *batch = io->slots[i].batch;
        struct batch_counts counts = batch_counts(batch);
        stats.replied += counts.sent;
        stats.reply_failed += counts.failed;
        stats.received -= (uint64_t)(batch_queued(batch) - batch_done(batch));
    }
    return stats;
}

static void put_stats(const struct stats *stats, struct handover_writer *writer)
{
    for (size_t i = 0; i < STATS_COUNT; i++) {
        uint64_t value = stats_value(stats, i);
        if (value == 0)
            continue;
        handover_put_text(writer, stats_name(i));
        handover_put64(writer, value);
    }
    handover_put_text(writer, NULL);
}

static uint64_t count_waiting(const struct datagram_io *io)
{
    uint64_t count = 0;
    for (size_t i = 0; i < io->slot_count; i++) {
        const struct datagram_io_slot *slot = &io->slots[i];
        count += slot->queue.count;
        count += (uint64_t)(batch_queued(slot->batch) - batch_done(slot->batch));
    }
    return count;
}

static void put_batch(const struct datagram_io *io, const struct batch *batch,
                      struct handover_writer *writer)
{
    for (int k = batch_done(batch); k < batch_queued(batch); k++) {
        const void *bytes;
        size_t size;
        const struct datagram *request =
            &batch_datagrams(io->received)[batch_get_reply(batch, k, &bytes, &size)];
        reply_queue_put(writer, &request->source, &request->local, bytes, size);
    }
}

void datagram_io_hand_over(const struct datagram_io *io, struct handover_writer *writer)
{
    const struct stats stats = pending_stats(io);
    handover_put64(writer, socket_cookie(io->options.socket));
    handover_put32(writer, io->drops);
    handover_put32(writer, socket_receive_drops(io->options.socket));
    handover_put32(writer, io->interfaces.count);
    for (uint32_t i = 0; i < io->interfaces.count; i++)
        handover_put32(writer, io->interfaces.indexes[i]);
    put_stats(&stats, writer);
    handover_put64(writer, count_waiting(io));
    for (size_t i = 0; i < io->slot_count; i++) {
        reply_queue_hand_over(&io->slots[i].queue, writer);
        put_batch(io, io->slots[i].batch, writer);
    }
}

/* ---- here ---- */

struct handed_over {
    uint64_t socket; /* its cookie */
    uint32_t counted_drops, drops;
    struct send_socket_slots interfaces;
    struct stats stats;
    uint64_t waiting;
};

/* A counter that this version does not have is left out. */
static void add_stat(struct stats *stats, const char *name, uint64_t value)
{
    for (size_t i = 0; i < STATS_COUNT; i++)
        if (strcmp(stats_name(i), name) == 0)
            stats_set(stats, i, stats_value(stats, i) + value);
}

static bool get_head(struct handover_reader *reader, struct handed_over *got)
{
    *got = (struct handed_over){.socket = handover_get64(reader)};
    got->counted_drops = handover_get32(reader);
    got->drops = handover_get32(reader);
    uint32_t count = handover_get32(reader);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        uint32_t index = handover_get32(reader);
        if (i < SEND_SOCKET_SLOTS_MAX)
            got->interfaces.indexes[got->interfaces.count++] = index;
    }
    for (const char *name; (name = handover_get_text(reader)) != NULL;)
        add_stat(&got->stats, name, handover_get64(reader));
    got->waiting = handover_get64(reader);
    return !reader->failed;
}

static void count_drops(struct stats *stats, const struct handed_over *got)
{
    stats->kernel_drops += got->drops - got->counted_drops; /* both wrap at 2^32 */
}

static void fail_reply(struct stats *stats)
{
    stats->received++;
    stats->reply_failed++;
}

/* A listener with a single send socket has no queue, since its replies wait in the batch that was
 * received. It gets one for the batch of the other process, and receives when that is sent. */
static int open_queue(struct datagram_io *io)
{
    if (io->queued.memory != NULL)
        return 0;
    int error = reply_queue_open(&io->queued, io->options.reply_queue_bytes);
    if (error != 0)
        return error;
    io->blocked = true;
    loop_change(&io->handler, 0);
    return 0;
}

static bool take_over_reply(struct datagram_io *io, struct handover_reader *reader)
{
    struct addr to, local;
    size_t size;
    const uint8_t *bytes = reply_queue_get(reader, &to, &local, &size);
    if (bytes == NULL || to.family == ADDR_NONE)
        return false;
    struct datagram_io_slot *slot = &io->slots[datagram_io_copy_slot(io, &local)];
    if (!reply_queue_add(&io->queued, &slot->queue, &to, &local, bytes, size)) {
        fail_reply(io->options.stats);
        *io->options.last_errno = EAGAIN;
    }
    loop_defer(io->options.loop, &slot->resume);
    return true;
}

int datagram_io_take_over(struct datagram_io *io, struct handover_reader *reader)
{
    struct handed_over got;
    if (!get_head(reader, &got))
        return -EPROTO;
    if (got.socket == socket_cookie(io->options.socket)) {
        io->drops = got.counted_drops;
        io->counts_drops = true;
    } else {
        count_drops(io->options.stats, &got);
    }
    /* Each interface keeps its slot, so that its sockets are the same, too. */
    if (io->options.senders.by_interface && io->interfaces.count == 0)
        io->interfaces = got.interfaces;
    stats_add(io->options.stats, &got.stats);
    int error = got.waiting > 0 ? open_queue(io) : 0;
    for (; got.waiting > 0 && error == 0; got.waiting--)
        error = take_over_reply(io, reader) ? 0 : -EPROTO;
    return error;
}

int datagram_io_drop_handed_over(struct stats *stats, struct handover_reader *reader)
{
    struct handed_over got;
    if (!get_head(reader, &got))
        return -EPROTO;
    count_drops(stats, &got);
    stats_add(stats, &got.stats);
    for (; got.waiting > 0; got.waiting--) {
        struct addr to, local;
        size_t size;
        if (reply_queue_get(reader, &to, &local, &size) == NULL)
            return -EPROTO;
        fail_reply(stats);
    }
    return 0;
}
