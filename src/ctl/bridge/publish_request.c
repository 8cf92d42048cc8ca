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
