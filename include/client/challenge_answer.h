#ifndef CLIENT_CHALLENGE_ANSWER_H
#define CLIENT_CHALLENGE_ANSWER_H

#include "client/peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The client's side of a challenge (wire/frame): a server that doesn't know us yet wants to see
 * that we receive at the address that we send from. */

/* Whether a datagram that came from the peer is a challenge. Only a service by datagrams makes any:
 * on a stream, and in a group, the same bytes are a message. */
bool challenge_answer_is_wanted(const struct peer *peer, const uint8_t *datagram, size_t size);

/* Answers a challenge: sends its cookie and, behind it, the request once more. 0 or -errno, as
 * peer_send (-EMSGSIZE: with the cookie it is longer than a datagram can be). */
int challenge_answer_send(struct peer *peer, const uint8_t *challenge, const uint8_t *request,
                          size_t size);

#endif
