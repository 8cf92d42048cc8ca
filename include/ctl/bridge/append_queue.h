#ifndef CTL_BRIDGE_APPEND_QUEUE_H
#define CTL_BRIDGE_APPEND_QUEUE_H

#include "base/ring_buffer.h"
#include "text/text_buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Commands that append to a stream and wait for Redis, in memory of a fixed size. What is added
 * while it is full is lost, and counted. A command leaves when Redis has answered it: after a lost
 * connection those without an answer are sent again, so one may be in the stream twice. */
struct append_queue {
    struct ring_buffer ring;
    void *last_sent; /* NULL: none of those in the ring was sent */
    size_t sent;     /* without an answer */
    uint64_t lost;   /* since the last call of append_queue_take_lost */
};

/* The caller owns the memory: room bytes, a multiple of RING_BUFFER_ALIGNMENT and aligned to it. */
void append_queue_init(struct append_queue *queue, void *memory, size_t room);

/* Adds a command. Returns false if there is no room; then nothing is counted. */
bool append_queue_add(struct append_queue *queue, const struct text_buffer *command);

/* Counts messages or events that are lost. */
void append_queue_lose(struct append_queue *queue, uint64_t count);
/* Returns how many were lost, and begins to count anew. */
uint64_t append_queue_take_lost(struct append_queue *queue);

/* Copies the next command that was not sent to the end of out, and counts it as sent. Returns false
 * if there is none. */
bool append_queue_send(struct append_queue *queue, struct text_buffer *out);

/* The oldest command that was sent has its answer, and is removed. */
void append_queue_acknowledge(struct append_queue *queue);

/* No command without an answer counts as sent any more. */
void append_queue_rewind(struct append_queue *queue);

bool append_queue_is_empty(const struct append_queue *queue);

#endif
