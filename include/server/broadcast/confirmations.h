#ifndef SERVER_BROADCAST_CONFIRMATIONS_H
#define SERVER_BROADCAST_CONFIRMATIONS_H

#include "base/handover.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which clients of a worker's shard have confirmed which jobs: broadcasts, and messages to one
 * client.
 *
 * For each of the CONFIRMED_BROADCASTS_MAX broadcasts that it remembers it has two bits a slot of
 * the registry: "due" (the client got a frame and has not confirmed it) and "confirmed". The memory
 * is reserved once: CONFIRMED_BROADCASTS_MAX times slots / 4 bytes of address space. A page of it
 * takes memory when a client whose slot is in it gets a frame, and until the job is forgotten: with
 * a million clients of one address family a quarter of a MiB a job.
 *
 * A message to one client needs only its slot and these two bits. Such messages have places of
 * their own, so that many of them, which an application behind a gateway sends to clients that may
 * all be silent, neither keep a broadcast from its start nor push its list of clients out.
 *
 * A slot that a client has left may be used by another client. The other one joined after the job
 * began, so its join number distinguishes the two, and no bit has to be cleared when a client joins
 * or leaves. The functions that take a join number compare it. The others are for clients that a
 * walk with the job's joined_before (registry/registry_walk) has returned.
 *
 * A job has a number that was never used before, not by an earlier process either: a client that
 * has shown the message of a number shows no other one of that number. A function that gets the
 * number of a job that is not remembered does nothing, and returns false, NULL or
 * CONFIRMATION_UNKNOWN.
 *
 * All functions are called by the worker's thread. Only the counts may be read by others. */
struct confirmations;

enum confirmed_kind { CONFIRMED_BROADCAST, CONFIRMED_MESSAGE, CONFIRMED_KINDS };

enum {
    /* Jobs that are remembered: those that have not ended, and the last ones that have, whose
     * clients can be listed. 8 broadcasts take 2 MiB with a million clients. A place of a message
     * takes 64 bytes in each worker; 64 are as many as the ended jobs whose reports are remembered
     * (server/broadcast/job/ended_jobs), so that a message is listed as long as its report. */
    CONFIRMED_BROADCASTS_MAX = 8,
    CONFIRMED_MESSAGES_MAX = 64,
};

/* Returns how many jobs of a kind are remembered. */
static inline size_t confirmed_kind_max(enum confirmed_kind kind)
{
    return kind == CONFIRMED_BROADCAST ? CONFIRMED_BROADCASTS_MAX : CONFIRMED_MESSAGES_MAX;
}

/* How many clients of the shard got a frame of a job, and how many of them have confirmed it. Both
 * only increase. A client counts once in each, even if it leaves. */
struct confirmation_counts {
    _Atomic uint64_t framed, confirmed;
};

/* For a registry of slots slots (registry_slots). Returns 0 or -errno. */
int confirmations_open(struct confirmations **confirmations, uint32_t slots);
void confirmations_close(struct confirmations *confirmations);

/* Begins to remember a job, which is not remembered yet: no client has got a frame of it. Clients
 * with a join number of joined_before or above never have a part in it. If confirmed_kind_max jobs
 * of its kind are remembered, it forgets the one of them that began first of those that have ended;
 * returns -EBUSY if none has ended, otherwise 0. */
int confirmations_begin(struct confirmations *confirmations, enum confirmed_kind kind, uint64_t job,
                        uint64_t joined_before);

/* The job sends no more frames, and may be forgotten when another one begins. Until then late
 * confirmations still count. */
void confirmations_end(struct confirmations *confirmations, uint64_t job);

/* A frame was sent to the client in a slot: its confirmation is due, unless it has come already. A
 * frame that the kernel has refused counts as well, and is due again in the next round. Of a
 * CONFIRMED_MESSAGE all frames go to the client in one slot. */
void confirmations_frame_sent(struct confirmations *confirmations, uint64_t job, uint32_t slot);

/* Whether the client in a slot has got a frame of the job and has not confirmed it, and whether it
 * has confirmed it. */
bool confirmations_is_due(const struct confirmations *confirmations, uint64_t job, uint32_t slot);
bool confirmations_is_confirmed(const struct confirmations *confirmations, uint64_t job,
                                uint32_t slot);

/* Returns the least slot, `from` or above, whose client is due; CONFIRMATIONS_END if there is none.
 * It reads 32 slots at a time, so that a walk over the last few clients that are due does not read
 * all entries of the registry. */
uint32_t confirmations_next_due(const struct confirmations *confirmations, uint64_t job,
                                uint32_t from);
#define CONFIRMATIONS_END UINT32_MAX

/* What the confirmation of a client has done. */
enum confirmation {
    CONFIRMATION_FIRST,
    CONFIRMATION_AGAIN,   /* the client had confirmed the job before */
    CONFIRMATION_UNKNOWN, /* the job is not remembered, or the client got no frame of it */
};

/* Records the confirmation of the client in a slot, with its join number. */
enum confirmation confirmations_confirm(struct confirmations *confirmations, uint64_t job,
                                        uint32_t slot, uint64_t join_number);

/* The joined_before of a job, for a walk over the clients that may have a part in it. Returns false
 * if the job is not remembered. */
bool confirmations_joined_before(const struct confirmations *confirmations, uint64_t job,
                                 uint64_t *joined_before);

/* The counts of a job. Other threads may read them as long as the job is remembered; the memory is
 * valid until confirmations_close. */
const struct confirmation_counts *confirmations_counts(const struct confirmations *confirmations,
                                                       uint64_t job);

/* Adds all jobs that are remembered, with the bits of their clients, to a record of a handover. Of
 * the bits it writes only what is not zero: eight broadcasts to a million clients are 2 MiB. */
void confirmations_hand_over(const struct confirmations *confirmations,
                             struct handover_writer *writer);

/* Remembers those jobs, for the same registry, in confirmations that were just opened. Returns 0,
 * or -EPROTO if the record does not fit. */
int confirmations_take_over(struct confirmations *confirmations, struct handover_reader *reader);

#endif
