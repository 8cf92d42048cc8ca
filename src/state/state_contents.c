#include "state/state_contents.h"

#include <string.h>

enum { VERSION_AT = 12 };

static const char MARK[VERSION_AT + 1] = "udpsrv state";

void state_write_preamble(uint8_t bytes[STATE_PREAMBLE_BYTES])
{
    memcpy(bytes, MARK, VERSION_AT);
    for (int i = 0; i < 4; i++)
        bytes[VERSION_AT + i] = (uint8_t)(STATE_VERSION >> 8 * i);
}

static state_fault check_preamble(const uint8_t *bytes, size_t size)
{
    uint8_t expected[STATE_PREAMBLE_BYTES];
    state_write_preamble(expected);
    if (size < STATE_PREAMBLE_BYTES)
        return "it ends too early";
    if (memcmp(bytes, expected, VERSION_AT) != 0)
        return "it is no state file of udpsrv";
    if (memcmp(bytes + VERSION_AT, expected + VERSION_AT, 4) != 0)
        return "it is of another version of udpsrv";
    return NULL;
}

/* Reads each record of a block of clients. */
static state_fault check_clients(const struct state_contents *contents, struct state_reader *block,
                                 uint64_t *count)
{
    struct state_client client;
    state_get64(block);
    for (; !block->failed && block->at < block->size; ++*count)
        if (!state_client_get(block, contents->server.listener_count, &client))
            return "it has a client that no udpsrv writes";
    return block->failed ? "it has a block of clients without their time" : NULL;
}

/* Reads the blocks from clients_at on, the last of which ends the file. */
static state_fault check_blocks(struct state_contents *contents)
{
    uint64_t clients = 0;
    uint8_t type = 0;
    size_t at = contents->clients_at;
    while (type != STATE_BLOCK_END) {
        struct state_reader block;
        state_fault fault = state_block_read(contents->bytes, contents->size, &at, &type, &block);
        if (fault == NULL && type == STATE_BLOCK_CLIENTS)
            fault = check_clients(contents, &block, &clients);
        else if (fault == NULL && type == STATE_BLOCK_END)
            fault = state_end_read(&contents->end, &block);
        else if (fault == NULL)
            fault = "it has a block of a kind that no udpsrv writes there";
        if (fault != NULL)
            return fault;
    }
    if (at != contents->size)
        return "something follows its last block";
    return clients == contents->end.clients ? NULL
                                            : "it has not as many clients as its last block says";
}

state_fault state_contents_read(struct state_contents *contents, const uint8_t *bytes, size_t size)
{
    struct state_reader block;
    uint8_t type;
    *contents =
        (struct state_contents){.bytes = bytes, .size = size, .clients_at = STATE_PREAMBLE_BYTES};
    state_fault fault = check_preamble(bytes, size);
    if (fault == NULL)
        fault = state_block_read(bytes, size, &contents->clients_at, &type, &block);
    if (fault == NULL)
        fault = type == STATE_BLOCK_SERVER ? state_server_read(&contents->server, &block)
                                           : "its first block is of another kind";
    return fault != NULL ? fault : check_blocks(contents);
}

struct state_position state_first_client(const struct state_contents *contents)
{
    return (struct state_position){.at = contents->clients_at};
}

bool state_next_client(const struct state_contents *contents, struct state_position *position,
                       struct state_client *client)
{
    while (position->block.at == position->block.size) {
        uint8_t type = 0;
        if (state_block_read(contents->bytes, contents->size, &position->at, &type,
                             &position->block) != NULL ||
            type != STATE_BLOCK_CLIENTS)
            return false;
        position->wall_ms = state_get64(&position->block);
    }
    return state_client_get(&position->block, contents->server.listener_count, client);
}
