#ifndef CTL_BRIDGE_STREAM_READER_H
#define CTL_BRIDGE_STREAM_READER_H

#include "ctl/bridge/redis_connection.h"
#include "redis/stream_entry.h"
#include "redis/stream_position.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads a stream of Redis from a position on, over a connection of its own. It reads what is there
 * in one transaction with the state of the stream (redis/stream_read), and waits for more by XREAD
 * BLOCK. */

struct stream_reader_callbacks {
    /* How many entries may come now; 0: none until stream_reader_continue. */
    unsigned (*room)(void *state);
    /* An entry, in the order of the stream, and the position after it; entry->wrong is set if it
     * cannot be published. Returns false if it cannot be taken before stream_reader_continue: it
     * comes again then. */
    bool (*entry)(void *state, const struct stream_entry *entry,
                  const struct stream_position *position);
    /* Entries are missing, or it is another stream. Returns false to stop reading. */
    bool (*gap)(void *state, const struct stream_gap *gap);
    /* The position at which a first start begins. */
    void (*begun)(void *state, const struct stream_position *position);
    /* Redis has refused the connection or a command for a reason that stays; it is printed. */
    void (*refused)(void *state);
};

struct stream_reader;

/* from is where a first start begins: after that entry; NULL: after the last one. All must outlive
 * the reader, which is stopped at first. Returns NULL if memory or descriptors are short. */
struct stream_reader *stream_reader_new(struct loop *loop,
                                        const struct redis_connection_settings *settings,
                                        const char *stream, const struct entry_id *from,
                                        const struct stream_reader_callbacks *callbacks,
                                        void *state);
/* NULL does nothing. */
void stream_reader_free(struct stream_reader *reader);

/* Reads from a position on; NULL: from that of the last entry that was taken, or if there was none,
 * as a first start. */
void stream_reader_start(struct stream_reader *reader, const struct stream_position *position);

/* Stops: no callback but refused is called until stream_reader_start. */
void stream_reader_stop(struct stream_reader *reader);

/* There may be room again. */
void stream_reader_continue(struct stream_reader *reader);

#endif
