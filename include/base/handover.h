#ifndef BASE_HANDOVER_H
#define BASE_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What one server process hands over to the next one during an upgrade: records in memory, each of
 * a type and a length, and descriptors, to which the records refer by their order. Both processes
 * run on the same host, but may be of different versions, so each value is written on its own:
 * numbers are little-endian (base/encoding/little_endian). A record can be as long as
 * memory allows. */

struct handover_writer {
    uint8_t *bytes; /* owned by the writer */
    size_t size, room;
    size_t record;    /* where the record begins that is being written */
    int *descriptors; /* the array is owned by the writer, the descriptors are not */
    size_t descriptor_count, descriptor_room;
    bool failed; /* memory is short: nothing more is written */
};

/* All zero is an empty writer. Frees its memory; the descriptors stay open. */
void handover_writer_free(struct handover_writer *writer);

/* Begin and end a record. type is not 0. Records are not nested. */
void handover_begin(struct handover_writer *writer, uint8_t type);
void handover_end(struct handover_writer *writer);

/* Add a value to the record. A text is a string, or NULL. */
void handover_put8(struct handover_writer *writer, uint8_t value);
void handover_put16(struct handover_writer *writer, uint16_t value);
void handover_put32(struct handover_writer *writer, uint32_t value);
void handover_put64(struct handover_writer *writer, uint64_t value);
void handover_put_bytes(struct handover_writer *writer, const void *bytes, size_t size);
void handover_put_text(struct handover_writer *writer, const char *text);

/* Adds a descriptor, which must stay open until the other process has it. */
void handover_put_descriptor(struct handover_writer *writer, int descriptor);

struct handover_reader {
    const uint8_t *bytes; /* the caller's */
    size_t size, at;
    size_t end;       /* of the record that is being read */
    int *descriptors; /* the caller's array; one that was taken is -1 there */
    size_t descriptor_count, next_descriptor;
    bool failed; /* a read beyond the end of a record, or of the descriptors; or a bad length */
};

/* Goes to the next record, whether the one before was read to its end or not; the descriptors of
 * that one must all have been taken. Returns its type; 0 after the last one, or if failed. */
uint8_t handover_next(struct handover_reader *reader);

/* Skips the rest of the record: it is of another version. Its descriptors are taken before.
 */
void handover_skip(struct handover_reader *reader);

/* Whether the record was read to its end, and no read has failed. */
bool handover_is_at_end(const struct handover_reader *reader);

/* Read a value of the record. A read that fails sets failed and returns 0 or NULL, as all later
 * ones do. */
uint8_t handover_get8(struct handover_reader *reader);
uint16_t handover_get16(struct handover_reader *reader);
uint32_t handover_get32(struct handover_reader *reader);
uint64_t handover_get64(struct handover_reader *reader);
const uint8_t *handover_get_bytes(struct handover_reader *reader, size_t size);
/* Returns NULL also for a NULL that was written. */
const char *handover_get_text(struct handover_reader *reader);

/* Takes the next descriptor, which the caller closes from then on. Returns -1 if it fails. */
int handover_get_descriptor(struct handover_reader *reader);

/* Makes one number of the values that describe a layout of shared memory: its version, and the
 * sizes and the places of its structures. Different values have different numbers, except one in
 * 2^64.
 */
uint64_t handover_layout(const uint64_t *values, size_t count);

#endif
