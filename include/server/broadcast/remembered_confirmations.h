#ifndef SERVER_BROADCAST_REMEMBERED_CONFIRMATIONS_H
#define SERVER_BROADCAST_REMEMBERED_CONFIRMATIONS_H

#include "server/broadcast/confirmations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which confirmed jobs of one kind the workers remember (server/broadcast/confirmations). The main
 * thread decides it for all of them, so that they always remember the same ones: it notifies them
 * which one to forget when it starts another. An open job, which has not ended, is never forgotten.
 * Used by the main thread. */
struct remembered_confirmations {
    struct {
        uint64_t job;
        bool is_open;
    } list[CONFIRMED_MESSAGES_MAX]; /* in the order in which they were started */
    size_t count;
    size_t most; /* confirmed_kind_max of the kind */
};

_Static_assert((int)CONFIRMED_MESSAGES_MAX >= (int)CONFIRMED_BROADCASTS_MAX,
               "the list is long enough for either kind");

/* Initializes it: no job is remembered. */
void remembered_confirmations_init(struct remembered_confirmations *remembered,
                                   enum confirmed_kind kind);

/* Adds a job that starts; fewer than confirmed_kind_max are open. Returns the one that is to be
 * forgotten for it, the oldest of those that have ended, or 0. */
uint64_t remembered_confirmations_add(struct remembered_confirmations *remembered, uint64_t job);

/* Records that a job has ended, if it is remembered. */
void remembered_confirmations_end(struct remembered_confirmations *remembered, uint64_t job);

bool remembered_confirmations_contain(const struct remembered_confirmations *remembered,
                                      uint64_t job);

/* Add the list to a record of a handover, and continue with it. Returns 0, or -EPROTO if the record
 * does not fit. */
void remembered_confirmations_hand_over(const struct remembered_confirmations *remembered,
                                        struct handover_writer *writer);
int remembered_confirmations_take_over(struct remembered_confirmations *remembered,
                                       struct handover_reader *reader);

#endif
