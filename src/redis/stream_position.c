#include "redis/stream_position.h"

/* Returns how many entries were removed. XSETID can set entries-added to less than the length. */
static uint64_t removed_count(const struct stream_info *info)
{
    return info->entries_added > info->length ? info->entries_added - info->length : 0;
}

/* Returns how many of entries-added are up to id, as far as it is known: all if it is the last id,
 * otherwise those that were removed, which may be fewer. */
static uint64_t entries_up_to(const struct stream_info *info, const struct entry_id *id)
{
    return info->length == 0 || entry_id_compare(id, &info->last_generated) >= 0
               ? info->entries_added
               : removed_count(info);
}

struct stream_position stream_position_begin(const struct stream_info *info,
                                             const struct entry_id *from)
{
    struct stream_position position = {.id = from != NULL ? *from : info->last_generated};
    position.entries = entries_up_to(info, &position.id);
    return position;
}

struct stream_gap stream_position_check(struct stream_position *position,
                                        const struct stream_info *info)
{
    uint64_t removed = removed_count(info);
    struct stream_gap gap = {
        .after = position->id, .before = info->first, .has_before = info->length > 0};
    if (info->entries_added < position->entries ||
        entry_id_compare(&info->last_generated, &position->id) < 0) {
        gap.kind = STREAM_GAP_EPOCH;
        position->entries = entries_up_to(info, &position->id);
        if (entry_id_compare(&info->last_generated, &position->id) < 0)
            position->id = info->last_generated;
    } else if (removed > position->entries) {
        gap.kind = STREAM_GAP_MISSING;
        gap.missing = removed - position->entries;
        position->entries = removed;
    }
    gap.entries = position->entries;
    return gap;
}
