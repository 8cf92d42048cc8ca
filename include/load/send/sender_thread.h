#ifndef LOAD_SEND_SENDER_THREAD_H
#define LOAD_SEND_SENDER_THREAD_H

#include "load/options.h"
#include "load/report/load_result.h"
#include "load/send/copy_counts.h"
#include "load/send/reply_counts.h"
#include "load/send/simulated_clients.h"
#include "os/loop/thread.h"

#include <stdbool.h>
#include <stdint.h>

/* One sending thread: its clients, its share of the schedule, its counters. */
struct sender;

/* Letters of a sender to the run. They stay the sender's; each is the run's from its coming until
 * the next of its kind is asked for. */

/* What happened since the last such letter, or since the warm-up. */
struct sender_report {
    struct mailbox_message mailbox_message;
    struct sender *from;
    struct load_counts counts;
    struct histogram corrected;
    bool last; /* the sender has ended; comes once, asked for or not */
};

/* Something the user should know while it goes on; each comes once at most. */
struct sender_error {
    struct mailbox_message mailbox_message;
    struct sender *from;
    int error; /* of sending or receiving; 0: not one reply came within the first timeout */
};

/* What it saw of a broadcast. */
struct sender_copies {
    struct mailbox_message mailbox_message;
    struct sender *from;
    struct copy_counts_tally tally;
};

struct sender_setting {
    const struct load_options *options;
    uint32_t rate; /* a second, of all senders; 0: as fast as it goes */
    uint32_t number, senders;
    uint64_t start_ns;   /* when the schedule begins, of clock_now_ns */
    uint64_t measure_ns; /* when the warm-up ends */
    uint64_t end_ns;     /* when sending ends; UINT64_MAX: by count */
    bool spins;          /* a processor may be kept busy to be on time */
    bool stays;          /* for broadcasts, until sender_release */
    struct mailbox *mailbox;
    void *state; /* of the four below, which the mailbox's loop calls */
    void (*handed)(void *state, struct sender_report *letter);
    void (*trouble)(void *state, const struct sender_error *trouble);
    void (*staying)(void *state); /* its requests are answered or lost, and it stays */
    void (*copied)(void *state, const struct sender_copies *copies);
};

/* Makes a sender of those clients, which are its own from now on. NULL when memory is short, and
 * then they are the caller's still. */
struct sender *sender_new(const struct sender_setting *setting,
                          const struct simulated_clients *clients);
void sender_free(struct sender *sender);

/* Begins, in a thread of its own; waits for its end. 0 or -errno. */
int sender_start(struct sender *sender);
void sender_join(struct sender *sender);

/* The following are called from the mailbox's loop while it runs. */

/* Asks for a letter; not again before it came. */
void sender_ask(struct sender *sender);

/* Ends sending now, as if the time were over: what is open is still waited for, up to its timeout.
 */
void sender_stop(struct sender *sender);

/* Ends everything now; the counts don't add up then. */
void sender_abort(struct sender *sender);

/* From now on copies of that payload are counted, which stays as it is until the count has come
 * that sender_count_copies asks for. sender_release ends the staying. */
void sender_expect_copies(struct sender *sender, const struct copy_counts_payload *payload);
void sender_count_copies(struct sender *sender);
void sender_release(struct sender *sender);

/* What became of it, behind sender_join. */
struct sender_summary {
    const struct histogram *raw, *lag;
    const struct reply_counts *replies;
    uint64_t sending_ns;  /* how long the measured part took */
    uint64_t cpu_ns;      /* processor time in it */
    uint64_t unsent;      /* due in it and not sent; counted to 1000 or a tenth of those sent */
    uint64_t open_before; /* requests of the warm-up that were open at its end */
    bool exact;
};
struct sender_summary sender_summary(const struct sender *sender);

#endif
