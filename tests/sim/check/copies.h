#ifndef SIM_CHECK_COPIES_H
#define SIM_CHECK_COPIES_H

#include "sim/check/model.h"
#include "sim/check/selection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Oracles of broadcasts and of relayed messages: exactly one copy for each target, none for others,
 * the counts of a job, the bytes of each copy, and the order of relayed messages. */

enum { BROADCASTS_MAX = 64 }; /* of a start */

/* The server has ended. Broadcasts of its next start have other numbers: up to BROADCASTS_MAX - 1
 * after copies_first_number. */
void copies_reset(void);
uint32_t copies_first_number(void);

/* The operator asks for a broadcast of those bytes to the clients that match. */
void copies_broadcast_asked(uint32_t number, const struct selection *selection, const void *bytes,
                            size_t size);
/* It is to be confirmed, with that number in check/confirmed.h; 0: it is not. */
void copies_set_confirmed(uint32_t number, uint32_t job);
uint32_t copies_confirmed(uint32_t number);
/* The server reports its end: done, or cancelled. */
void copies_broadcast_ended(uint32_t number, bool done, uint64_t targets, uint64_t sent,
                            uint64_t failed, uint64_t skipped);

/* A copy was taken (error 0) or refused, to a client (NULL: to the multicast group). */
void copies_sent(int worker, struct model_entry *to, const void *bytes, size_t size, int error);
/* A copy on the stream of that number was written. Returns false if the message is no copy. */
bool copies_on_stream(uint32_t stream, const struct addr *peer, const void *bytes, size_t size,
                      bool taken);

/* A message of a client was received, by datagram or on the stream of that number. may_be_dropped:
 * it is in a frame, or too long, as one that was sent before a start with another max-datagram. */
void copies_message_received(const struct model_entry *from, bool may_be_dropped, const void *bytes,
                             size_t size);
void copies_stream_message_received(uint32_t stream, const void *bytes, size_t size);

/* The job of a broadcast has that id; and it has ended, as a list of jobs says. */
void copies_set_id(uint32_t number, uint64_t id);
void copies_job_ended(uint64_t id, bool done, uint64_t targets, uint64_t sent, uint64_t failed,
                      uint64_t skipped);

uint64_t copies_taken(void);
uint64_t copies_refused(void);

#endif
