#ifndef BASE_TOKEN_BUCKET_H
#define BASE_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* A rate limit with a burst: the generic cell rate algorithm (ITU-T I.371, annex A). It is a token
 * bucket whose state is one time of eight bytes: when the next event would be exactly on time. So
 * nothing is refilled, and a limit for many senders keeps eight bytes for each. */
struct token_bucket {
    uint64_t interval_ns; /* between two events at the rate; 0: no limit */
    uint64_t slack_ns;    /* how much earlier than on time an event may be */
};

/* rate is in events per second, 0 for no limit; burst (at least 1) is how many events are allowed
 * at once after a pause. A rate above 10^9 counts as 10^9. */
void token_bucket_init(struct token_bucket *limit, uint32_t rate, uint32_t burst);

/* Returns whether an event is allowed now, and counts it if so. An event that is not allowed
 * changes nothing. *due_ns is the state of one sender, 0 before its first event. now_ns is of a
 * monotonic clock, with any origin. If the limit was changed, a *due_ns of the old limit is reduced
 * to the greatest value of the new one. */
static inline bool token_bucket_take(const struct token_bucket *limit, uint64_t *due_ns,
                                     uint64_t now_ns)
{
    if (limit->interval_ns == 0)
        return true;
    /* Only an older limit, with a lower rate, leaves a *due_ns beyond this. */
    uint64_t most_ns = now_ns + limit->slack_ns + limit->interval_ns;
    if (*due_ns > most_ns)
        *due_ns = most_ns;
    uint64_t due = *due_ns > now_ns ? *due_ns : now_ns;
    if (due - now_ns > limit->slack_ns)
        return false;
    *due_ns = due + limit->interval_ns;
    return true;
}

#endif
