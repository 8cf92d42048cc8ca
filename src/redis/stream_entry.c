#include "redis/stream_entry.h"

#include "text/number_with_unit.h"
#include "wire/frame.h"

#include <string.h>

_Static_assert(CONFIG_MESSAGE_BYTES_MAX == 65507 && FRAME_MESSAGE_HEAD_BYTES == 14,
               "the messages have these numbers");

void stream_entry_begin(struct stream_entry *entry, const struct entry_id *id)
{
    entry->id = *id;
    entry->wrong = NULL;
    entry->has_payload = entry->confirms = entry->has_listener = entry->has_idle_max = false;
    entry->payload_size = entry->selector_size = 0;
    entry->within[0] = '\0';
}

enum stream_field stream_field_find(const char *name, uint64_t size)
{
    static const char *const names[] = {
        [STREAM_FIELD_PAYLOAD] = "payload",   [STREAM_FIELD_TO] = "to",
        [STREAM_FIELD_LISTENER] = "listener", [STREAM_FIELD_IDLE_MAX] = "idle_max",
        [STREAM_FIELD_CONFIRM] = "confirm",   [STREAM_FIELD_WITHIN] = "within",
    };
    for (size_t i = 1; name != NULL && i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
            return (enum stream_field)i;
    return STREAM_FIELD_OTHER;
}

/* The first error is reported. */
static void fail(struct stream_entry *entry, const char *wrong)
{
    if (entry->wrong == NULL)
        entry->wrong = wrong;
}

/* Whether a value is one word of a control line. */
static bool is_word(const char *value, uint64_t size)
{
    for (uint64_t i = 0; value != NULL && i < size; i++)
        if (value[i] < '!' || value[i] > '~')
            return false;
    return value != NULL && size > 0;
}

static void add_payload(struct stream_entry *entry, const char *value, uint64_t size)
{
    if (entry->has_payload) {
        fail(entry, "it has more than one field 'payload'");
        return;
    }
    entry->has_payload = true;
    if (size > CONFIG_MESSAGE_BYTES_MAX) {
        fail(entry, "its payload is longer than 65507 bytes, the maximum of a UDP datagram");
        return;
    }
    memcpy(entry->payload, value, size);
    entry->payload_size = size;
}

/* Adds a selector as "KEY=VALUE ". */
static void add_selector(struct stream_entry *entry, const char *key, const char *value,
                         uint64_t size)
{
    size_t key_size = strlen(key), at = entry->selector_size;
    if (!is_word(value, size)) {
        fail(entry, "a selector is empty, or has a blank or another byte that is not printable");
        return;
    }
    if (size > STREAM_ENTRY_SELECTOR_BYTES ||
        at + key_size + size + 2 > STREAM_ENTRY_SELECTOR_BYTES) {
        fail(entry, "its selectors are longer than 2048 bytes");
        return;
    }
    memcpy(entry->selector + at, key, key_size);
    entry->selector[at + key_size] = '=';
    memcpy(entry->selector + at + key_size + 1, value, size);
    entry->selector[at + key_size + 1 + size] = ' ';
    entry->selector_size = at + key_size + size + 2;
}

static void add_confirm(struct stream_entry *entry, const char *value, uint64_t size)
{
    entry->confirms = size == 4 && value != NULL && memcmp(value, "true", 4) == 0;
    if (!entry->confirms && (size != 5 || value == NULL || memcmp(value, "false", 5) != 0))
        fail(entry, "its field 'confirm' is neither true nor false");
}

static void add_within(struct stream_entry *entry, const char *value, uint64_t size)
{
    uint64_t ms;
    if (!is_word(value, size) || size >= sizeof entry->within) {
        fail(entry, "its field 'within' is not a duration, as in 30s");
        return;
    }
    memcpy(entry->within, value, size);
    entry->within[size] = '\0';
    if (duration_parse(entry->within, 1000, &ms) != NULL || ms < CONFIG_WITHIN_MIN_MS ||
        ms > CONFIG_WITHIN_MAX_MS)
        fail(entry, "its field 'within' is not a duration from 1s to 1h");
}

void stream_entry_add(struct stream_entry *entry, enum stream_field field, const char *value,
                      uint64_t size)
{
    switch (field) {
    case STREAM_FIELD_PAYLOAD:
        add_payload(entry, value, size);
        break;
    case STREAM_FIELD_TO:
        add_selector(entry, "to", value, size);
        break;
    case STREAM_FIELD_LISTENER:
        if (entry->has_listener)
            fail(entry, "it has more than one field 'listener'");
        entry->has_listener = true;
        add_selector(entry, "listener", value, size);
        break;
    case STREAM_FIELD_IDLE_MAX:
        if (entry->has_idle_max)
            fail(entry, "it has more than one field 'idle_max'");
        entry->has_idle_max = true;
        add_selector(entry, "idle-max", value, size);
        break;
    case STREAM_FIELD_CONFIRM:
        add_confirm(entry, value, size);
        break;
    case STREAM_FIELD_WITHIN:
        add_within(entry, value, size);
        break;
    case STREAM_FIELD_OTHER:
        break;
    }
}

void stream_entry_end(struct stream_entry *entry)
{
    if (!entry->has_payload)
        fail(entry, "it has no field 'payload'");
    if (entry->within[0] != '\0' && !entry->confirms)
        fail(entry, "its field 'within' is without 'confirm' as true");
    if (entry->confirms &&
        entry->payload_size > CONFIG_MESSAGE_BYTES_MAX - FRAME_MESSAGE_HEAD_BYTES)
        fail(entry, "its payload is longer than 65493 bytes, the maximum of a confirmed broadcast");
}
