#ifndef STATE_STATE_STREAMS_H
#define STATE_STATE_STREAMS_H

#include "address/publish_key.h"
#include "state/state_block.h"
#include "state/state_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The journal of publish streams (docs/state.md, "The journal of publish streams"): which entries
 * must not be published again after a restart. It is a file of its own beside the state file, since
 * it is written for each entry, and not each state.interval.
 *
 * It begins with 16 bytes, the text "udpsrv streams" and the version. Blocks follow, each with the
 * boot id of the host and any number of records; a record replaces what an earlier one says of the
 * same stream. The first block was written to the disk with the file. The later ones were appended
 * without that: after a power failure they may be missing or torn, so what is not a whole block
 * ends the file there. */

enum {
    STATE_STREAMS_MAX = 64, /* publish streams: more than any site has sources of messages */
    STATE_STREAMS_VERSION = 1,
    STATE_STREAMS_PREAMBLE_BYTES = 16,
    /* The longest journal. A longer one was not written by udpsrv, which begins a new one before.
     */
    STATE_STREAMS_BYTES_MAX = STATE_BLOCK_BYTES_MAX,
    STATE_STREAM_BYTES_MAX = 2 + DEVICE_NAME_BYTES_MAX + 40, /* a record */
    /* A block with a record of each stream. */
    STATE_STREAMS_BLOCK_BYTES_MAX =
        STATE_BLOCK_HEAD_BYTES + STATE_BOOT_ID_BYTES + STATE_STREAMS_MAX * STATE_STREAM_BYTES_MAX,
};

/* What is known of a stream. */
struct state_stream {
    struct device_name name;
    struct entry_id last;     /* the last entry whose publishing has begun; 0-0: none */
    struct entry_id reserved; /* entries after the last one, up to this one, may be begun by blocks
                                 that are appended; not before last */
    uint64_t entries_added;   /* how many entries were ever added to the stream, as of last; 0:
                                 unknown */
    bool has_ended;           /* the publishing of the last entry */
};

struct state_streams {
    size_t count;
    struct state_stream list[STATE_STREAMS_MAX];
};

/* Returns the stream of that name, NULL if there is none. */
struct state_stream *state_streams_find(struct state_streams *streams,
                                        const struct device_name *name);

/* Writes the first bytes of a journal. */
void state_streams_write_preamble(uint8_t bytes[STATE_STREAMS_PREAMBLE_BYTES]);

/* Write a block to memory of STATE_STREAMS_BLOCK_BYTES_MAX bytes: begin it, add a record of each of
 * at most STATE_STREAMS_MAX streams, and end it by state_block_end. */
void state_streams_begin_block(struct state_writer *block, uint8_t *bytes,
                               const uint8_t boot_id[STATE_BOOT_ID_BYTES]);
void state_streams_put(struct state_writer *block, const struct state_stream *stream);

/* Reads a whole journal. boot_id is that of the host now; NULL: it is not known. If the journal is
 * of another boot, what was appended may be lost: then the last entry of a stream is the one up to
 * which entries were reserved, and it has not ended. Returns NULL, or why the journal cannot be
 * used. */
state_fault state_streams_read(struct state_streams *streams, const uint8_t *bytes, size_t size,
                               const uint8_t boot_id[STATE_BOOT_ID_BYTES]);

#endif
