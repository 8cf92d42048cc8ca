#include "base/stats.h"

#include <string.h>

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

void stats_hand_over(const struct stats *stats, struct handover_writer *writer)
{
    handover_put16(writer, STATS_COUNT);
    for (size_t i = 0; i < STATS_COUNT; i++) {
        handover_put_text(writer, counters[i].name);
        handover_put64(writer, stats_value(stats, i));
    }
}

static void set_by_name(struct stats *stats, const char *name, uint64_t value)
{
    for (size_t i = 0; i < STATS_COUNT; i++)
        if (strcmp(counters[i].name, name) == 0)
            stats_set(stats, i, value);
}

void stats_take_over(struct stats *stats, struct handover_reader *reader)
{
    *stats = (struct stats){.received = 0};
    for (uint16_t left = handover_get16(reader); left > 0 && !reader->failed; left--) {
        const char *name = handover_get_text(reader);
        uint64_t value = handover_get64(reader);
        if (name != NULL)
            set_by_name(stats, name, value);
    }
}
