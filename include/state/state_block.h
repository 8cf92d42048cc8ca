#ifndef STATE_STATE_BLOCK_H
#define STATE_STATE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The blocks of a state file (docs/state.md): each has a type, the length of its body and a
 * checksum over all three. All numbers are little-endian, whatever the host's byte order is. */

enum {
    /* Before the body: the type (1 byte), its length (3) and the checksum (4). */
    STATE_BLOCK_HEAD_BYTES = 8,
    /* So one buffer of 64 KiB holds any block; a longer one is refused. */
    STATE_BLOCK_BYTES_MAX = 64 << 10,
};

enum state_block_type {
    STATE_BLOCK_SERVER = 1,  /* the first one: state/state_server */
    STATE_BLOCK_CLIENTS = 2, /* state/state_client */
    STATE_BLOCK_END = 3,     /* the last one: state/state_end */
    STATE_BLOCK_STREAMS = 4, /* of another file: state/state_streams */
};

/* A block that is being written, in memory of the caller. A value that does not fit sets
 * overflowed, and nothing more is written; the caller makes sure that this cannot happen, or begins
 * another block. */
struct state_writer {
    uint8_t *bytes; /* room of them, for a whole block */
    size_t size, room;
    bool overflowed;
};

/* Begins a block of that type in room bytes (STATE_BLOCK_HEAD_BYTES at least). */
void state_block_begin(struct state_writer *writer, uint8_t *bytes, size_t room,
                       enum state_block_type type);

/* Add a number of 1, 2, 4 or 8 bytes, or bytes, to the body. */
void state_put8(struct state_writer *writer, uint8_t value);
void state_put16(struct state_writer *writer, uint16_t value);
void state_put32(struct state_writer *writer, uint32_t value);
void state_put64(struct state_writer *writer, uint64_t value);
void state_put_bytes(struct state_writer *writer, const void *bytes, size_t size);

/* Writes the head of the block, and returns the size of all of it. */
size_t state_block_end(struct state_writer *writer);

/* The body of a block that is being read. A read beyond its end sets failed, and returns 0 or
 * NULL, as all later ones do. */
struct state_reader {
    const uint8_t *bytes;
    size_t size, at;
    bool failed;
};

uint8_t state_get8(struct state_reader *reader);
uint16_t state_get16(struct state_reader *reader);
uint32_t state_get32(struct state_reader *reader);
uint64_t state_get64(struct state_reader *reader);
const uint8_t *state_get_bytes(struct state_reader *reader, size_t size);

/* What is wrong with a file, as the reason of a message: NULL if nothing is. */
typedef const char *state_fault;

/* Reads the head of a block, and sets *size to that of the whole block. */
state_fault state_block_size(const uint8_t head[STATE_BLOCK_HEAD_BYTES], size_t *size);

/* Checks a whole block of that size, and sets *type and *body. */
state_fault state_block_read(const uint8_t *block, size_t size, uint8_t *type,
                             struct state_reader *body);

#endif
