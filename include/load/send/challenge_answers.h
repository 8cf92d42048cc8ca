#ifndef LOAD_SEND_CHALLENGE_ANSWERS_H
#define LOAD_SEND_CHALLENGE_ANSWERS_H

#include "net/message/datagram_batch.h"

#include <stdbool.h>
#include <stddef.h>

/* Answers to the cookie challenges of a server (wire/frame). A server that verifies client
 * addresses answers a request with a cookie; the client sends the cookie and the request again. */
struct challenge_answers;

/* Copies the request, which is the same for all clients, BATCH_MAX times. Returns NULL when memory
 * is short. */
struct challenge_answers *challenge_answers_new(const void *request, size_t size);
void challenge_answers_free(struct challenge_answers *answers);

/* Returns whether a received datagram is a challenge. */
bool challenge_answers_is_challenge(const struct datagram *datagram);

/* Queues the answer to datagram i of the batch, which is a challenge. The bytes stay valid until
 * the next batch is received. */
void challenge_answers_queue(struct challenge_answers *answers, struct batch *batch, int i);

/* The same for a client that unregisters: queues a leave frame with the cookie. */
void challenge_answers_queue_leave(struct challenge_answers *answers, struct batch *batch, int i);

#endif
