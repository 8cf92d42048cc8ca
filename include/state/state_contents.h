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
 * registered. */

enum {
    STATE_VERSION = 1,
    STATE_PREAMBLE_BYTES = 16,
};

/* Writes the first bytes of a file. */
void state_write_preamble(uint8_t bytes[STATE_PREAMBLE_BYTES]);

/* A file in memory, which the caller keeps, and what is in its first and last block. */
struct state_contents {
    const uint8_t *bytes;
    size_t size;
    size_t clients_at; /* the first block of clients */
    struct state_server server;
    struct state_end end;
};

/* Checks a whole file, and reads its first and last block. Returns NULL, or why it cannot be used;
 * then *contents is undefined. */
state_fault state_contents_read(struct state_contents *contents, const uint8_t *bytes, size_t size);

/* A position among the clients of a file that was checked. */
struct state_position {
    size_t at; /* the next block */
    struct state_reader block;
    uint64_t wall_ms; /* when the clients of the block were copied: CLOCK_REALTIME since 1970 */
};

/* The position of the first client. */
struct state_position state_first_client(const struct state_contents *contents);

/* Reads the next client; position->wall_ms is then its time. Returns false after the last one. */
bool state_next_client(const struct state_contents *contents, struct state_position *position,
                       struct state_client *client);

#endif
