#ifndef LOAD_SEND_SENDER_MESSAGES_H
#define LOAD_SEND_SENDER_MESSAGES_H

#include "base/histogram.h"
#include "load/confirm/confirming_clients.h"
#include "load/report/load_result.h"
#include "load/send/copy_counts.h"
#include "os/loop/mailbox.h"

#include <stdbool.h>
#include <stdint.h>

/* The messages of a sender thread to the main thread. The memory is the sender's; the main thread
 * may read a message from its callback until it requests the next one of the same kind. */

/* The counts since the last report, or since the end of the warm-up. */
struct sender_report {
    struct mailbox_message mailbox_message;
    const struct sender_callbacks *callbacks;
    uint32_t sender; /* its number */
    struct load_counts counts;
    struct histogram corrected;
    bool last; /* the sender has ended; sent once, requested or not */
};

/* An error that the user should know during the run; each kind is sent once at most. */
struct sender_error {
    struct mailbox_message mailbox_message;
    const struct sender_callbacks *callbacks;
    int error; /* -errno of sending or receiving; 0: no reply within the first timeout */
    bool sent;
};

/* The copies of a broadcast that its clients received. */
struct sender_copies {
    struct mailbox_message mailbox_message;
    const struct sender_callbacks *callbacks;
    struct copy_counts_tally tally;
    struct confirming_clients_tally confirming; /* all 0 without --confirm */
};

/* All clients are registered or lost; they stay registered until sender_leave. */
struct sender_registered {
    struct mailbox_message mailbox_message;
    const struct sender_callbacks *callbacks;
};

/* Called in the main thread, by the mailbox's loop. */
struct sender_callbacks {
    void *state;
    void (*report)(void *state, const struct sender_report *report);
    void (*error)(void *state, const struct sender_error *error);
    void (*registered)(void *state);
    void (*copies)(void *state, const struct sender_copies *copies);
};

struct sender_messages {
    struct mailbox *mailbox;
    struct sender_callbacks callbacks;
    struct sender_report reports[2]; /* one is read while the other is filled */
    int next_report;
    struct sender_error no_reply, failure;
    struct sender_copies copies;
    struct sender_registered registered;
};

/* number is that of the sender. Nothing here fails or waits. */
void sender_messages_init(struct sender_messages *messages, struct mailbox *mailbox,
                          const struct sender_callbacks *callbacks, uint32_t number);

/* Each sends one message. Of errors, only the first of each kind is sent: -errno, or 0 when there
 * was no reply. */
void sender_messages_report(struct sender_messages *messages, const struct load_counts *counts,
                            const struct histogram *corrected, bool last);
void sender_messages_error(struct sender_messages *messages, int error);
/* confirming: NULL without --confirm. */
void sender_messages_copies(struct sender_messages *messages, struct copy_counts *copies,
                            struct confirming_clients *confirming);
void sender_messages_registered(struct sender_messages *messages);

#endif
