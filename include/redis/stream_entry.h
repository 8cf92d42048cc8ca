#ifndef REDIS_STREAM_ENTRY_H
#define REDIS_STREAM_ENTRY_H

#include "address/publish_key.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An entry of a stream that is to be published: its fields `payload`, `confirm` and `within`, and
 * the selectors `to` (repeatable), `listener` and `idle_max`. Other fields are for other readers of
 * the stream, and are ignored. */

enum {
    STREAM_ENTRY_SELECTOR_BYTES = 2048, /* 16 blocks and a listener need less */
    STREAM_ENTRY_WITHIN_BYTES = 24,
};

struct stream_entry {
    struct entry_id id;
    const char *wrong; /* NULL, or why the entry cannot be published, for the end of a message */
    bool has_payload, confirms;
    bool has_listener, has_idle_max;
    size_t payload_size;
    size_t selector_size;
    char within[STREAM_ENTRY_WITHIN_BYTES];     /* "": not given */
    char selector[STREAM_ENTRY_SELECTOR_BYTES]; /* words of a control line, each with a blank after
                                                   it; not NUL-terminated */
    uint8_t payload[CONFIG_MESSAGE_BYTES_MAX];
};

void stream_entry_begin(struct stream_entry *entry, const struct entry_id *id);

/* The fields that are used. */
enum stream_field {
    STREAM_FIELD_OTHER,
    STREAM_FIELD_PAYLOAD,
    STREAM_FIELD_TO,
    STREAM_FIELD_LISTENER,
    STREAM_FIELD_IDLE_MAX,
    STREAM_FIELD_CONFIRM,
    STREAM_FIELD_WITHIN,
};

/* Returns which field a name of size bytes is; NULL is a name that is too long. */
enum stream_field stream_field_find(const char *name, uint64_t size);

/* Adds a field. value may have any bytes; NULL: it was skipped, since it is longer than
 * RESP_BULK_BYTES_MAX. size is in bytes, also of a value that was skipped. */
void stream_entry_add(struct stream_entry *entry, enum stream_field field, const char *value,
                      uint64_t size);

/* Call it after the last field: sets wrong if the fields don't make a message. */
void stream_entry_end(struct stream_entry *entry);

#endif
