#include "ctl/bridge/publish_request.h"

#include "text/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

size_t publish_request_write(char out[PUBLISH_REQUEST_BYTES], uint64_t ref,
                             const struct device_name *stream, uint64_t entries,
                             const struct stream_entry *entry)
{
    const struct publish_key key = {.stream = *stream, .id = entry->id};
    char text[PUBLISH_KEY_TEXT_BYTES];
    int size =
        snprintf(out, PUBLISH_REQUEST_BYTES,
                 "broadcast %" PRIu64 " key=%s entries-added=%" PRIu64 " %s%s%s%s%.*s", ref,
                 publish_key_format(&key, text), entries, entry->confirms ? "confirm " : "",
                 entry->within[0] != '\0' ? "within=" : "", entry->within,
                 entry->within[0] != '\0' ? " " : "", (int)entry->selector_size, entry->selector);
    char *at = out + size;
    if (entry->payload_size == 0)
        *at++ = '-';
    hex_encode(at, entry->payload, entry->payload_size);
    at += 2 * entry->payload_size;
    *at++ = '\n';
    return (size_t)(at - out);
}

size_t gap_request_write(char out[GAP_REQUEST_BYTES], const struct device_name *stream,
                         const struct stream_gap *gap)
{
    char name[DEVICE_NAME_TEXT_BYTES], missing[24] = "-";
    char after[ENTRY_ID_TEXT_BYTES] = "-", before[ENTRY_ID_TEXT_BYTES] = "-";
    if (!entry_id_is_none(&gap->after))
        entry_id_format(&gap->after, after);
    if (gap->has_before)
        entry_id_format(&gap->before, before);
    if (gap->kind == STREAM_GAP_MISSING)
        snprintf(missing, sizeof missing, "%" PRIu64, gap->missing);
    return (size_t)snprintf(out, GAP_REQUEST_BYTES,
                            "gap " GAP_REQUEST_REF " %s %s %s %s %" PRIu64 "\n",
                            device_name_format(stream, name), after, before, missing, gap->entries);
}
