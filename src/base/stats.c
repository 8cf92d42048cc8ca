#include "base/stats.h"

static const struct {
    const char *name;
    const char *meaning;
    size_t offset;
} counters[] = {{"received", "datagrams and lines read; the sum of the outcomes below",
                 offsetof(struct stats, received)},
#define STAT(name, meaning) {#name, meaning, offsetof(struct stats, name)},
                STATS_OUTCOMES(STAT) STATS_OTHERS(STAT)
#undef STAT
};

const char *stats_name(size_t i)
{
    return counters[i].name;
}

const char *stats_meaning(size_t i)
{
    return counters[i].meaning;
}

static uint64_t *counter(struct stats *stats, size_t i)
{
    return (uint64_t *)(void *)((char *)stats + counters[i].offset);
}

uint64_t stats_value(const struct stats *stats, size_t i)
{
    return *(const uint64_t *)(const void *)((const char *)stats + counters[i].offset);
}

void stats_set(struct stats *stats, size_t i, uint64_t value)
{
    *counter(stats, i) = value;
}

void stats_add(struct stats *sum, const struct stats *worker)
{
    for (size_t i = 0; i < STATS_COUNT; i++)
        *counter(sum, i) += stats_value(worker, i);
}

uint64_t stats_outcomes(const struct stats *stats)
{
#define STAT(name, meaning) +stats->name
    return 0 STATS_OUTCOMES(STAT);
#undef STAT
}
