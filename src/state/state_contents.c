#include "state/state_contents.h"

#include "base/encoding/little_endian.h"

#include <string.h>

enum { VERSION_AT = 12 };

static const char MARK[VERSION_AT + 1] = "udpsrv state";

void state_contents_write_preamble(uint8_t bytes[STATE_PREAMBLE_BYTES])
{
    memcpy(bytes, MARK, VERSION_AT);
    little_endian_put(bytes + VERSION_AT, 4, STATE_VERSION);
}

/* ---- reading bytes ---- */

/* Moves *at after what is read. */
static state_fault read_bytes(struct state_contents *contents, uint64_t *at, void *bytes,
                              size_t size)
{
    const struct state_input *input = &contents->input;
    if (size > input->size - *at)
        return "it ends too early";
    contents->error = input->read(input->state, *at, bytes, size);
    *at += size;
    return contents->error == 0 ? NULL : strerror(-contents->error);
}

static state_fault read_preamble(struct state_contents *contents, uint64_t *at)
{
    uint8_t expected[STATE_PREAMBLE_BYTES], *found = contents->block;
    state_contents_write_preamble(expected);
    state_fault fault = read_bytes(contents, at, found, STATE_PREAMBLE_BYTES);
    if (fault != NULL)
        return fault;
    if (memcmp(found, expected, VERSION_AT) != 0)
        return "it is no state file of udpsrv";
    if (memcmp(found + VERSION_AT, expected + VERSION_AT, 4) != 0)
        return "it is of another version of udpsrv";
    return NULL;
}

static state_fault read_block(struct state_contents *contents, uint64_t *at, uint8_t *type,
                              struct state_reader *body)
{
    uint8_t *block = contents->block;
    size_t size = 0;
    state_fault fault = read_bytes(contents, at, block, STATE_BLOCK_HEAD_BYTES);
    if (fault == NULL)
        fault = state_block_size(block, &size);
    if (fault == NULL)
        fault =
            read_bytes(contents, at, block + STATE_BLOCK_HEAD_BYTES, size - STATE_BLOCK_HEAD_BYTES);
    return fault != NULL ? fault : state_block_read(block, size, type, body);
}

/* ---- checking the whole ---- */

/* Reads each record of a block of clients. */
static state_fault check_clients(const struct state_contents *contents, struct state_reader *block,
                                 uint64_t *count)
{
    struct state_client client;
    state_time_get(block);
    for (; !block->failed && block->at < block->size; ++*count)
        if (!state_client_get(block, contents->server.listener_count, &client))
            return "it has a client that no udpsrv writes";
    return block->failed ? "it has a block of clients without their time" : NULL;
}

/* Reads the blocks from `at` on, the last of which ends the file. */
static state_fault check_blocks(struct state_contents *contents, uint64_t at)
{
    uint64_t clients = 0;
    uint8_t type = 0;
    while (type != STATE_BLOCK_END) {
        struct state_reader block;
        state_fault fault = read_block(contents, &at, &type, &block);
        if (fault == NULL && type == STATE_BLOCK_CLIENTS)
            fault = check_clients(contents, &block, &clients);
        else if (fault == NULL && type == STATE_BLOCK_END)
            fault = state_end_read(&contents->end, &block);
        else if (fault == NULL)
            fault = "it has a block of a kind that no udpsrv writes there";
        if (fault != NULL)
            return fault;
    }
    if (at != contents->input.size)
        return "something follows its last block";
    return clients == contents->end.clients ? NULL
                                            : "it has not as many clients as its last block says";
}

state_fault state_contents_read(struct state_contents *contents, const struct state_input *input)
{
    struct state_reader block;
    uint8_t type;
    contents->input = *input;
    contents->clients_at = 0;
    contents->error = 0;
    state_fault fault = read_preamble(contents, &contents->clients_at);
    if (fault == NULL)
        fault = read_block(contents, &contents->clients_at, &type, &block);
    if (fault == NULL)
        fault = type == STATE_BLOCK_SERVER ? state_server_read(&contents->server, &block)
                                           : "its first block is of another kind";
    return fault != NULL ? fault : check_blocks(contents, contents->clients_at);
}

/* ---- its clients ---- */

struct state_position state_contents_first(const struct state_contents *contents)
{
    return (struct state_position){.at = contents->clients_at};
}

bool state_contents_next(struct state_contents *contents, struct state_position *position,
                         struct state_client *client)
{
    while (position->block.at == position->block.size) {
        struct state_reader block;
        uint64_t at = position->at;
        uint8_t type = 0;
        if (read_block(contents, &at, &type, &block) != NULL || type != STATE_BLOCK_CLIENTS)
            return false;
        position->at = at;
        position->block = block;
        position->copied = state_time_get(&position->block);
    }
    return state_client_get(&position->block, contents->server.listener_count, client);
}
