#ifndef SIM_CHECK_DIRECT_H
#define SIM_CHECK_DIRECT_H

#include "sim/check/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIRECTS_MAX = 4096 /* messages of a run, with number 0 */ };

/* Oracle of messages to one client: each reaches at most the client that was named, at most once,
 * only while it may be registered, and its answer says what the kernel did. The messages of one
 * gateway session to one client leave in the order in which it has sent them. */

/* The operator sends a message to a client. Returns its number; 0: there is no number left. */
uint32_t direct_asked(const struct addr *to, bool is_stream);

/* The message is one of a gateway's session, a number from 1. */
void direct_set_session(uint32_t number, uint32_t session);

/* It is to be confirmed, with that number in check/confirmed.h. It is sent as a broadcast to one
 * client; confirmed_sent has looked at the copy. */
void direct_set_confirmed(uint32_t number, uint32_t job);
uint32_t direct_confirmed(uint32_t number);
void direct_copy(const struct model_entry *to, uint32_t number, bool is_first, int error);

/* A message was taken (error 0) or refused: a datagram, or on a stream. */
void direct_sent(const struct model_entry *to, uint32_t number, int error);
void direct_on_stream(const struct addr *peer, uint32_t number, bool taken);

/* The server answers: that no such client is registered, or its counts. */
void direct_unknown(uint32_t number);
void direct_answered(uint32_t number, uint64_t sent, uint64_t failed);

/* The server has ended, and with it its counters. */
void direct_reset(void);

uint64_t direct_taken(void);
uint64_t direct_refused(void);

#endif
