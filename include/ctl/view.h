#ifndef CTL_VIEW_H
#define CTL_VIEW_H

#include "core/screen.h"
#include "core/sparkline.h"
#include "ctl/job.h"
#include "ctl/rates.h"

#include <stdbool.h>
#include <stdint.h>

/* What `watch` shows: figures in, a drawing out. No terminal, no server, no clock. */

enum {
    VIEW_JOBS_MAX = 160, /* more than a server's memory and usual queue hold; others are left out */
    VIEW_TEXT_BYTES = 200,
};

struct view {
    const char *place;             /* the control socket */
    bool there;                    /* the server has answered, and not gone since */
    char trouble[VIEW_TEXT_BYTES]; /* why it isn't there, or doesn't answer; "" */
    uint64_t away_s;               /* for how long by now; 0 while it is there */
    uint64_t clients, max, uptime_s, workers;
    char version[32]; /* printable ASCII */
    struct rates rates;
    struct sparkline requests; /* a second each, from received */
    struct job jobs[VIEW_JOBS_MAX];
    size_t job_count;
};

/* Draws it into a screen that has begun, of any size. */
void view_draw(const struct view *view, struct screen *screen);

#endif
