#include "server/publish/publish_gaps.h"

#include "os/log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Returns the index of a stream; count if there is none. */
static size_t find(const struct publish_gaps *gaps, const struct device_name *stream)
{
    size_t i = 0;
    while (i < gaps->count && !device_name_equal(&gaps->list[i].last.stream, stream))
        i++;
    return i;
}

static bool is_same(const struct publish_gap *a, const struct publish_gap *b)
{
    return a->is_other_stream == b->is_other_stream && entry_id_compare(&a->after, &b->after) == 0;
}

static void add(struct publish_gap_counts *counts, uint64_t gaps, uint64_t missing)
{
    counts->gaps += gaps;
    counts->missing += missing;
}

/* Returns by how much a gap has grown since an earlier report. missing may be counted from the
 * beginning of the gap, or from the earlier report on. */
static uint64_t growth(const struct publish_gap *earlier, const struct publish_gap *gap)
{
    uint64_t entries = gap->entries > earlier->entries ? gap->entries - earlier->entries : 0;
    return entries < gap->missing ? entries : gap->missing;
}

static void log_gap(const struct publish_gap *gap)
{
    char stream[DEVICE_NAME_TEXT_BYTES], missing[24];
    char after[ENTRY_ID_TEXT_BYTES], before[ENTRY_ID_TEXT_BYTES];
    device_name_format(&gap->stream, stream);
    entry_id_format(&gap->after, after);
    entry_id_format(&gap->before, before);
    snprintf(missing, sizeof missing, "%" PRIu64, gap->missing);
    if (gap->is_other_stream)
        log_event(LOG_LEVEL_WARNING, "a publish stream is not the one that was read before",
                  "stream", stream, "after", after, "reason",
                  "it has fewer entries added, or a lower last id", "advice",
                  "find out why it was made anew, and what of the earlier one is missing", NULL);
    else
        log_event(LOG_LEVEL_WARNING, "entries of a publish stream are missing", "stream", stream,
                  "after", after, "before", entry_id_is_none(&gap->before) ? "-" : before,
                  "missing", missing, "reason", "they were removed before they were read", "advice",
                  "keep more entries in the stream", NULL);
}

bool publish_gaps_note(struct publish_gaps *gaps, const struct publish_gap *gap)
{
    size_t at = find(gaps, &gap->stream);
    struct publish_stream_gaps *of = at < STATE_STREAMS_MAX ? &gaps->list[at] : NULL;
    bool is_known = at < gaps->count && is_same(&of->last, gap);
    uint64_t missing = is_known ? growth(&of->last, gap) : gap->missing;
    if (is_known && missing == 0)
        return false;
    log_gap(gap);
    add(&gaps->total, !is_known, missing);
    if (of == NULL)
        return true;
    if (at == gaps->count)
        gaps->list[gaps->count++] = (struct publish_stream_gaps){.counts = {0}};
    add(&of->counts, !is_known, missing);
    of->last = *gap;
    return true;
}

struct publish_gap_counts publish_gaps_of(const struct publish_gaps *gaps,
                                          const struct device_name *stream)
{
    size_t at = find(gaps, stream);
    return at < gaps->count ? gaps->list[at].counts : (struct publish_gap_counts){.gaps = 0};
}

/* ---- the handover ---- */

static void put_counts(struct handover_writer *writer, const struct publish_gap_counts *counts)
{
    handover_put64(writer, counts->gaps);
    handover_put64(writer, counts->missing);
}

static struct publish_gap_counts get_counts(struct handover_reader *reader)
{
    struct publish_gap_counts counts = {.gaps = handover_get64(reader)};
    counts.missing = handover_get64(reader);
    return counts;
}

/* The bounds that are not compared are not handed over. */
void publish_gaps_hand_over(const struct publish_gaps *gaps, struct handover_writer *writer)
{
    put_counts(writer, &gaps->total);
    handover_put8(writer, (uint8_t)gaps->count);
    for (size_t i = 0; i < gaps->count; i++) {
        const struct publish_gap *last = &gaps->list[i].last;
        device_name_hand_over(&last->stream, writer);
        handover_put8(writer, last->is_other_stream);
        handover_put64(writer, last->after.ms);
        handover_put64(writer, last->after.sequence);
        handover_put64(writer, last->entries);
        put_counts(writer, &gaps->list[i].counts);
    }
}

static int take_over_stream(struct publish_stream_gaps *of, struct handover_reader *reader)
{
    struct publish_gap *last = &of->last;
    *of = (struct publish_stream_gaps){.counts = {0}};
    last->stream = device_name_take_over(reader);
    if (last->stream.size == 0)
        return -EPROTO;
    last->is_other_stream = handover_get8(reader) != 0;
    last->after.ms = handover_get64(reader);
    last->after.sequence = handover_get64(reader);
    last->entries = handover_get64(reader);
    of->counts = get_counts(reader);
    return reader->failed ? -EPROTO : 0;
}

int publish_gaps_take_over(struct publish_gaps *gaps, struct handover_reader *reader)
{
    gaps->total = get_counts(reader);
    size_t count = handover_get8(reader);
    if (count > STATE_STREAMS_MAX)
        return -EPROTO;
    for (gaps->count = 0; gaps->count < count; gaps->count++)
        if (take_over_stream(&gaps->list[gaps->count], reader) != 0)
            return -EPROTO;
    return reader->failed ? -EPROTO : 0;
}
