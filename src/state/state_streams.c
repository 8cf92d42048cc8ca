#include "state/state_streams.h"

#include <string.h>

enum {
    VERSION_AT = 14,
    HAS_ENDED = 1, /* the only flag */
};

static const char MARK[VERSION_AT + 1] = "udpsrv streams";

struct state_stream *state_streams_find(struct state_streams *streams,
                                        const struct device_name *name)
{
    for (size_t i = 0; i < streams->count; i++)
        if (device_name_equal(&streams->list[i].name, name))
            return &streams->list[i];
    return NULL;
}

/* ---- writing ---- */

void state_streams_write_preamble(uint8_t bytes[STATE_STREAMS_PREAMBLE_BYTES])
{
    memcpy(bytes, MARK, VERSION_AT);
    bytes[VERSION_AT] = STATE_STREAMS_VERSION;
    bytes[VERSION_AT + 1] = STATE_STREAMS_VERSION >> 8;
}

void state_streams_begin_block(struct state_writer *block, uint8_t *bytes,
                               const uint8_t boot_id[STATE_BOOT_ID_BYTES])
{
    state_block_begin(block, bytes, STATE_STREAMS_BLOCK_BYTES_MAX, STATE_BLOCK_STREAMS);
    state_put_bytes(block, boot_id, STATE_BOOT_ID_BYTES);
}

static void put_id(struct state_writer *block, const struct entry_id *id)
{
    state_put64(block, id->ms);
    state_put64(block, id->sequence);
}

void state_streams_put(struct state_writer *block, const struct state_stream *stream)
{
    state_put8(block, stream->has_ended ? HAS_ENDED : 0);
    state_put8(block, stream->name.size);
    state_put_bytes(block, stream->name.bytes, stream->name.size);
    put_id(block, &stream->last);
    put_id(block, &stream->reserved);
    state_put64(block, stream->entries_added);
}

/* ---- reading ---- */

static struct entry_id get_id(struct state_reader *block)
{
    struct entry_id id = {.ms = state_get64(block)};
    id.sequence = state_get64(block);
    return id;
}

/* Returns whether it is a record that state_streams_put writes. */
static bool get(struct state_reader *block, struct state_stream *stream)
{
    uint8_t flags = state_get8(block), size = state_get8(block);
    const uint8_t *name = state_get_bytes(block, size);
    if (name == NULL || device_name_set(&stream->name, name, size) != NULL)
        return false;
    stream->last = get_id(block);
    stream->reserved = get_id(block);
    stream->entries_added = state_get64(block);
    stream->has_ended = flags == HAS_ENDED;
    return !block->failed && flags <= HAS_ENDED &&
           entry_id_compare(&stream->last, &stream->reserved) <= 0;
}

/* Returns whether there was a place for it. */
static bool keep(struct state_streams *streams, const struct state_stream *stream)
{
    struct state_stream *kept = state_streams_find(streams, &stream->name);
    if (kept == NULL && streams->count == STATE_STREAMS_MAX)
        return false;
    if (kept == NULL)
        kept = &streams->list[streams->count++];
    *kept = *stream;
    return true;
}

static state_fault get_all(struct state_streams *streams, struct state_reader *block)
{
    struct state_stream stream;
    while (block->at < block->size)
        if (!get(block, &stream) || !keep(streams, &stream))
            return "it has contents that no udpsrv writes";
    return NULL;
}

/* Finds the block that begins at *at, and moves *at after it. */
static state_fault next_block(const uint8_t *bytes, size_t size, size_t *at,
                              struct state_reader *body)
{
    static const char EARLY_END[] = "it ends too early";
    size_t block = 0;
    uint8_t type = 0;
    if (size - *at < STATE_BLOCK_HEAD_BYTES)
        return EARLY_END;
    state_fault fault = state_block_size(bytes + *at, &block);
    if (fault == NULL && block > size - *at)
        fault = EARLY_END;
    if (fault == NULL)
        fault = state_block_read(bytes + *at, block, &type, body);
    if (fault == NULL && type != STATE_BLOCK_STREAMS)
        fault = "it has a block of a kind that no udpsrv writes there";
    *at += block;
    return fault;
}

/* Of an entry that was reserved it is not known whether it was begun. */
static void doubt_reserved(struct state_streams *streams)
{
    for (size_t i = 0; i < streams->count; i++) {
        struct state_stream *stream = &streams->list[i];
        if (entry_id_compare(&stream->last, &stream->reserved) == 0)
            continue;
        stream->last = stream->reserved;
        stream->has_ended = false;
        stream->entries_added = 0;
    }
}

state_fault state_streams_read(struct state_streams *streams, const uint8_t *bytes, size_t size,
                               const uint8_t boot_id[STATE_BOOT_ID_BYTES])
{
    uint8_t preamble[STATE_STREAMS_PREAMBLE_BYTES];
    struct state_reader block;
    size_t at = sizeof preamble;
    streams->count = 0;
    state_streams_write_preamble(preamble);
    if (size < at || memcmp(bytes, preamble, VERSION_AT) != 0)
        return "it is no journal of udpsrv";
    if (memcmp(bytes, preamble, sizeof preamble) != 0)
        return "it is of another version of udpsrv";
    state_fault fault = next_block(bytes, size, &at, &block);
    bool is_same_boot = false;
    while (fault == NULL) {
        const uint8_t *written = state_get_bytes(&block, STATE_BOOT_ID_BYTES);
        is_same_boot = written != NULL && boot_id != NULL &&
                       memcmp(written, boot_id, STATE_BOOT_ID_BYTES) == 0;
        fault = written != NULL ? get_all(streams, &block) : "it has a block without a boot id";
        if (fault == NULL && (at == size || next_block(bytes, size, &at, &block) != NULL))
            break;
    }
    if (fault == NULL && !is_same_boot)
        doubt_reserved(streams);
    return fault;
}
