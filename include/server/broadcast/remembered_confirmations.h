#ifndef SERVER_BROADCAST_REMEMBERED_CONFIRMATIONS_H
#define SERVER_BROADCAST_REMEMBERED_CONFIRMATIONS_H

#include "server/broadcast/confirmations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which confirmed broadcasts the workers remember (server/broadcast/confirmations). The main thread
 * decides it for all of them, so that they always remember the same ones: it tells them which one
 * to forget when it starts another. An open broadcast, which has not ended, is never forgotten.
 * Used by the main thread. */
struct remembered_confirmations {
    struct {
        uint64_t job;
        bool is_open;
    } list[CONFIRMED_JOBS_MAX]; /* in the order in which they were started */
    size_t count;
};

/* Adds a broadcast that starts; fewer than CONFIRMED_JOBS_MAX are open. Returns the one that is to
 * be forgotten for it, the oldest of those that have ended, or 0. */
uint64_t remembered_confirmations_add(struct remembered_confirmations *remembered, uint64_t job);

/* Records that a broadcast has ended, if it is remembered. */
void remembered_confirmations_end(struct remembered_confirmations *remembered, uint64_t job);

bool remembered_confirmations_contain(const struct remembered_confirmations *remembered,
                                      uint64_t job);

#endif
