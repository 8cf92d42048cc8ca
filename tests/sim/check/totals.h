#ifndef SIM_CHECK_TOTALS_H
#define SIM_CHECK_TOTALS_H

#include "base/stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What went in and out, as the simulated kernel has counted it, and its comparison with the
 * counters of the server. */

struct totals {
    uint64_t datagrams, stream_messages; /* received */
    uint64_t replies;                    /* that the server has made, on datagrams and streams */
    uint64_t replied, reply_failed;      /* of these: taken, and refused, by the kernel */
    uint64_t reply_bytes; /* of the replies on datagrams since none waited, with their addresses */
    uint64_t no_room;     /* replies that had failed without the kernel when none waited */
    uint64_t challenged, ponged, named, challenge_failed;
    uint64_t claims_answered; /* hellos whose name the main thread has decided on */
    uint64_t kernel_drops;
    uint64_t full_ms; /* when a send buffer was last full; 0: never */
};

extern struct totals totals;

/* The server has made a reply of that size to a datagram. */
void totals_reply(size_t size);

/* Whether replies may wait for space, and with them the counts of their batch. */
bool totals_may_wait(void);

/* Before the workers run: without clients and counts, unless they were restored. What is counted
 * later is compared to the counts since then. */
void totals_check_start(bool is_restored);
/* The counters of all workers at the start. */
const struct stats *totals_base(void);

/* After each step of a worker: the sums of its counters. */
void totals_check_worker(int worker);

/* While no thread can run: the counters of all, and the registry against its model. */
void totals_check_idle(void);

/* After the end: the final report. */
void totals_check_final(void);

/* The server has ended: its next start counts from 0. */
void totals_reset(void);

/* The host was suspended from that time until now: what waits for space is tried again later. */
void totals_clock_leapt(uint64_t before_ms);

/* Whether a worker has finished. */
bool totals_has_finished(void);

/* How many clients are connected by streams. */
uint32_t totals_streams(void);

#endif
