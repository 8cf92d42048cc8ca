#ifndef LOAD_SEND_CHALLENGE_ANSWERS_H
#define LOAD_SEND_CHALLENGE_ANSWERS_H

#include "net/message/datagram_batch.h"

#include <stdbool.h>
#include <stddef.h>

/* The clients' side of challenges (wire/frame): a service that wants to see first that a client
 * receives at its address gets the request again, behind the cookie. */
struct challenge_answers;

/* Copies the request, which every client says, 64 times over. NULL when memory is short. */
struct challenge_answers *challenge_answers_new(const void *request, size_t size);
void challenge_answers_free(struct challenge_answers *proofs);

/* Whether a datagram that came is a challenge. */
bool challenge_answers_is_wanted(const struct datagram *datagram);

/* Queues the answer to datagram i of the batch, a challenge; its bytes are good until the next
 * batch. */
void challenge_answers_answer(struct challenge_answers *proofs, struct batch *batch, int i);

/* The same of a client that leaves: by a leave frame with the cookie. */
void challenge_answers_leave(struct challenge_answers *proofs, struct batch *batch, int i);

#endif
