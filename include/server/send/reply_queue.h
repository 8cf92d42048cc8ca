#ifndef SERVER_SEND_REPLY_QUEUE_H
#define SERVER_SEND_REPLY_QUEUE_H

#include "address/addr.h"
#include "base/handover.h"
#include "base/ring_buffer.h"
#include "net/message/datagram_batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A queue of replies that wait until the send socket of their interface has space, while the
 * listener receives and answers by the other interfaces. Holds copies, in memory of a fixed size
 * that all interfaces of the listener share; each interface's replies keep their order. */
struct reply_queue {
    struct ring_buffer ring;
    void *memory; /* NULL: nothing can be queued */
};

struct queued_reply;

/* The replies of one interface. */
struct interface_reply_queue {
    struct queued_reply *first, **end;
    uint64_t count;
};

/* Reserves this number of bytes; memory is used only while replies are queued. Returns 0 or -errno.
 */
int reply_queue_open(struct reply_queue *replies, size_t bytes);
void reply_queue_close(struct reply_queue *replies);

/* Makes the queue of an interface empty. */
void interface_reply_queue_init(struct interface_reply_queue *queue);

/* Appends a copy of a reply. Returns false if the memory is full. */
bool reply_queue_add(struct reply_queue *replies, struct interface_reply_queue *queue,
                     const struct addr *to, const struct addr *local, const void *bytes,
                     size_t size);

/* Queues the first replies, at most BATCH_MAX, in an empty batch. */
void reply_queue_fill(const struct interface_reply_queue *queue, struct batch *batch);

/* Removes the first `count` replies, which were sent or have failed. */
void reply_queue_remove(struct reply_queue *replies, struct interface_reply_queue *queue,
                        int count);

/* One reply in a handover record. The bytes that are read are those of the reader. */
void reply_queue_put(struct handover_writer *writer, const struct addr *to,
                     const struct addr *local, const void *bytes, size_t size);
const uint8_t *reply_queue_get(struct handover_reader *reader, struct addr *to, struct addr *local,
                               size_t *size);

/* Adds all replies of an interface to the record. They stay in the queue. */
void reply_queue_hand_over(const struct interface_reply_queue *queue,
                           struct handover_writer *writer);

#endif
