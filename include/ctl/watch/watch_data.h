#ifndef CTL_WATCH_WATCH_DATA_H
#define CTL_WATCH_WATCH_DATA_H

#include "ctl/broadcast/job_status.h"
#include "ctl/watch/counter_rates.h"
#include "terminal/sparkline.h"

#include <stdbool.h>
#include <stdint.h>

/* The figures that `watch` shows: what ctl/watch/server_poll has learnt, and how old it is. */

enum {
    WATCH_DATA_JOBS_MAX =
        160, /* more than a server's memory and usual queue hold; others are left out */
    WATCH_DATA_TEXT_BYTES = 200,
};

struct watch_data {
    const char *place;                   /* the control socket */
    bool there;                          /* the server has answered, and not gone since */
    char trouble[WATCH_DATA_TEXT_BYTES]; /* why it isn't there; "" */
    uint64_t away_s;                     /* for how long by now; 0 while it is there */
    uint64_t stale_s;                    /* how old the figures are; 0: they are of this second */
    uint64_t clients, max, uptime_s, workers;
    char version[32]; /* printable ASCII */
    struct rates rates;
    /* A second each: received, what was lost, clients, copies_sent. */
    struct sparkline requests, losses, held, copies;
    struct job_status jobs[WATCH_DATA_JOBS_MAX];
    size_t job_count;
};

/* Whether the figures are no longer those of now: the server is away, or takes its time. Then they
 * are only shown as what they were. */
bool watch_data_is_stale(const struct watch_data *view);

/* Whether rates can be told: from the second look on, unless it is stale. */
bool watch_data_has_rates(const struct watch_data *view);

/* The rate of the counter of that name, and that of all losses; 0 if nothing is known. */
double watch_data_rate(const struct watch_data *view, const char *name);
double watch_data_loss_rate(const struct watch_data *view);

#endif
