#ifndef CTL_VIEW_H
#define CTL_VIEW_H

#include "ctl/job.h"
#include "ctl/rates.h"
#include "terminal/sparkline.h"

#include <stdbool.h>
#include <stdint.h>

/* The figures that `watch` shows: what ctl/look has learnt, and how old it is. */

enum {
    VIEW_JOBS_MAX = 160, /* more than a server's memory and usual queue hold; others are left out */
    VIEW_TEXT_BYTES = 200,
};

struct view {
    const char *place;             /* the control socket */
    bool there;                    /* the server has answered, and not gone since */
    char trouble[VIEW_TEXT_BYTES]; /* why it isn't there; "" */
    uint64_t away_s;               /* for how long by now; 0 while it is there */
    uint64_t stale_s;              /* how old the figures are; 0: they are of this second */
    uint64_t clients, max, uptime_s, workers;
    char version[32]; /* printable ASCII */
    struct rates rates;
    /* A second each: received, what was lost, clients, copies_sent. */
    struct sparkline requests, losses, held, copies;
    struct job jobs[VIEW_JOBS_MAX];
    size_t job_count;
};

/* Whether the figures are no longer those of now: the server is away, or takes its time. Then they
 * are only shown as what they were. */
bool view_is_stale(const struct view *view);

/* Whether rates can be told: from the second look on, unless it is stale. */
bool view_has_rates(const struct view *view);

/* The rate of the counter of that name, and that of all losses; 0 if nothing is known. */
double view_rate(const struct view *view, const char *name);
double view_loss_rate(const struct view *view);

#endif
