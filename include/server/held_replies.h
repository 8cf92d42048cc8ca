#ifndef SERVER_HELD_REPLIES_H
#define SERVER_HELD_REPLIES_H

#include "base/addr.h"
#include "base/ring.h"
#include "net/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Replies that wait for room in the send socket of their interface, while the listener goes on to
 * receive and to answer by the others. Copies of them, in memory of a fixed size that all
 * interfaces of the listener share, each in the order in which it came. */
struct held_replies {
    struct ring ring;
    void *memory; /* NULL: none can be held */
};

struct held_reply;

/* Those of one interface. All zero but end, which held_queue_init sets. */
struct held_queue {
    struct held_reply *first, **end;
    uint64_t count;
};

/* Reserves so many bytes, which take memory only where replies are held. 0 or -errno. */
int held_replies_open(struct held_replies *held, size_t bytes);
void held_replies_close(struct held_replies *held);

void held_queue_init(struct held_queue *queue);

/* Appends a copy; false when there is no room for it. */
bool held_replies_add(struct held_replies *held, struct held_queue *queue, const struct addr *to,
                      const struct addr *local, const void *bytes, size_t size);

/* Queues the first of them, at most BATCH_MAX, in an empty batch. */
void held_replies_fill(const struct held_queue *queue, struct batch *batch);

/* Removes the first `count`, which are settled. */
void held_replies_remove(struct held_replies *held, struct held_queue *queue, int count);

#endif
