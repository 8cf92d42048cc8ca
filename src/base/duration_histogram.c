#include "base/duration_histogram.h"

#define MICROSECOND UINT64_C(1000)
#define MILLISECOND UINT64_C(1000000)
#define SECOND      UINT64_C(1000000000)

static const uint64_t BOUNDS_NS[] = {
    10 * MICROSECOND,  25 * MICROSECOND,   50 * MICROSECOND,   100 * MICROSECOND, 250 * MICROSECOND,
    500 * MICROSECOND, 1 * MILLISECOND,    2500 * MICROSECOND, 5 * MILLISECOND,   10 * MILLISECOND,
    25 * MILLISECOND,  50 * MILLISECOND,   100 * MILLISECOND,  250 * MILLISECOND, 500 * MILLISECOND,
    1 * SECOND,        2500 * MILLISECOND, 5 * SECOND,         10 * SECOND,
};
_Static_assert(sizeof BOUNDS_NS / sizeof *BOUNDS_NS == DURATION_HISTOGRAM_BOUNDS,
               "DURATION_HISTOGRAM_BOUNDS is the number of bounds");

uint64_t duration_histogram_bound_ns(size_t i)
{
    return BOUNDS_NS[i];
}

void duration_histogram_add(struct duration_histogram *histogram, uint64_t ns)
{
    size_t i = 0;
    while (i < DURATION_HISTOGRAM_BOUNDS && ns > BOUNDS_NS[i])
        i++;
    histogram->counts[i]++;
    histogram->sum_ns += ns;
}

void duration_histogram_merge(struct duration_histogram *into,
                              const struct duration_histogram *from)
{
    into->sum_ns += from->sum_ns;
    for (size_t i = 0; i <= DURATION_HISTOGRAM_BOUNDS; i++)
        into->counts[i] += from->counts[i];
}
