#ifndef NEIGHBOURS_PROBER_H
#define NEIGHBOURS_PROBER_H

#include "joiner.h"

#include <stdatomic.h>

/* Clients of an echoing server that send requests at a steady rate, in a thread of its own, and
 * measure how long each reply takes: from before it is sent until the kernel has received its
 * reply, so that the time at which this process gets to run doesn't count. They take the copies of
 * broadcasts, too. */

enum { PROBER_LATE_MS = 100, PROBER_REQUESTS_MAX = 20000 };

struct probe {
    int64_t sent_ns;     /* by clock.h */
    int64_t answered_ns; /* 0 until then */
};

struct prober {
    struct joiners clients;
    uint32_t rate_pps;
    struct probe *probes;
    uint32_t sent, answered;
    uint32_t *copies;          /* by client */
    _Atomic int64_t copied_ns; /* when the last copy came */
    atomic_uint copy_sum;      /* of all clients */
    atomic_bool stop;
    pthread_t thread;
};

/* What became of the requests that were sent within a window of time. */
struct prober_window {
    uint32_t sent;
    uint32_t late;   /* not answered within PROBER_LATE_MS */
    uint32_t silent; /* not answered at all */
    int64_t worst_ns;
};

/* Opens count clients with sockets that the caller has bound, and lets them join; each has to. */
void prober_open(struct prober *prober, const struct endpoint *to, const int *sockets,
                 size_t count);
void prober_start(struct prober *prober, uint32_t rate_pps);
/* Stops to send, and waits for the replies that are under way as long as any may take. */
void prober_stop(struct prober *prober);
struct prober_window prober_window(const struct prober *prober, int64_t from_ns, int64_t to_ns);
/* Closes the sockets. */
void prober_close(struct prober *prober);

/* Expects 99.9 % of the requests of a window to be answered in time. control asked another server
 * at the same time, by a way that has no neighbours: what was late there was held up by the
 * machine, and as much is forgiven here. what names the window. */
void expect_in_time(const char *what, const struct prober *prober, const struct prober *control,
                    int64_t from_ns, int64_t to_ns);
/* What that looks at, as text. */
const char *in_time_text(const char *what, const struct prober *prober,
                         const struct prober *control, int64_t from_ns, int64_t to_ns);

#endif
