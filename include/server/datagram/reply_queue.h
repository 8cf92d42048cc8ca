#ifndef SERVER_DATAGRAM_REPLY_QUEUE_H
#define SERVER_DATAGRAM_REPLY_QUEUE_H

#include "address/addr.h"
#include "base/ring_buffer.h"
#include "net/message/datagram_batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Replies that wait for room in the send socket of their interface, while the listener goes on to
 * receive and to answer by the others. Copies of them, in memory of a fixed size that all
 * interfaces of the listener share, each in the order in which it came. */
struct reply_queue {
    struct ring_buffer ring;
    void *memory; /* NULL: none can be held */
};

struct queued_reply;

/* Those of one interface. All zero but end, which interface_reply_queue_init sets. */
struct interface_reply_queue {
    struct queued_reply *first, **end;
    uint64_t count;
};

/* Reserves so many bytes, which take memory only where replies are held. 0 or -errno. */
int reply_queue_open(struct reply_queue *held, size_t bytes);
void reply_queue_close(struct reply_queue *held);

void interface_reply_queue_init(struct interface_reply_queue *queue);

/* Appends a copy; false when there is no room for it. */
bool reply_queue_add(struct reply_queue *held, struct interface_reply_queue *queue,
                     const struct addr *to, const struct addr *local, const void *bytes,
                     size_t size);

/* Queues the first of them, at most BATCH_MAX, in an empty batch. */
void reply_queue_fill(const struct interface_reply_queue *queue, struct batch *batch);

/* Removes the first `count`, which are settled. */
void reply_queue_remove(struct reply_queue *held, struct interface_reply_queue *queue, int count);

#endif
