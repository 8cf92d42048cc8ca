#ifndef SERVER_BROADCAST_SHARD_BROADCAST_H
#define SERVER_BROADCAST_SHARD_BROADCAST_H

#include "os/loop/thread.h"
#include "registry/registry.h"
#include "server/datagram/datagram_io.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* One worker's share of the broadcasts: a copy to each client that is registered in its shard when
 * a part starts, in slices between which datagrams are received and answered. There are two lanes,
 * whose slices take turns: neither do the operator's broadcasts wait for what clients say to each
 * other, nor the other way round. In a lane, parts go one behind the other. */
struct broadcast;

enum broadcast_queue { BROADCAST_OPERATOR, BROADCAST_RELAY, BROADCAST_QUEUES };

/* A client who gets no copy, or nobody if all is zero. */
struct broadcast_except {
    struct addr source; /* of a client of datagrams, with its listener */
    uint64_t stream;    /* of a client of server/streams/stream_clients */
    uint8_t listener;
};

/* A job's share for one worker: a letter that comes, is worked off and goes home. */
struct shard_job {
    struct mailbox_message
        mailbox_message;    /* posted home when the part has ended; its `open` is the sender's */
    struct shard_job *next; /* in its lane */

    /* The sender's, unchanged until it is home again. */
    struct mailbox *reply_mailbox; /* NULL: mail is opened by this worker, then and there */
    const uint8_t *bytes;
    size_t size;
    enum broadcast_queue lane;
    struct broadcast_except except;

    /* Written by the worker alone, read by anyone. targets = sent + failed + skipped once it has
     * ended. */
    _Atomic uint64_t targets, sent, failed, skipped;
};

/* A walk over an audience, which begins and ends it; the members are the audience's to use. */
struct recipients_walk {
    uint64_t joined_before;
    uint32_t next;
    bool ended;
};

struct recipients_tally {
    uint32_t sent, failed;
};

/* Others than the registry's clients who are to get copies. All is called in the worker's thread.
 */
struct recipients {
    void *state;
    /* Begins a walk over who is there now, and returns how many targets they are. */
    uint64_t (*begin)(void *state, const struct shard_job *part, struct recipients_walk *walk);
    /* Sends at most `may` copies, after a bounded number of looks. When it can't go on for lack of
     * room it defers wake once it can, and returns true. */
    bool (*send)(void *state, const struct shard_job *part, struct recipients_walk *walk,
                 uint32_t may, struct recipients_tally *tally, struct loop_task *wake);
};

enum { BROADCAST_RECIPIENTS_MAX = 2 };

struct broadcast_options {
    struct loop *loop;
    struct registry *registry;
    uint32_t capacity;                   /* of the registry */
    struct datagram_io **io_by_listener; /* by listener */
    struct stats *stats;
    int *last_errno;      /* of the last copy that the kernel refused */
    uint32_t rate_pps;    /* of all workers together; 0: no pace */
    uint32_t part, parts; /* this worker's number, and how many share the rate: base/pacer */
};

/* 0 or -errno. */
int broadcast_open(struct broadcast **broadcast, const struct broadcast_options *options);

/* Before the first part: there is one audience more, at most BROADCAST_RECIPIENTS_MAX. */
void broadcast_add_recipients(struct broadcast *broadcast, const struct recipients *recipients);

/* Ends all parts, skipping what is not yet sent, and frees the rest. */
void broadcast_close(struct broadcast *broadcast);

/* Puts a part into its lane. It starts when those before it have ended: who is registered then gets
 * a copy. */
void broadcast_start(struct broadcast *broadcast, struct shard_job *part);

/* Ends the part, skipping what is not yet sent; nothing, if it isn't there any more. */
void broadcast_cancel(struct broadcast *broadcast, const struct shard_job *part);

/* Paces the copies that are not yet sent, by a new rate of all workers together. */
void broadcast_set_rate(struct broadcast *broadcast, uint32_t rate_pps);

#endif
