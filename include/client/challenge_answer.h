#ifndef CLIENT_CHALLENGE_ANSWER_H
#define CLIENT_CHALLENGE_ANSWER_H

#include "client/peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Answers the challenge (wire/frame) of a server that has not verified this client's address yet:
 * sends the request again with the cookie of the challenge, which proves that the client receives
 * at the address it sends from. */

/* Returns whether a datagram from the peer is a challenge. Only a UDP service sends challenges: on
 * a stream and in a group the same bytes are a message. */
bool challenge_answer_is_needed(const struct peer *peer, const uint8_t *datagram, size_t size);

/* Sends the cookie of the challenge followed by the request. Returns 0, or -errno as peer_send does
 * (-EMSGSIZE: with the cookie it is longer than a datagram can be). */
int challenge_answer_send(struct peer *peer, const uint8_t *challenge, const uint8_t *request,
                          size_t size);

#endif
