#ifndef SERVER_BROADCAST_CONFIRMATIONS_H
#define SERVER_BROADCAST_CONFIRMATIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Which clients of a worker's shard have confirmed which broadcasts.
 *
 * For each of the CONFIRMED_JOBS_MAX broadcasts that it remembers it has two bits a slot of the
 * registry: "due" (the client got a frame and has not confirmed it) and "confirmed". The memory is
 * reserved once: CONFIRMED_JOBS_MAX times slots / 4 bytes of address space. A page of it takes
 * memory when a client whose slot is in it gets a frame, and until the job is forgotten: with a
 * million clients of one address family a quarter of a MiB a job.
 *
 * A slot that a client has left may be used by another client. The other one joined after the job
 * began, so its join number tells the two apart, and no bit has to be cleared when a client joins
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

enum {
    /* Jobs that are remembered: those that run, and the last ones that have ended, whose clients
     * can be listed. */
    CONFIRMED_JOBS_MAX = 8,
};

/* How many clients of the shard got a frame of a job, and how many of them have confirmed it. Both
 * only increase. A client counts once in each, even if it leaves. */
struct confirmation_counts {
    _Atomic uint64_t framed, confirmed;
};

/* For a registry of slots slots (registry_slots). Returns 0 or -errno. */
int confirmations_open(struct confirmations **confirmations, uint32_t slots);
void confirmations_close(struct confirmations *confirmations);

/* Begins to remember a job, which is not remembered yet: no client has got a frame of it. Clients
 * with a join number of joined_before or above never have a part in it. If CONFIRMED_JOBS_MAX jobs
 * are remembered, it forgets the one that began first of those that have ended; returns -EBUSY if
 * none has ended, otherwise 0. */
int confirmations_begin(struct confirmations *confirmations, uint64_t job, uint64_t joined_before);

/* The job sends no more frames, and may be forgotten when another one begins. Until then late
 * confirmations still count. */
void confirmations_end(struct confirmations *confirmations, uint64_t job);

/* The kernel has accepted a frame to the client in a slot: its confirmation is due, unless it has
 * come already. */
void confirmations_frame_sent(struct confirmations *confirmations, uint64_t job, uint32_t slot);

/* Whether the client in a slot has got a frame of the job and has not confirmed it, and whether it
 * has confirmed it. */
bool confirmations_is_due(const struct confirmations *confirmations, uint64_t job, uint32_t slot);
bool confirmations_is_confirmed(const struct confirmations *confirmations, uint64_t job,
                                uint32_t slot);

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

#endif
