#ifndef LOAD_REPORT_LOAD_RESULT_H
#define LOAD_REPORT_LOAD_RESULT_H

#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result of a run, which the reports print: counters and histograms that the sender threads
 * collected. The warm-up (--omit) is not included. */

/* Each request that was sent counts as exactly one of replied, wrong, lost. After the run, sent =
 * replied + wrong + lost (lost includes requests whose reply was late). Datagrams received =
 * replied + wrong + late + duplicate + unsolicited. */
struct load_counts {
    uint64_t sent;      /* requests that the kernel took */
    uint64_t replied;   /* answered in time, as expected */
    uint64_t wrong;     /* answered in time, but by none of --expect */
    uint64_t lost;      /* not answered within the timeout */
    uint64_t late;      /* replies to requests that were lost already */
    uint64_t duplicate; /* replies to requests that were answered already, byte for byte the same */
    uint64_t unsolicited; /* datagrams to clients without an open request: broadcasts */
    uint64_t send_errors; /* requests that the kernel refused; not in sent */
    uint64_t own_drops;   /* dropped by the kernel at the sender's sockets, not by the server */
    /* Challenges received: their requests were sent again with a cookie. Neither they nor the
     * answers are in the sums above. */
    uint64_t challenged;
    /* ICMP errors received: no service listens on the port, or a host on the route refuses. Their
     * requests are among the lost ones. */
    uint64_t refused;
};

/* One step of --interval. */
struct load_interval {
    uint64_t start_ms, end_ms; /* since the end of the warm-up */
    struct load_counts counts;
    uint64_t p50_ns, p99_ns, max_ns; /* corrected latency */
};

/* How often a reply was received; in the order of --expect, else by count. All other replies share
 * one entry with the message "(other)". */
struct load_reply {
    char *message; /* escaped, printable */
    uint64_t count;
};

/* What limited the search for the highest rate that holds. */
enum load_limit {
    LOAD_LIMIT_SERVICE,  /* it lost too much at higher rates */
    LOAD_LIMIT_SENDER,   /* it fell behind at higher rates; the service may hold more */
    LOAD_LIMIT_SCHEDULE, /* even the highest rate that can be requested was sustained */
    LOAD_LIMIT_STOPPED,  /* Ctrl-C */
};

enum { LOAD_LOSS_ANY = 1000000 };

struct load_result {
    struct load_counts counts;
    struct histogram corrected; /* nanoseconds from the intended send time */
    struct histogram raw;       /* nanoseconds from the actual send time */
    struct histogram lag;       /* nanoseconds from the intended to the actual send time */

    uint64_t duration_ns;  /* of the measured part */
    double requested_rate; /* per second; 0: as fast as possible (-Q max) */
    double achieved_rate;  /* sent per second */
    double answered_rate;  /* replied per second */
    double cpu_share;      /* of the busiest sender thread: 0 to 1 processor */
    uint64_t unsent; /* due and not sent; counted only up to 1,000 plus a tenth of those sent */

    bool exact; /* each reply was matched to its request exactly; else by order */
    bool kept_up;
    const char *why_not;     /* a message if it did not; static */
    bool answered_enough;    /* replies were received, and the loss is within max_loss_ppm */
    const char *why_too_few; /* a message if not; static */

    bool rotation_known; /* --expect was given */
    bool rotation_even;  /* the counts of the expected replies differ by one at most, not counting
                            lost replies */

    struct load_reply *replies;
    size_t reply_count;
    struct load_interval *intervals;
    size_t interval_count;

    struct load_fanout {
        bool done;
        uint64_t broadcasts, expected, received, missing, doubled;
        uint64_t
            targets; /* copies that the server sent; more than expected if it has other clients */
        uint64_t first_ns, median_ns, last_ns; /* from the broadcast command to the copies */
        struct load_confirm {
            bool done;
            /* What the clients have done; the sums of all broadcasts. */
            uint64_t clients;         /* that ask for frames: their hello was answered */
            uint64_t confirmed;       /* of them, that sent a confirmation which was not dropped */
            uint64_t silent;          /* the others */
            uint64_t seen_twice;      /* messages that a client would have shown twice */
            uint64_t frames;          /* that arrived */
            uint64_t frames_dropped;  /* of them, by --drop */
            uint64_t frames_repeated; /* of them, received again, so not shown */
            uint64_t confirmations;   /* due */
            uint64_t confirmations_dropped; /* of them, by --drop */
            uint64_t confirmations_failed;  /* of them, refused by the kernel */
            /* What the server has reported. */
            uint64_t server_confirmed, server_silent, plain, datagrams;
            uint64_t rounds; /* the most that a broadcast took */
            /* From the broadcast command to the first confirmation of each client: of half and of
             * 99 % of all `clients`, and the last one that came. UINT64_MAX: not that many have
             * confirmed. */
            uint64_t median_ns, p99_ns, last_ns;
        } confirm;
    } fanout;

    struct load_find_max {
        bool done;
        uint32_t highest, failed; /* rates per second; failed 0: none failed */
        enum load_limit limit;
        /* The rate that the sender could send, if that was the limit; 0: not known. */
        uint32_t sender_max;
    } find_max;

    /* The settings of the run. */
    char *command;    /* the command line, quoted for a shell */
    char *target;     /* "127.0.0.1:3000" */
    char *host;       /* host name, kernel, processors */
    char started[32]; /* RFC 3339, UTC */
    uint32_t clients, threads;
    uint64_t timeout_ns;
    uint32_t max_loss_ppm; /* tolerated failures; LOAD_LOSS_ANY: any as long as one was answered */
    bool stopped_early;    /* by Ctrl-C */
};

/* Frees what the result owns, not the result itself. */
void load_result_free(struct load_result *result);

#endif
