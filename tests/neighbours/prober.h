#ifndef NEIGHBOURS_PROBER_H
#define NEIGHBOURS_PROBER_H

#include "joiner.h"

#include <stdatomic.h>

/* Clients of an echo server that send requests at a steady rate, in their own thread, and measure
 * the time of each reply: from before the request is sent until the kernel receives the reply (its
 * timestamp), so that the scheduling of this process does not matter. They also count broadcast
 * copies. */

enum { PROBER_LATE_MS = 100, PROBER_REQUESTS_MAX = 20000 };

struct probe {
    int64_t due_ns;      /* by clock.h */
    int64_t sent_ns;     /* later than that, if this process was delayed */
    int64_t answered_ns; /* 0 while unanswered */
};

struct prober {
    struct joiners clients;
    uint32_t rate_pps;
    struct probe *probes;
    uint32_t sent, answered;
    uint32_t *copies;          /* indexed by client */
    _Atomic int64_t copied_ns; /* time at which the last copy was received */
    atomic_uint copy_sum;      /* of all clients */
    atomic_bool stop;
    pthread_t thread;
};

/* The results of the requests that were due within a time window. */
struct prober_window {
    uint32_t sent;
    uint32_t late;   /* no reply within PROBER_LATE_MS */
    uint32_t silent; /* no reply at all */
    int64_t worst_ns;
};

/* Makes clients of count sockets that the caller has bound, and lets them join. The test fails if
 * one cannot. prober_close closes the sockets. */
void prober_open(struct prober *prober, const struct endpoint *to, const int *sockets,
                 size_t count);
void prober_start(struct prober *prober, uint32_t rate_pps);
/* Stops sending, and waits for outstanding replies for up to one second. */
void prober_stop(struct prober *prober);
struct prober_window prober_window(const struct prober *prober, int64_t from_ns, int64_t to_ns);
/* Closes the sockets. */
void prober_close(struct prober *prober);

/* Expects 99.9 % of the requests of a window to be answered in time. control measured another
 * server at the same time over loopback, which has no neighbours: replies that were late there were
 * delayed by the machine, so the same number of late replies is tolerated here. what is the name of
 * the window. */
void expect_in_time(const char *what, const struct prober *prober, const struct prober *control,
                    int64_t from_ns, int64_t to_ns);
/* Returns the measured values that expect_in_time checks, as text. */
const char *in_time_text(const char *what, const struct prober *prober,
                         const struct prober *control, int64_t from_ns, int64_t to_ns);

#endif
