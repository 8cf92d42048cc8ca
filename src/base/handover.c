#include "base/handover.h"

#include "base/encoding/little_endian.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAD_BYTES = 1 + 8, /* of a record: its type, and the length of what follows */
    FIRST_ROOM = 4096,
    NO_TEXT = 0,
    SOME_TEXT = 1,
};

void handover_writer_free(struct handover_writer *writer)
{
    free(writer->bytes);
    free(writer->descriptors);
    *writer = (struct handover_writer){.size = 0};
}

/* Returns where size more bytes are to be written, NULL if there is no memory. */
static uint8_t *extend(struct handover_writer *writer, size_t size)
{
    if (!writer->failed && size > writer->room - writer->size) {
        size_t room = writer->room != 0 ? writer->room : FIRST_ROOM;
        while (size > room - writer->size)
            room *= 2;
        uint8_t *bytes = realloc(writer->bytes, room);
        writer->failed = bytes == NULL;
        if (bytes != NULL) {
            writer->bytes = bytes;
            writer->room = room;
        }
    }
    if (writer->failed)
        return NULL;
    writer->size += size;
    return writer->bytes + writer->size - size;
}

static void put_number(struct handover_writer *writer, size_t size, uint64_t value)
{
    uint8_t *bytes = extend(writer, size);
    if (bytes != NULL)
        little_endian_put(bytes, size, value);
}

void handover_begin(struct handover_writer *writer, uint8_t type)
{
    writer->record = writer->size;
    handover_put8(writer, type);
    handover_put64(writer, 0);
}

void handover_end(struct handover_writer *writer)
{
    if (!writer->failed)
        little_endian_put(writer->bytes + writer->record + 1, 8,
                          writer->size - writer->record - HEAD_BYTES);
}

void handover_put8(struct handover_writer *writer, uint8_t value)
{
    put_number(writer, sizeof value, value);
}

void handover_put16(struct handover_writer *writer, uint16_t value)
{
    put_number(writer, sizeof value, value);
}

void handover_put32(struct handover_writer *writer, uint32_t value)
{
    put_number(writer, sizeof value, value);
}

void handover_put64(struct handover_writer *writer, uint64_t value)
{
    put_number(writer, sizeof value, value);
}

void handover_put_bytes(struct handover_writer *writer, const void *bytes, size_t size)
{
    uint8_t *to = extend(writer, size);
    if (to != NULL && size > 0)
        memcpy(to, bytes, size);
}

void handover_put_text(struct handover_writer *writer, const char *text)
{
    handover_put8(writer, text != NULL ? SOME_TEXT : NO_TEXT);
    if (text == NULL)
        return;
    size_t size = strlen(text) + 1;
    handover_put64(writer, size);
    handover_put_bytes(writer, text, size);
}

void handover_put_descriptor(struct handover_writer *writer, int descriptor)
{
    if (!writer->failed && writer->descriptor_count == writer->descriptor_room) {
        size_t room = writer->descriptor_room != 0 ? 2 * writer->descriptor_room : 16;
        int *descriptors = realloc(writer->descriptors, room * sizeof descriptors[0]);
        writer->failed = descriptors == NULL;
        if (descriptors != NULL) {
            writer->descriptors = descriptors;
            writer->descriptor_room = room;
        }
    }
    if (!writer->failed)
        writer->descriptors[writer->descriptor_count++] = descriptor;
}

/* ---- reading ---- */

uint8_t handover_next(struct handover_reader *reader)
{
    size_t begin = reader->end;
    if (reader->failed || begin == reader->size)
        return 0;
    if (reader->size - begin < HEAD_BYTES || reader->bytes[begin] == 0) {
        reader->failed = true;
        return 0;
    }
    uint64_t size = little_endian_get(reader->bytes + begin + 1, 8);
    if (size > reader->size - begin - HEAD_BYTES) {
        reader->failed = true;
        return 0;
    }
    reader->at = begin + HEAD_BYTES;
    reader->end = reader->at + (size_t)size;
    return reader->bytes[begin];
}

void handover_skip(struct handover_reader *reader)
{
    reader->at = reader->end;
}

bool handover_is_at_end(const struct handover_reader *reader)
{
    return !reader->failed && reader->at == reader->end;
}

const uint8_t *handover_get_bytes(struct handover_reader *reader, size_t size)
{
    if (reader->failed || size > reader->end - reader->at) {
        reader->failed = true;
        return NULL;
    }
    reader->at += size;
    return reader->bytes + reader->at - size;
}

static uint64_t get_number(struct handover_reader *reader, size_t size)
{
    const uint8_t *bytes = handover_get_bytes(reader, size);
    return bytes != NULL ? little_endian_get(bytes, size) : 0;
}

uint8_t handover_get8(struct handover_reader *reader)
{
    return (uint8_t)get_number(reader, 1);
}

uint16_t handover_get16(struct handover_reader *reader)
{
    return (uint16_t)get_number(reader, 2);
}

uint32_t handover_get32(struct handover_reader *reader)
{
    return (uint32_t)get_number(reader, 4);
}

uint64_t handover_get64(struct handover_reader *reader)
{
    return get_number(reader, 8);
}

const char *handover_get_text(struct handover_reader *reader)
{
    if (handover_get8(reader) == NO_TEXT)
        return NULL;
    uint64_t size = handover_get64(reader);
    const uint8_t *text = handover_get_bytes(reader, (size_t)size);
    if (text == NULL || size == 0 || memchr(text, '\0', (size_t)size) != text + size - 1) {
        reader->failed = true;
        return NULL;
    }
    return (const char *)text;
}

int handover_get_descriptor(struct handover_reader *reader)
{
    if (reader->failed || reader->next_descriptor == reader->descriptor_count) {
        reader->failed = true;
        return -1;
    }
    int descriptor = reader->descriptors[reader->next_descriptor];
    reader->descriptors[reader->next_descriptor++] = -1;
    return descriptor;
}

/* FNV-1a, over words of 64 bits. */
uint64_t handover_layout(const uint64_t *values, size_t count)
{
    uint64_t number = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++) {
        number = (number ^ values[i]) * UINT64_C(0x100000001b3);
        number ^= number >> 32;
    }
    return number;
}
