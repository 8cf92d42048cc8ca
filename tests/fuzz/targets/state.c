/* state/state_contents: a file that is accepted is walked to its end, has as many clients as it
 * says, and is written again to a file that reads equal. state/state_streams: a journal that is
 * accepted is written again as one block that reads equal. The input is read as it is, and again
 * with right checksums, since random bytes have none. */
#include "target.h"

#include "state/state_contents.h"
#include "state/state_streams.h"

#include <string.h>

/* The bytes of a file. */
struct memory {
    const uint8_t *bytes;
    size_t size;
};

static int read_memory(void *state, uint64_t offset, void *bytes, size_t size)
{
    const struct memory *memory = state;
    must(offset <= memory->size && size <= memory->size - offset);
    memcpy(bytes, memory->bytes + offset, size);
    return 0;
}

static state_fault read_contents(struct state_contents *contents, struct memory *memory)
{
    const struct state_input input = {read_memory, memory, memory->size};
    return state_contents_read(contents, &input);
}

struct output {
    uint8_t *bytes;
    size_t size, room;
};

/* Returns the place for another block. */
static uint8_t *room_for_block(struct output *out)
{
    if (out->room - out->size < STATE_BLOCK_BYTES_MAX) {
        out->room = 2 * out->room + STATE_BLOCK_BYTES_MAX;
        out->bytes = realloc(out->bytes, out->room);
        must(out->bytes != NULL);
    }
    return out->bytes + out->size;
}

static void write_again(struct state_contents *contents, struct output *out)
{
    struct state_position position = state_contents_first(contents);
    struct state_client client;
    uint64_t count = 0;
    state_contents_write_preamble(room_for_block(out));
    out->size = STATE_PREAMBLE_BYTES;
    out->size += state_server_write(&contents->server, room_for_block(out), STATE_BLOCK_BYTES_MAX);
    while (state_contents_next(contents, &position, &client)) {
        struct state_writer block;
        must(client.listener < contents->server.listener_count);
        state_block_begin(&block, room_for_block(out), STATE_BLOCK_BYTES_MAX, STATE_BLOCK_CLIENTS);
        state_time_put(&block, &position.copied);
        must(state_client_put(&block, &client));
        must(block.size <= STATE_BLOCK_HEAD_BYTES + 16 + STATE_CLIENT_BYTES_MAX);
        out->size += state_block_end(&block);
        count++;
    }
    must(count == contents->end.clients);
    out->size += state_end_write(&contents->end, room_for_block(out), STATE_BLOCK_BYTES_MAX);
}

static void must_be_same_client(const struct state_client *a, const struct state_client *b)
{
    must(addr_equal(&a->source, &b->source) && addr_equal(&a->local, &b->local));
    must(a->join_number == b->join_number && a->left_ms == b->left_ms && a->idle_ms == b->idle_ms);
    must(a->age_s == b->age_s && a->received == b->received);
    must(a->listener == b->listener && a->frames == b->frames);
    must(device_name_equal(&a->name, &b->name));
}

static bool is_same_time(const struct state_time *a, const struct state_time *b)
{
    return a->wall_ms == b->wall_ms && a->boot_ms == b->boot_ms;
}

static void must_be_same(struct state_contents *a, struct state_contents *b)
{
    struct state_position at = state_contents_first(a), bt = state_contents_first(b);
    struct state_client client, again;
    must(is_same_time(&a->server.begun, &b->server.begun) && a->server.names == b->server.names);
    must(memcmp(a->server.key_id, b->server.key_id, STATE_KEY_ID_BYTES) == 0);
    must(memcmp(a->server.boot_id, b->server.boot_id, STATE_BOOT_ID_BYTES) == 0);
    must(a->server.listener_count == b->server.listener_count);
    for (size_t i = 0; i < a->server.listener_count; i++)
        must(strcmp(a->server.listeners[i], b->server.listeners[i]) == 0);
    while (state_contents_next(a, &at, &client)) {
        must(state_contents_next(b, &bt, &again) && is_same_time(&at.copied, &bt.copied));
        must_be_same_client(&client, &again);
    }
    must(!state_contents_next(b, &bt, &again));
    must(a->end.clients == b->end.clients && a->end.streams == b->end.streams);
    must(a->end.last_job == b->end.last_job && a->end.clients_proven == b->end.clients_proven);
    must(memcmp(&a->end.counters, &b->end.counters, sizeof a->end.counters) == 0);
}

static void try_journal(const uint8_t *bytes, size_t size)
{
    static struct state_streams streams, again;
    static uint8_t written[STATE_STREAMS_PREAMBLE_BYTES + STATE_STREAMS_BLOCK_BYTES_MAX];
    const uint8_t boot_id[STATE_BOOT_ID_BYTES] = {1};
    struct state_writer block;
    if (state_streams_read(&streams, bytes, size, boot_id) != NULL)
        return;
    must(streams.count <= STATE_STREAMS_MAX);
    state_streams_write_preamble(written);
    state_streams_begin_block(&block, written + STATE_STREAMS_PREAMBLE_BYTES, boot_id);
    for (size_t i = 0; i < streams.count; i++)
        state_streams_put(&block, &streams.list[i]);
    must(!block.overflowed);
    size = STATE_STREAMS_PREAMBLE_BYTES + state_block_end(&block);
    must(state_streams_read(&again, written, size, boot_id) == NULL);
    must(again.count == streams.count);
    for (size_t i = 0; i < streams.count; i++) {
        const struct state_stream *a = &streams.list[i], *b = &again.list[i];
        must(device_name_equal(&a->name, &b->name) && a->entries_added == b->entries_added);
        must(entry_id_compare(&a->last, &b->last) == 0 && a->has_ended == b->has_ended);
        must(entry_id_compare(&a->reserved, &b->reserved) == 0);
    }
}

static void try_file(const uint8_t *bytes, size_t size)
{
    try_journal(bytes, size);
    static struct state_contents contents, again;
    struct memory memory = {bytes, size};
    struct output out = {.bytes = NULL};
    if (read_contents(&contents, &memory) != NULL)
        return;
    write_again(&contents, &out);
    struct memory written = {out.bytes, out.size};
    must(read_contents(&again, &written) == NULL);
    must_be_same(&contents, &again);
    free(out.bytes);
}

/* Corrects the checksum of each whole block. */
static void correct(uint8_t *bytes, size_t size)
{
    size_t at = STATE_PREAMBLE_BYTES;
    while (at < size && size - at >= STATE_BLOCK_HEAD_BYTES) {
        size_t length = bytes[at + 1] | (size_t)bytes[at + 2] << 8 | (size_t)bytes[at + 3] << 16;
        if (length > size - at - STATE_BLOCK_HEAD_BYTES)
            return;
        struct state_writer block = {.bytes = bytes + at, .size = STATE_BLOCK_HEAD_BYTES + length};
        at += state_block_end(&block);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *corrected = malloc(size + !size);
    must(corrected != NULL);
    try_file(bytes, size);
    if (size > 0)
        memcpy(corrected, bytes, size);
    correct(corrected, size);
    try_file(corrected, size);
    free(corrected);
    return 0;
}
