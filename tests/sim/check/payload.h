#ifndef SIM_CHECK_PAYLOAD_H
#define SIM_CHECK_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The payloads of a run say what they are: "R<generation>.<index>." a reply of the rotation,
 * "C<client>.<number>.<check>." a message of a client, "T<number>." a broadcast,
 * "D<number>.<check>." a message to one client. */

/* Reads the numbers of a payload of that kind. Returns false if it is another one. A reply and a
 * message to one client end with their last number; others may be padded. */
bool payload_read_reply(const void *bytes, size_t size, unsigned *generation, unsigned *index);
bool payload_read_message(const void *bytes, size_t size, uint32_t *client, uint32_t *number);
bool payload_read_broadcast(const void *bytes, size_t size, uint32_t *number);
bool payload_read_direct(const void *bytes, size_t size, uint32_t *number);

enum { PAYLOAD_NUMBERS_BYTES = 34 }; /* three numbers at most, and no padding */

/* Writes a message to one client, and returns its size: at most PAYLOAD_NUMBERS_BYTES. */
size_t payload_write_direct(char *bytes, uint32_t number);

/* Writes a message of a client with padding, and returns its size: the greater of the given one and
 * its text's, which is at most PAYLOAD_NUMBERS_BYTES. */
size_t payload_write_message(char *bytes, uint32_t client, uint32_t number, size_t size);
/* Makes the last byte of a message an LF, if that is padding. */
void payload_end_in_newline(char *bytes, size_t size);

#endif
