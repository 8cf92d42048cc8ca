#include "server/publish/publish_streams.h"

#include <errno.h>
#include <string.h>

struct publish_stream *publish_streams_find(struct publish_streams *streams,
                                            const struct device_name *name)
{
    for (size_t i = 0; i < streams->count; i++)
        if (device_name_equal(&streams->list[i].record.name, name))
            return &streams->list[i];
    return NULL;
}

struct publish_stream *publish_streams_add(struct publish_streams *streams,
                                           const struct device_name *name)
{
    if (streams->count == STATE_STREAMS_MAX)
        return NULL;
    struct publish_stream *stream = &streams->list[streams->count++];
    *stream = (struct publish_stream){.record = {.name = *name, .has_ended = true}};
    return stream;
}

void publish_streams_remove(struct publish_streams *streams, struct publish_stream *stream)
{
    *stream = streams->list[--streams->count];
    streams->has_removed = true;
}

bool publish_streams_has_published(struct publish_streams *streams, const struct publish_key *key)
{
    const struct publish_stream *stream = publish_streams_find(streams, &key->stream);
    return stream != NULL && entry_id_compare(&key->id, &stream->record.last) <= 0;
}

const char *publish_stream_state(const struct publish_stream *stream)
{
    if (stream->is_uncertain)
        return "uncertain";
    return stream->record.has_ended ? "done" : "running";
}

/* ---- the journal ---- */

_Static_assert((int)HOST_BOOT_ID_BYTES == (int)STATE_BOOT_ID_BYTES, "it is the same number");

bool publish_streams_have_changed(const struct publish_streams *streams)
{
    for (size_t i = 0; i < streams->count; i++)
        if (streams->list[i].is_changed)
            return true;
    return streams->has_removed;
}

/* Writes a block of all streams, or only of those that have changed. */
static size_t write_block(struct publish_streams *streams, uint8_t *bytes, bool is_whole)
{
    struct state_writer block;
    uint8_t boot_id[STATE_BOOT_ID_BYTES];
    if (host_boot_id(boot_id) != 0)
        memset(boot_id, 0, sizeof boot_id);
    state_streams_begin_block(&block, bytes, boot_id);
    for (size_t i = 0; i < streams->count; i++) {
        if (is_whole || streams->list[i].is_changed)
            state_streams_put(&block, &streams->list[i].record);
        streams->list[i].is_changed = false;
    }
    return state_block_end(&block);
}

size_t publish_streams_write_all(struct publish_streams *streams, uint8_t *bytes)
{
    state_streams_write_preamble(bytes);
    streams->has_removed = false;
    return STATE_STREAMS_PREAMBLE_BYTES +
           write_block(streams, bytes + STATE_STREAMS_PREAMBLE_BYTES, true);
}

size_t publish_streams_write_changed(struct publish_streams *streams, uint8_t *bytes)
{
    return write_block(streams, bytes, false);
}

state_fault publish_streams_read(struct publish_streams *streams, const uint8_t *bytes, size_t size)
{
    struct state_streams read;
    uint8_t boot_id[STATE_BOOT_ID_BYTES];
    bool is_known = host_boot_id(boot_id) == 0;
    state_fault fault = state_streams_read(&read, bytes, size, is_known ? boot_id : NULL);
    streams->count = fault == NULL ? read.count : 0;
    for (size_t i = 0; i < streams->count; i++)
        streams->list[i] = (struct publish_stream){.record = read.list[i],
                                                   .is_uncertain = !read.list[i].has_ended};
    return fault;
}

/* ---- the handover ---- */

enum { HAS_ENDED = 1, IS_UNCERTAIN = 2 };

void publish_streams_hand_over(const struct publish_streams *streams,
                               struct handover_writer *writer)
{
    handover_put8(writer, (uint8_t)streams->count);
    for (size_t i = 0; i < streams->count; i++) {
        const struct publish_stream *stream = &streams->list[i];
        const struct state_stream *record = &stream->record;
        device_name_hand_over(&record->name, writer);
        handover_put64(writer, record->last.ms);
        handover_put64(writer, record->last.sequence);
        handover_put64(writer, record->entries_added);
        handover_put64(writer, stream->job);
        handover_put8(writer, (uint8_t)((record->has_ended ? HAS_ENDED : 0) |
                                        (stream->is_uncertain ? IS_UNCERTAIN : 0)));
    }
}

static int take_over_stream(struct publish_stream *stream, struct handover_reader *reader)
{
    struct state_stream *record = &stream->record;
    *stream = (struct publish_stream){.is_changed = true};
    record->name = device_name_take_over(reader);
    if (record->name.size == 0)
        return -EPROTO;
    record->last.ms = handover_get64(reader);
    record->last.sequence = handover_get64(reader);
    record->reserved = record->last;
    record->entries_added = handover_get64(reader);
    stream->job = handover_get64(reader);
    uint8_t flags = handover_get8(reader);
    record->has_ended = flags & HAS_ENDED;
    stream->is_uncertain = flags & IS_UNCERTAIN;
    return reader->failed ? -EPROTO : 0;
}

int publish_streams_take_over(struct publish_streams *streams, struct handover_reader *reader)
{
    size_t count = handover_get8(reader);
    if (count > STATE_STREAMS_MAX)
        return -EPROTO;
    for (streams->count = 0; streams->count < count; streams->count++)
        if (take_over_stream(&streams->list[streams->count], reader) != 0)
            return -EPROTO;
    return 0;
}
