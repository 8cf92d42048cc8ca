#ifndef ADDRESS_PUBLISH_KEY_H
#define ADDRESS_PUBLISH_KEY_H

#include "address/device_name.h"

#include <stdbool.h>
#include <stdint.h>

/* The key of an idempotent publish: which entry of which publish stream a broadcast is. A publish
 * stream is a sequence of messages of another system, such as a stream of Redis. It has a name,
 * with the rules of address/device_name, and its entries have ids that only grow. */

/* The id of an entry, in the form of Redis: MILLISECONDS-SEQUENCE. 0-0 is no entry. */
struct entry_id {
    uint64_t ms, sequence;
};

struct publish_key {
    struct device_name stream;
    struct entry_id id;
};

enum {
    ENTRY_ID_TEXT_BYTES = 20 + 1 + 20 + 1,
    PUBLISH_KEY_TEXT_BYTES = DEVICE_NAME_TEXT_BYTES + ENTRY_ID_TEXT_BYTES,
};

/* Returns less than, equal to or greater than 0, as a is before, the same as or after b. */
int entry_id_compare(const struct entry_id *a, const struct entry_id *b);

/* Whether it is no entry: 0-0. */
bool entry_id_is_none(const struct entry_id *id);

/* Parses "MS-SEQUENCE", or "MS" for MS-0; both are decimal, from 0 to 2^64 - 1, and not both 0.
 * Returns NULL, or why text is no id, as the reason of a message. */
const char *entry_id_parse(struct entry_id *id, const char *text);

/* Writes "MS-SEQUENCE" to text and returns text. */
const char *entry_id_format(const struct entry_id *id, char text[ENTRY_ID_TEXT_BYTES]);

/* Parses "STREAM:ID", divided at the last colon, where STREAM has the form of device_name_parse.
 * Returns NULL or a reason. */
const char *publish_key_parse(struct publish_key *key, const char *text);

/* The same of a text whose STREAM is the bytes of the name as they are. */
const char *publish_key_set(struct publish_key *key, const char *text);

/* Writes that form, which is one ASCII word, to text and returns text. */
const char *publish_key_format(const struct publish_key *key, char text[PUBLISH_KEY_TEXT_BYTES]);

bool publish_key_equal(const struct publish_key *a, const struct publish_key *b);

#endif
