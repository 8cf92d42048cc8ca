#ifndef LOAD_SEND_TRAFFIC_H
#define LOAD_SEND_TRAFFIC_H

#include "load/options.h"
#include "load/report/load_result.h"
#include "load/send/challenge_answers.h"
#include "load/send/copy_counts.h"
#include "load/send/leave_frames.h"
#include "load/send/reply_counts.h"
#include "load/send/reply_matching.h"
#include "load/send/send_schedule.h"
#include "load/send/simulated_clients.h"
#include "net/message/datagram_batch.h"

#include <stdbool.h>
#include <stdint.h>

/* The way of a request out and of a datagram in, for the clients of one thread: picked, sent,
 * matched, counted. Nothing on it allocates (but for a ring that doubles), locks, logs or formats.
 */

struct traffic_setting {
    const struct load_options *options;
    uint32_t rate;          /* a second, of all shares; 0: as fast as it goes */
    uint32_t share, shares; /* of the load: ours, and how many there are */
    uint64_t start_ns;      /* when the schedule begins, of clock_now_ns */
    uint64_t measure_ns;    /* when the warm-up ends */
    uint64_t end_ns;        /* nothing is due from then on; UINT64_MAX: by count */
    bool registers;         /* keeps who was answered, for copies of broadcasts */
};

struct traffic {
    struct traffic_setting is;
    struct simulated_clients clients;
    struct reply_match *match;
    struct reply_counts *replies;
    struct copy_counts *copies; /* NULL unless it registers */
    struct schedule schedule;
    struct batch *in, *out;
    struct challenge_answers *proofs; /* of addresses, where the service asks for it */
    struct leave_frames *leave;       /* NULL unless it registers */
    bool leaving;                     /* traffic_leave was called, */
    bool leave_asked;                 /* and what it sent last is still to be answered */
    uint32_t limit, least;            /* as fast as it goes: open at a time; sent at a time */
    uint64_t left;                    /* requests that are still to be sent */

    struct traffic_picked {
        uint64_t intended_ns;
        uint32_t client;
    } picked[BATCH_MAX]; /* what is in out */
    uint32_t out_socket;
    bool blocked; /* that socket has no room for it */

    uint64_t now_ns;     /* when the clock was last read */
    bool measuring;      /* the warm-up is over */
    uint64_t began_ns;   /* when that was */
    uint64_t open_then;  /* requests that were open then */
    uint64_t first_ns;   /* when the first request was sent, 0: none yet */
    uint64_t replied_ns; /* when a measured request was last answered, 0: never yet */
    bool answered;       /* any datagram ever came */
    int error;           /* the last of sending or receiving, -errno */

    /* Of what is measured. The first two are handed over, and begun anew, by the owner. */
    struct load_counts counts;
    struct histogram corrected;
    struct histogram raw, lag;
};

/* 0 or -ENOMEM, and then nothing is left open. The clients are the traffic's from then on. */
int traffic_open(struct traffic *traffic, const struct traffic_setting *setting,
                 const struct simulated_clients *clients);
void traffic_close(struct traffic *traffic);

/* Whether there is more to be sent, in time or behind it. */
bool traffic_is_due_more(const struct traffic *traffic);

/* When the next request is due; UINT64_MAX where replies, or room in a socket, decide that. */
uint64_t traffic_due_ns(const struct traffic *traffic);

/* Sends a batch of what is due now. Whether there was anything. */
bool traffic_send(struct traffic *traffic);

/* Gives up what is due and what waits for a socket; returns how much, counted to most. */
uint64_t traffic_give_up(struct traffic *traffic, uint64_t most);

/* Receives a batch from a socket. Returns how many came. payload is the broadcast at hand, or NULL.
 */
int traffic_receive(struct traffic *traffic, uint32_t socket,
                    const struct copy_counts_payload *payload);

/* Where it registers: sends up to so many leave frames of those that are registered, and sets
 * leave_asked until the server has answered for them. Returns whether some are still to be sent. */
bool traffic_leave(struct traffic *traffic, uint32_t most);

/* Counts what is lost by now. */
void traffic_expire(struct traffic *traffic);

#endif
