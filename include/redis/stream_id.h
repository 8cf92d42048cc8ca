#ifndef REDIS_STREAM_ID_H
#define REDIS_STREAM_ID_H

#include "address/publish_key.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads an id as Redis writes it and as its users give it: all of size bytes are "MS-SEQUENCE", or
 * "MS" for MS-0. Unlike entry_id_parse, the text needs no NUL, and 0-0 is valid: it is before the
 * first entry. Returns false if the bytes are not an id; then *id is unchanged. */
bool stream_id_parse(struct entry_id *id, const char *bytes, size_t size);

#endif
