#ifndef CTL_BRIDGE_PUBLISH_REQUEST_H
#define CTL_BRIDGE_PUBLISH_REQUEST_H

#include "redis/stream_entry.h"
#include "redis/stream_position.h"

#include <stdint.h>

/* An entry of a stream, and a gap, as requests of a gateway's session:
 *
 *     broadcast REF key=STREAM:ID entries-added=N [confirm [within=TIME]] [SELECTOR...] HEX
 *     gap GAP_REQUEST_REF STREAM AFTER BEFORE MISSING ENTRIES-ADDED */

#define GAP_REQUEST_REF "gap" /* the references of entries are numbers */

enum {
    /* Two digits for each byte of the payload, and the words before them. */
    PUBLISH_REQUEST_BYTES = 2 * CONFIG_MESSAGE_BYTES_MAX + STREAM_ENTRY_SELECTOR_BYTES +
                            STREAM_ENTRY_WITHIN_BYTES + PUBLISH_KEY_TEXT_BYTES + 128,
    GAP_REQUEST_BYTES = DEVICE_NAME_TEXT_BYTES + 2 * ENTRY_ID_TEXT_BYTES + 64,
};

/* Writes the request for an entry that is not wrong, with its newline. entries is the entries-added
 * that belongs to the entry. Returns the length. */
size_t publish_request_write(char out[PUBLISH_REQUEST_BYTES], uint64_t ref,
                             const struct device_name *stream, uint64_t entries,
                             const struct stream_entry *entry);

/* The same for a gap, whose kind is not STREAM_GAP_NONE. */
size_t gap_request_write(char out[GAP_REQUEST_BYTES], const struct device_name *stream,
                         const struct stream_gap *gap);

#endif
