#ifndef CTL_WATCH_SERVER_SNAPSHOT_H
#define CTL_WATCH_SERVER_SNAPSHOT_H

#include "ctl/broadcast/job_status.h"
#include "ctl/watch/counter_rates.h"
#include "terminal/sparkline.h"

#include <stdbool.h>
#include <stdint.h>

/* The data that `watch` displays: the last answers of the server, their age, and the history of the
 * last minutes. server_poller fills it in. */

enum {
    /* More than the jobs that a server remembers and usually has in its queue; further ones are
     * left out. */
    SERVER_SNAPSHOT_JOBS_MAX = 160,
    SERVER_SNAPSHOT_ERROR_BYTES = 200,
};

struct server_snapshot {
    const char *socket_path;
    bool is_up;                              /* the last poll has succeeded */
    char error[SERVER_SNAPSHOT_ERROR_BYTES]; /* why the last poll has failed; "" */
    uint64_t down_s;                         /* since the first failed poll; 0 while it is up */
    uint64_t stale_s;                        /* the age of the values; 0: they are of this second */
    uint64_t clients, max, uptime_s, workers;
    char version[32]; /* printable ASCII */
    struct counter_rates rates;
    /* A step for each second: received datagrams/s, losses/s, clients, broadcast copies/s. */
    struct sparkline request_history, loss_history, client_history, copy_history;
    struct job_status jobs[SERVER_SNAPSHOT_JOBS_MAX];
    size_t job_count;
};

/* Whether the values are older than a second: the server is down, or its answer is late. */
bool server_snapshot_is_stale(const struct server_snapshot *snapshot);

/* Whether the rates are valid: after two polls, and while the values are not stale. */
bool server_snapshot_has_rates(const struct server_snapshot *snapshot);

/* Return the rate per second of the counter of that name, and of all losses; 0 if unknown. */
double server_snapshot_rate(const struct server_snapshot *snapshot, const char *name);
double server_snapshot_loss_rate(const struct server_snapshot *snapshot);

/* Whether a message or an event was for a subscriber (`listen`, `events`, `gateway`) since the
 * server started. */
bool server_snapshot_had_subscribers(const struct server_snapshot *snapshot);

#endif
