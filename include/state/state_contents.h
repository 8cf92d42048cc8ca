#ifndef STATE_STATE_CONTENTS_H
#define STATE_STATE_CONTENTS_H

#include "state/state_block.h"
#include "state/state_client.h"
#include "state/state_end.h"
#include "state/state_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The contents of a whole state file: what a server has to know after a restart (docs/state.md).
 *
 * It begins with 16 bytes, which no later version changes: the text "udpsrv state" and the version.
 * Blocks follow: one of the server, any number of clients, the end. A file is used as a whole or
 * not at all: each block has a checksum, each record is checked, and the end says how many clients
 * there are, so that a file that was truncated or changed is found before its first client is
 * registered.
 *
 * It is read twice, block by block, so that a file of any length takes the memory of one block:
 * first to check it, and then for its clients. */

enum {
    STATE_VERSION = 1,
    STATE_PREAMBLE_BYTES = 16,
};

/* Writes the first bytes of a file. */
void state_contents_write_preamble(uint8_t bytes[STATE_PREAMBLE_BYTES]);

/* Where the bytes of a file come from. */
struct state_input {
    /* Reads size bytes from that offset on, which is within the size of the file. Returns 0 or
     * -errno. */
    int (*read)(void *state, uint64_t offset, void *bytes, size_t size);
    void *state;
    uint64_t size;
};

/* A file, what is in its first and last block, and the block that was read last: 75 KiB. */
struct state_contents {
    struct state_input input;
    struct state_server server;
    struct state_end end;
    uint64_t clients_at; /* the first block of clients */
    int error;           /* of the input: 0 or -errno */
    uint8_t block[STATE_BLOCK_BYTES_MAX];
};

/* Checks a whole file, and reads its first and last block. Returns NULL, or why it cannot be used:
 * then all but contents->error is undefined. */
state_fault state_contents_read(struct state_contents *contents, const struct state_input *input);

/* A position among the clients of a file that was checked. */
struct state_position {
    uint64_t at; /* the next block */
    struct state_reader block;
    struct state_time copied; /* when the clients of the block were copied */
};

/* The position of the first client. */
struct state_position state_contents_first(const struct state_contents *contents);

/* Reads the next client; position->copied is then its time. Returns false after the last one, or if
 * the file cannot be read any more or has changed. */
bool state_contents_next(struct state_contents *contents, struct state_position *position,
                         struct state_client *client);

#endif
