#ifndef ADDRESS_DEVICE_NAME_H
#define ADDRESS_DEVICE_NAME_H

#include "base/handover.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The name that a device gives itself in a hello (docs/protocol.md), such as "thermostat-17". (The
 * name of a client in address/client_name is where it is: its transport and address.)
 *
 * It has 1 to 64 bytes of UTF-8 without control characters (C0, DEL, C1). The server compares names
 * byte by byte; it does not normalize them. */

enum { DEVICE_NAME_BYTES_MAX = 64 }; /* a label of DNS has 63, a UUID 36 */

/* A plain value. A name of size 0 is no name. Bytes after the size are undefined. */
struct device_name {
    uint8_t size;
    uint8_t bytes[DEVICE_NAME_BYTES_MAX];
};

/* Returns NULL, or why size bytes are no name, as the reason of a message ("... is empty"). */
const char *device_name_check(const void *bytes, size_t size);

/* Sets a name from size bytes. Returns as device_name_check does; if these are no name, nothing is
 * changed. */
const char *device_name_set(struct device_name *name, const void *bytes, size_t size);

bool device_name_equal(const struct device_name *a, const struct device_name *b);

/* The form in commands, answers and events, which is one ASCII word: the bytes from '!' to '~', of
 * which a backslash is written \\ and a quote \", and \xNN for all others, and
 * for the name "-". */
enum { DEVICE_NAME_TEXT_BYTES = 4 * DEVICE_NAME_BYTES_MAX + 1 };

/* Writes that form, with its NUL, to text and returns text. */
const char *device_name_format(const struct device_name *name, char text[DEVICE_NAME_TEXT_BYTES]);

/* Parses that form; bytes that need no escape may have one, and those of UTF-8 may have none.
 * Returns NULL or a reason, as device_name_set does. */
const char *device_name_parse(struct device_name *name, const char *text);

/* Add a name, or none, to the record of a handover, and read one. device_name_take_over returns no
 * name if the read fails, or its bytes are no name, which sets reader->failed, too. */
void device_name_hand_over(const struct device_name *name, struct handover_writer *writer);
struct device_name device_name_take_over(struct handover_reader *reader);

#endif
