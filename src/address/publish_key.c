#include "address/publish_key.h"

#include "text/number_with_unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int entry_id_compare(const struct entry_id *a, const struct entry_id *b)
{
    if (a->ms != b->ms)
        return a->ms < b->ms ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

bool entry_id_is_none(const struct entry_id *id)
{
    return id->ms == 0 && id->sequence == 0;
}

const char *entry_id_parse(struct entry_id *id, const char *text)
{
    enum { NUMBER_BYTES = 21 };
    struct entry_id parsed = {.ms = 0};
    char ms[NUMBER_BYTES];
    const char *dash = strchr(text, '-');
    size_t size = dash != NULL ? (size_t)(dash - text) : strlen(text);
    if (size >= sizeof ms)
        return "the id is not MILLISECONDS-SEQUENCE, as in 1700000000000-0";
    memcpy(ms, text, size);
    ms[size] = '\0';
    if (number_parse(ms, 0, UINT64_MAX, &parsed.ms) != NULL ||
        (dash != NULL && number_parse(dash + 1, 0, UINT64_MAX, &parsed.sequence) != NULL))
        return "the id is not MILLISECONDS-SEQUENCE, as in 1700000000000-0";
    if (entry_id_is_none(&parsed))
        return "the id 0-0 is that of no entry";
    *id = parsed;
    return NULL;
}

const char *entry_id_format(const struct entry_id *id, char text[ENTRY_ID_TEXT_BYTES])
{
    snprintf(text, ENTRY_ID_TEXT_BYTES, "%" PRIu64 "-%" PRIu64, id->ms, id->sequence);
    return text;
}

/* Reads a name that a NUL ends: device_name_parse, or set_name. */
typedef const char *read_name(struct device_name *name, const char *text);

static const char *set_name(struct device_name *name, const char *text)
{
    return device_name_set(name, text, strlen(text));
}

static const char *read_key(struct publish_key *key, const char *text, read_name *read)
{
    char name[DEVICE_NAME_TEXT_BYTES];
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return "it has no colon between the stream and the id";
    size_t size = (size_t)(colon - text);
    if (size >= sizeof name)
        return "the name is longer than 64 bytes";
    memcpy(name, text, size);
    name[size] = '\0';
    const char *wrong = read(&key->stream, name);
    return wrong != NULL ? wrong : entry_id_parse(&key->id, colon + 1);
}

const char *publish_key_parse(struct publish_key *key, const char *text)
{
    return read_key(key, text, device_name_parse);
}

const char *publish_key_set(struct publish_key *key, const char *text)
{
    return read_key(key, text, set_name);
}

const char *publish_key_format(const struct publish_key *key, char text[PUBLISH_KEY_TEXT_BYTES])
{
    device_name_format(&key->stream, text);
    size_t size = strlen(text);
    text[size] = ':';
    entry_id_format(&key->id, text + size + 1);
    return text;
}

bool publish_key_equal(const struct publish_key *a, const struct publish_key *b)
{
    return device_name_equal(&a->stream, &b->stream) && entry_id_compare(&a->id, &b->id) == 0;
}
