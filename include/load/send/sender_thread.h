#ifndef LOAD_SEND_SENDER_THREAD_H
#define LOAD_SEND_SENDER_THREAD_H

#include "load/options.h"
#include "load/report/load_result.h"
#include "load/send/copy_counts.h"
#include "load/send/reply_counts.h"
#include "load/send/sender_messages.h"
#include "load/send/simulated_clients.h"
#include "os/loop/mailbox.h"

#include <stdbool.h>
#include <stdint.h>

/* A thread that sends requests on schedule for its share of the clients and receives the replies.
 * It reports to the main thread by messages (load/send/sender_messages). */
struct sender;

struct sender_setting {
    const struct load_options *options;
    uint32_t rate; /* requests per second of all senders; 0: as fast as possible */
    uint32_t number, senders;
    uint64_t start_ns;     /* when the schedule begins, by clock_now_ns */
    uint64_t measure_ns;   /* when the warm-up ends */
    uint64_t end_ns;       /* when sending ends; UINT64_MAX: limited by count */
    bool spins;            /* it may busy-wait to be on time */
    bool stays_registered; /* for broadcasts, until sender_leave */
    struct mailbox *mailbox;
    struct sender_callbacks callbacks;
};

/* Takes over the clients. Returns NULL if there is not enough memory; the caller then still owns
 * the clients. */
struct sender *sender_new(const struct sender_setting *setting,
                          const struct simulated_clients *clients);
void sender_free(struct sender *sender);

/* Starts the thread; sender_join waits for its end. Returns 0 or -errno. */
int sender_start(struct sender *sender);
void sender_join(struct sender *sender);

/* The following are called by the main thread while the sender runs. */

/* Requests a report. Do not request another one before that was received. */
void sender_request_report(struct sender *sender);

/* Ends sending now, as if the duration were over: replies are still awaited up to the timeout. */
void sender_stop(struct sender *sender);

/* Ends the thread without waiting for replies; the counts do not add up then. */
void sender_abort(struct sender *sender);

/* Counts the copies of that payload from now on. The payload must stay unchanged until the tally of
 * the next one was received, that sender_count_copies requests. */
void sender_expect_copies(struct sender *sender, const struct copy_counts_payload *payload);
void sender_count_copies(struct sender *sender);

/* Unregisters the clients and ends the thread. */
void sender_leave(struct sender *sender);

/* The results of a sender; valid after sender_join. */
struct sender_summary {
    const struct histogram *raw, *lag;
    const struct reply_counts *replies;
    uint64_t sending_ns; /* duration of the measured part */
    uint64_t cpu_ns;     /* processor time in it */
    uint64_t
        unsent; /* due in it and not sent; counted only up to 1,000 plus a tenth of those sent */
    uint64_t open_before; /* requests of the warm-up that were open at its end */
    bool exact;
};
struct sender_summary sender_summary(const struct sender *sender);

#endif
