#ifndef LOAD_REPORT_LOAD_RESULT_H
#define LOAD_REPORT_LOAD_RESULT_H

#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a run has shown: plain counters, collected by the sender's threads, added up once, printed
 * by the reports. Warm-up (--omit) is in none of it. */

/* Every request that was sent ends in exactly one of replied, wrong, lost: sent = replied + wrong +
 * lost once the run is over (lost includes those whose reply came late). Datagrams received =
 * replied + wrong + late + duplicate + unsolicited. */
struct load_counts {
    uint64_t sent;        /* requests that the kernel took */
    uint64_t replied;     /* answered in time, as expected */
    uint64_t wrong;       /* answered in time, but not by one of --expect */
    uint64_t lost;        /* not answered within the timeout */
    uint64_t late;        /* replies that came when their request was lost already */
    uint64_t duplicate;   /* replies to a request answered already, the same byte for byte */
    uint64_t unsolicited; /* datagrams to a client that waited for none: broadcasts */
    uint64_t send_errors; /* requests that the kernel refused; not in sent */
    uint64_t own_drops;   /* dropped by the kernel at our own sockets: not the server's fault */
    uint64_t challenged;  /* challenges that came: requests that had to be sent again with a cookie.
                             Neither replies nor requests of their own, in none of the sums above */
    uint64_t refused; /* ICMP errors that came for requests: no service listens on the port, or a
                         host on the way refuses. Those requests are among the lost ones */
};

/* One step of --interval. */
struct load_interval {
    uint64_t start_ms, end_ms; /* from the end of the warm-up */
    struct load_counts counts;
    uint64_t p50_ns, p99_ns, max_ns; /* corrected latency */
};

/* How often a reply came; sorted by the order of --expect, else by count. The others share one line
 * of message "(other)". */
struct load_reply {
    char *message; /* escaped, printable */
    uint64_t count;
};

/* What ended a search for the highest rate that holds. */
enum load_limit {
    LOAD_LIMIT_SERVICE,  /* it lost too much above */
    LOAD_LIMIT_SENDER,   /* it fell behind above; the service may take more */
    LOAD_LIMIT_SCHEDULE, /* no higher rate can be asked for */
    LOAD_LIMIT_STOPPED,  /* Ctrl-C */
};

enum { LOAD_LOSS_ANY = 1000000 };

struct load_result {
    struct load_counts counts;
    struct histogram corrected; /* nanoseconds from the intended send time */
    struct histogram raw;       /* from the actual one */
    struct histogram lag;       /* from the intended to the actual one: our own lateness */

    uint64_t duration_ns;  /* of the measured part */
    double requested_rate; /* a second; 0: as fast as it goes (-Q max) */
    double achieved_rate;  /* sent a second */
    double answered_rate;  /* replied a second */
    double cpu_share;      /* of the busiest sender thread, 0 to 1 */
    uint64_t unsent;       /* due and not sent; counted to a tenth of those sent, or 1000 */

    bool exact; /* each reply belonged to its request; else they were matched by order */
    bool kept_up;
    const char *why_not;     /* a sentence, if it didn't; static */
    bool answered_enough;    /* something was answered, and no more was lost than may be */
    const char *why_too_few; /* a sentence, if not; static */

    bool rotation_known; /* --expect was given */
    bool rotation_even;  /* the expected ones came equally often, but for one turn and lost ones */

    struct load_reply *replies;
    size_t reply_count;
    struct load_interval *intervals;
    size_t interval_count;

    struct load_fanout {
        bool done;
        uint64_t broadcasts, expected, received, missing, doubled;
        uint64_t targets; /* copies that the server had to send: more than expected, if it had other
                             clients, too */
        uint64_t first_ns, median_ns, last_ns; /* from the broadcast command to the copies */
    } fanout;

    struct load_find_max {
        bool done;
        uint32_t highest, failed; /* rates a second; failed 0: none did */
        enum load_limit limit;
        /* What the sender could send, where that was the limit; 0: not known. */
        uint32_t sender_max;
    } find_max;

    /* The setting, for the reports. */
    char *command;    /* the command line, quoted for a shell */
    char *target;     /* "127.0.0.1:3000" */
    char *host;       /* host name, kernel, processors */
    char started[32]; /* RFC 3339, UTC */
    uint32_t clients, threads;
    uint64_t timeout_ns;
    uint32_t max_loss_ppm; /* what may be lost, wrong or refused; LOAD_LOSS_ANY: anything but all */
    bool stopped_early;    /* by Ctrl-C */
};

void load_result_free(struct load_result *result);

#endif
