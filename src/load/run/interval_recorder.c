#include "load/run/interval_recorder.h"

#include "load/options.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

void interval_recorder_init(struct interval_recorder *recorder, struct load_result *result)
{
    recorder->result = result;
    recorder->current = (struct load_interval){0};
    recorder->capacity = 0;
    histogram_init(&recorder->corrected);
}

static void add_counts(struct load_counts *into, const struct load_counts *from)
{
    into->sent += from->sent;
    into->replied += from->replied;
    into->wrong += from->wrong;
    into->lost += from->lost;
    into->late += from->late;
    into->duplicate += from->duplicate;
    into->unsolicited += from->unsolicited;
    into->send_errors += from->send_errors;
    into->own_drops += from->own_drops;
    into->challenged += from->challenged;
    into->refused += from->refused;
}

void interval_recorder_add(struct interval_recorder *recorder, const struct load_counts *counts,
                           const struct histogram *corrected)
{
    add_counts(&recorder->current.counts, counts);
    add_counts(&recorder->result->counts, counts);
    histogram_merge(&recorder->corrected, corrected);
    histogram_merge(&recorder->result->corrected, corrected);
}

bool interval_recorder_is_empty(const struct interval_recorder *recorder)
{
    static const struct load_counts nothing;
    return memcmp(&recorder->current.counts, &nothing, sizeof nothing) == 0;
}

static bool reserve(struct interval_recorder *recorder)
{
    struct load_result *result = recorder->result;
    if (result->interval_count < recorder->capacity)
        return true;
    size_t capacity = recorder->capacity ? 2 * recorder->capacity : FIRST_CAPACITY;
    if (recorder->capacity >= LOAD_INTERVALS_MAX)
        return false;
    struct load_interval *intervals = realloc(result->intervals, capacity * sizeof *intervals);
    if (!intervals)
        return false;
    result->intervals = intervals;
    recorder->capacity = capacity;
    return true;
}

const struct load_interval *interval_recorder_end(struct interval_recorder *recorder,
                                                  uint64_t end_ms)
{
    if (!reserve(recorder))
        return NULL;
    struct load_interval *interval =
        &recorder->result->intervals[recorder->result->interval_count++];
    *interval = recorder->current;
    interval->end_ms = end_ms;
    interval->p50_ns = histogram_percentile(&recorder->corrected, 500000);
    interval->p99_ns = histogram_percentile(&recorder->corrected, 990000);
    interval->max_ns = recorder->corrected.max;
    recorder->current = (struct load_interval){.start_ms = end_ms};
    histogram_init(&recorder->corrected);
    return interval;
}
