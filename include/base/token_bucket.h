#ifndef BASE_TOKEN_BUCKET_H
#define BASE_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* How often each of many may speak: the generic cell rate algorithm (ITU-T I.371, annex A), which
 * is a token bucket in eight bytes: the instant at which the next word would be right on time. */
struct token_bucket {
    uint64_t interval_ns; /* between two words at the rate; 0: no limit */
    uint64_t slack_ns;    /* how far ahead of time a word may come */
};

/* rate is in words a second, 0 for no limit; burst (at least 1) is how many may come at once after
 * a rest. A rate above 10^9 counts as 10^9. */
void token_bucket_init(struct token_bucket *gcra, uint32_t rate, uint32_t burst);

/* Whether a word may be said now; then it counts as said. A refusal counts for nothing. *due_ns is
 * the speaker's, 0 for one who has not spoken yet. now_ns may start anywhere and never goes back.
 * A due_ns from before the limits were changed is cut to the most that the new ones would leave. */
static inline bool token_bucket_take(const struct token_bucket *gcra, uint64_t *due_ns,
                                     uint64_t now_ns)
{
    if (gcra->interval_ns == 0)
        return true;
    /* Further ahead than any word of ours would leave it: older limits were slower. */
    uint64_t most_ns = now_ns + gcra->slack_ns + gcra->interval_ns;
    if (*due_ns > most_ns)
        *due_ns = most_ns;
    uint64_t due = *due_ns > now_ns ? *due_ns : now_ns;
    if (due - now_ns > gcra->slack_ns)
        return false;
    *due_ns = due + gcra->interval_ns;
    return true;
}

#endif
