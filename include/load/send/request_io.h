#ifndef LOAD_SEND_REQUEST_IO_H
#define LOAD_SEND_REQUEST_IO_H

#include "base/histogram.h"
#include "load/confirm/confirming_clients.h"
#include "load/confirm/hello_frames.h"
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
#include <stddef.h>
#include <stdint.h>

/* The state of one thread's requests and replies: its clients, its share of the load and its
 * counters. load/send/request_send sends from it, load/send/reply_receive receives into it. Neither
 * allocates (except for a ring that doubles), locks, logs or formats. Used by one thread. */

struct request_io_setting {
    const struct load_options *options;
    uint32_t rate;          /* requests per second of all shares; 0: as fast as possible */
    uint32_t share, shares; /* this thread's share of the load, from 0, and their number */
    uint64_t start_ns;      /* when the schedule begins, by clock_now_ns */
    uint64_t measure_ns;    /* when the warm-up ends */
    uint64_t end_ns;        /* no request is due from then on; UINT64_MAX: limited by count */
    bool counts_copies;     /* of broadcasts: remembers which clients were answered */
};

struct request_io {
    struct request_io_setting setting;
    struct simulated_clients clients;
    struct reply_match *match;
    struct reply_counts *replies;
    struct copy_counts *copies; /* NULL unless setting.counts_copies */
    struct send_schedule schedule;
    struct batch *in, *out;
    struct challenge_answers *challenge_answers;
    struct leave_frames *leave; /* NULL unless setting.counts_copies */
    /* NULL unless setting.counts_copies and options->confirm. */
    struct confirming_clients *confirming;
    struct hello_frames *hello;
    bool leaving; /* reply_receive_leave was called */
    /* Without a rate: requests open at a time, and the least that one batch sends. */
    uint32_t max_open, min_batch;
    uint64_t remaining; /* requests still to be sent */

    struct picked_request {
        uint64_t intended_ns;
        uint32_t client;
    } picked[BATCH_MAX]; /* the requests in out */
    uint32_t out_socket;
    bool blocked; /* that socket's send buffer is full */

    uint64_t now_ns;         /* when the clock was last read */
    bool measuring;          /* the warm-up is over */
    uint64_t measuring_ns;   /* when it ended */
    uint64_t open_at_warmup; /* requests that were open then */
    uint64_t first_sent_ns;  /* when the first request was sent; 0: none yet */
    uint64_t last_reply_ns;  /* when a measured request was last answered; 0: none yet */
    bool answered;           /* any datagram was received */
    int error;               /* the last error of sending or receiving, -errno */

    /* Measured since the warm-up. The owner takes the first two and resets them. */
    struct load_counts counts;
    struct histogram corrected;
    struct histogram raw, lag;
};

/* Takes over the clients. Returns 0 or -ENOMEM; after an error nothing is left open, and the caller
 * still owns the clients. */
int request_io_open(struct request_io *io, const struct request_io_setting *setting,
                    const struct simulated_clients *clients);
void request_io_close(struct request_io *io);

/* Ends the warm-up: counts and matches from now on. */
void request_io_begin_measuring(struct request_io *io);

/* Counts ICMP errors that the kernel reported on a socket: count and the last error (-errno), as
 * its sends and receives returned them. */
void request_io_count_icmp_errors(struct request_io *io, uint32_t socket, uint32_t count,
                                  int error);

#endif
