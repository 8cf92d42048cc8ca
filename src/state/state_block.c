#include "state/state_block.h"

#include "base/crc32c.h"
#include "base/encoding/little_endian.h"

#include <string.h>

enum { CHECKSUM_AT = 4 }; /* in the head, after the type and the length */

/* ---- writing ---- */

static void put(struct state_writer *writer, uint64_t value, size_t bytes)
{
    uint8_t text[8];
    little_endian_put(text, bytes, value);
    state_put_bytes(writer, text, bytes);
}

void state_block_begin(struct state_writer *writer, uint8_t *bytes, size_t room,
                       enum state_block_type type)
{
    *writer = (struct state_writer){.bytes = bytes, .size = STATE_BLOCK_HEAD_BYTES, .room = room};
    bytes[0] = (uint8_t)type;
}

void state_put8(struct state_writer *writer, uint8_t value)
{
    put(writer, value, sizeof value);
}

void state_put16(struct state_writer *writer, uint16_t value)
{
    put(writer, value, sizeof value);
}

void state_put32(struct state_writer *writer, uint32_t value)
{
    put(writer, value, sizeof value);
}

void state_put64(struct state_writer *writer, uint64_t value)
{
    put(writer, value, sizeof value);
}

void state_put_bytes(struct state_writer *writer, const void *bytes, size_t size)
{
    if (writer->overflowed || size > writer->room - writer->size) {
        writer->overflowed = true;
        return;
    }
    if (size > 0)
        memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
}

/* The checksum of a block: of its type, its length and its body. */
static uint32_t checksum_of(const uint8_t *block, size_t size)
{
    uint32_t crc = crc32c_add(0, block, CHECKSUM_AT);
    return crc32c_add(crc, block + STATE_BLOCK_HEAD_BYTES, size - STATE_BLOCK_HEAD_BYTES);
}

size_t state_block_end(struct state_writer *writer)
{
    little_endian_put(writer->bytes + 1, CHECKSUM_AT - 1, writer->size - STATE_BLOCK_HEAD_BYTES);
    little_endian_put(writer->bytes + CHECKSUM_AT, 4, checksum_of(writer->bytes, writer->size));
    return writer->size;
}

/* ---- reading ---- */

const uint8_t *state_get_bytes(struct state_reader *reader, size_t size)
{
    if (reader->failed || size > reader->size - reader->at) {
        reader->failed = true;
        return NULL;
    }
    reader->at += size;
    return reader->bytes + reader->at - size;
}

static uint64_t get(struct state_reader *reader, size_t bytes)
{
    const uint8_t *from = state_get_bytes(reader, bytes);
    return from != NULL ? little_endian_get(from, bytes) : 0;
}

uint8_t state_get8(struct state_reader *reader)
{
    return (uint8_t)get(reader, sizeof(uint8_t));
}

uint16_t state_get16(struct state_reader *reader)
{
    return (uint16_t)get(reader, sizeof(uint16_t));
}

uint32_t state_get32(struct state_reader *reader)
{
    return (uint32_t)get(reader, sizeof(uint32_t));
}

uint64_t state_get64(struct state_reader *reader)
{
    return get(reader, sizeof(uint64_t));
}

state_fault state_block_size(const uint8_t head[STATE_BLOCK_HEAD_BYTES], size_t *size)
{
    *size = STATE_BLOCK_HEAD_BYTES + (size_t)little_endian_get(head + 1, CHECKSUM_AT - 1);
    return *size <= STATE_BLOCK_BYTES_MAX ? NULL
                                          : "a block of it is damaged: its length is impossible";
}

state_fault state_block_read(const uint8_t *block, size_t size, uint8_t *type,
                             struct state_reader *body)
{
    if (checksum_of(block, size) != little_endian_get(block + CHECKSUM_AT, 4))
        return "a block of it is damaged: its checksum is wrong";
    *type = block[0];
    *body = (struct state_reader){.bytes = block + STATE_BLOCK_HEAD_BYTES,
                                  .size = size - STATE_BLOCK_HEAD_BYTES};
    return NULL;
}
