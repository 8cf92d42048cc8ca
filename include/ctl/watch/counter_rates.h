#ifndef CTL_WATCH_COUNTER_RATES_H
#define CTL_WATCH_COUNTER_RATES_H

#include "terminal/sparkline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The server's counters and their rates per second, computed from two successive polls. The set of
 * counters is the server's: counters that udpctl does not know are handled like the others. */

enum {
    COUNTER_RATES_MAX = 96, /* further counters are ignored */
    COUNTER_RATES_NAME_BYTES = 40,
};

struct counter_rate {
    char name[COUNTER_RATES_NAME_BYTES]; /* printable ASCII; truncated if too long */
    uint64_t value;
    bool known;    /* per_s is valid: the counter was in the previous poll, too */
    double per_s;  /* at least 0; 0 unless known */
    bool is_named; /* in the current poll */
    /* The rate of each second, in hundredths, because a chart also shows rates below 1/s. */
    struct sparkline history;
};

struct counter_rates {
    struct counter_rate list[COUNTER_RATES_MAX]; /* in the server's order */
    size_t count;
    uint64_t time_ns;     /* of the last poll */
    uint64_t interval_ns; /* between the last two polls; 0: there was only one */
};

/* A poll of the counters: begin, add each value, end. Counters that were not added are removed. A
 * counter that decreased is that of a restarted server: its rate is unknown until the next poll. */
void counter_rates_begin(struct counter_rates *rates, uint64_t now_ns);
void counter_rates_add(struct counter_rates *rates, const char *name, uint64_t value);
void counter_rates_end(struct counter_rates *rates);

/* Removes all counters: the next poll is the first. */
void counter_rates_reset(struct counter_rates *rates);

/* Returns the counter of that name; NULL if there is none. */
const struct counter_rate *counter_rates_find(const struct counter_rates *rates, const char *name);

#endif
