#ifndef SERVER_PUBLISH_PUBLISH_STREAMS_H
#define SERVER_PUBLISH_PUBLISH_STREAMS_H

#include "base/handover.h"
#include "os/process/host.h"
#include "state/state_streams.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The publish streams that the server remembers, at most STATE_STREAMS_MAX: of each the last entry
 * that was published, so that no entry is published twice. A plain table in memory; when it is
 * written is decided by server/publish/publish_queue. Used by the main thread. */

struct publish_stream {
    struct state_stream record;
    uint64_t job;      /* of the last entry, if that has not ended; 0: none */
    bool is_uncertain; /* the last entry was begun by a process that has ended meanwhile: which
                          clients have got it is not known */
    bool is_changed;   /* since it was written to the journal */
};

struct publish_streams {
    size_t count;
    struct publish_stream list[STATE_STREAMS_MAX];
    bool has_removed; /* since a whole journal was written */
};

/* Returns the stream of that name, NULL if there is none. */
struct publish_stream *publish_streams_find(struct publish_streams *streams,
                                            const struct device_name *name);

/* Adds a stream without entries, whose name is not in the table. Returns NULL if that is full. */
struct publish_stream *publish_streams_add(struct publish_streams *streams,
                                           const struct device_name *name);

/* Removes a stream; others may have another place then. */
void publish_streams_remove(struct publish_streams *streams, struct publish_stream *stream);

/* Whether an entry is not newer than the last one of its stream. */
bool publish_streams_has_published(struct publish_streams *streams, const struct publish_key *key);

/* Returns "done", "running" or "uncertain". */
const char *publish_stream_state(const struct publish_stream *stream);

/* Whether a stream has changed, or was removed, since it was written. */
bool publish_streams_have_changed(const struct publish_streams *streams);

/* Write the contents of a whole journal, or a block to be appended with the streams that have
 * changed, if none was removed, to memory of PUBLISH_JOURNAL_BYTES_MAX bytes. Nothing counts as
 * changed then. Each returns the size. */
enum { PUBLISH_JOURNAL_BYTES_MAX = STATE_STREAMS_PREAMBLE_BYTES + STATE_STREAMS_BLOCK_BYTES_MAX };
size_t publish_streams_write_all(struct publish_streams *streams, uint8_t *bytes);
size_t publish_streams_write_changed(struct publish_streams *streams, uint8_t *bytes);

/* Replaces the table by what a journal has. Returns NULL, or why the journal cannot be used; then
 * the table is empty. */
state_fault publish_streams_read(struct publish_streams *streams, const uint8_t *bytes,
                                 size_t size);

/* Add the table to a record of a handover, and read it. publish_streams_take_over returns 0, or
 * -EPROTO if the record does not fit. */
void publish_streams_hand_over(const struct publish_streams *streams,
                               struct handover_writer *writer);
int publish_streams_take_over(struct publish_streams *streams, struct handover_reader *reader);

#endif
