#ifndef CTL_WATCH_COUNTER_RATES_H
#define CTL_WATCH_COUNTER_RATES_H

#include "terminal/sparkline.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How fast counters move, from one look at them to the next. Which counters there are, the server
 * says: one that nobody knew is a counter like the others. */

enum {
    RATES_MAX = 96, /* more counters are passed over */
    RATES_NAME_BYTES = 40,
};

struct rate {
    char name[RATES_NAME_BYTES]; /* printable ASCII; cut where room ends */
    uint64_t value;
    bool known;   /* it was there the last time, too */
    double per_s; /* 0 unless known; never less */
    bool seen;    /* in the look at hand */
    /* The rate of each second, in hundredths, since diagrams show what is less than one, too. */
    struct sparkline history;
};

struct rates {
    struct rate list[RATES_MAX]; /* in the server's order */
    size_t count;
    uint64_t time_ns; /* of the last look */
    uint64_t took_ns; /* from the one before to it; 0: there was none */
};

/* A look at the counters: begin, each value, end. What isn't named any more goes. A counter that
 * went back belongs to another server than the last time, and its rate is not known until the next
 * look. */
void rates_begin(struct rates *rates, uint64_t now_ns);
void rates_value(struct rates *rates, const char *name, uint64_t value);
void rates_end(struct rates *rates);

/* Forgets all: the next look is the first. */
void rates_forget(struct rates *rates);

/* The counter of that name, NULL if there is none. */
const struct rate *rates_find(const struct rates *rates, const char *name);

/* Whether what it counts is a loss: it is named drop_*, refused_*, *_drops, *_failed. */
bool rate_is_bad(const struct rate *rate);

#endif
