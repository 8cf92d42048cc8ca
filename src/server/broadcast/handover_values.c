#include "server/broadcast/handover_values.h"

#include <string.h>

static void get_ip(struct handover_reader *reader, uint8_t ip[16])
{
    const uint8_t *bytes = handover_get_bytes(reader, 16);
    if (bytes != NULL)
        memcpy(ip, bytes, 16);
}

void handover_put_selector(struct handover_writer *writer, const struct client_selector *selector)
{
    handover_put8(writer, (uint8_t)selector->block_count);
    for (size_t i = 0; i < selector->block_count; i++) {
        handover_put_bytes(writer, selector->blocks[i].ip, sizeof selector->blocks[i].ip);
        handover_put8(writer, selector->blocks[i].family);
        handover_put8(writer, selector->blocks[i].bits);
    }
    handover_put64(writer, selector->listeners);
    handover_put64(writer, selector->idle_max_ms);
}

struct client_selector handover_get_selector(struct handover_reader *reader)
{
    struct client_selector selector = {.block_count = handover_get8(reader)};
    if (selector.block_count > CLIENT_SELECTOR_BLOCKS_MAX) {
        reader->failed = true;
        selector.block_count = 0;
    }
    for (size_t i = 0; i < selector.block_count; i++) {
        get_ip(reader, selector.blocks[i].ip);
        selector.blocks[i].family = handover_get8(reader);
        selector.blocks[i].bits = handover_get8(reader);
    }
    selector.listeners = handover_get64(reader);
    selector.idle_max_ms = handover_get64(reader);
    return selector;
}

void handover_put_only(struct handover_writer *writer, const struct only_client *only)
{
    handover_put_addr(writer, &only->source);
    handover_put8(writer, only->listener);
    handover_put8(writer, only->which.is_set);
    handover_put8(writer, only->which.listener);
    handover_put64(writer, only->which.join_number);
}

struct only_client handover_get_only(struct handover_reader *reader)
{
    struct only_client only = {.source = handover_get_addr(reader)};
    only.listener = handover_get8(reader);
    only.which.is_set = handover_get8(reader) != 0;
    only.which.listener = handover_get8(reader);
    only.which.join_number = handover_get64(reader);
    return only;
}

void handover_put_except(struct handover_writer *writer, const struct broadcast_except *except)
{
    handover_put_addr(writer, &except->source);
    handover_put8(writer, except->listener);
    handover_put64(writer, except->stream);
}

struct broadcast_except handover_get_except(struct handover_reader *reader)
{
    struct broadcast_except except = {.source = handover_get_addr(reader)};
    except.listener = handover_get8(reader);
    except.stream = handover_get64(reader);
    return except;
}
