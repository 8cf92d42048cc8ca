#ifndef LOAD_PROOFS_H
#define LOAD_PROOFS_H

#include "net/batch.h"

#include <stdbool.h>
#include <stddef.h>

/* The clients' side of challenges (wire/frame): a service that wants to see first that a client
 * receives at its address gets the request again, behind the cookie. */
struct proofs;

/* Copies the request, which every client says, 64 times over. NULL when memory is short. */
struct proofs *proofs_new(const void *request, size_t size);
void proofs_free(struct proofs *proofs);

/* Whether a datagram that came is a challenge. */
bool proofs_is_wanted(const struct datagram *datagram);

/* Queues the answer to datagram i of the batch, a challenge; its bytes are good until the next
 * batch. */
void proofs_answer(struct proofs *proofs, struct batch *batch, int i);

/* The same of a client that leaves: by a leave frame with the cookie. */
void proofs_leave(struct proofs *proofs, struct batch *batch, int i);

#endif
