#include "state/state_server.h"

#include <string.h>

_Static_assert(CONFIG_LISTEN_TEXT_BYTES <= UINT8_MAX, "the length of a listener is one byte");
_Static_assert(CONFIG_LISTEN_MAX *(CONFIG_LISTEN_TEXT_BYTES + 1) + 64 < STATE_BLOCK_BYTES_MAX,
               "all listeners fit into a block");

void state_time_put(struct state_writer *block, const struct state_time *time)
{
    state_put64(block, time->wall_ms);
    state_put64(block, time->boot_ms);
}

struct state_time state_time_get(struct state_reader *block)
{
    struct state_time time;
    time.wall_ms = state_get64(block);
    time.boot_ms = state_get64(block);
    return time;
}

size_t state_server_write(const struct state_server *server, uint8_t *bytes, size_t room)
{
    struct state_writer writer;
    state_block_begin(&writer, bytes, room, STATE_BLOCK_SERVER);
    state_time_put(&writer, &server->begun);
    state_put_bytes(&writer, server->boot_id, sizeof server->boot_id);
    state_put8(&writer, (uint8_t)server->names);
    state_put_bytes(&writer, server->key_id, sizeof server->key_id);
    state_put8(&writer, (uint8_t)server->listener_count);
    for (size_t i = 0; i < server->listener_count; i++) {
        size_t size = strlen(server->listeners[i]);
        state_put8(&writer, (uint8_t)size);
        state_put_bytes(&writer, server->listeners[i], size);
    }
    return state_block_end(&writer);
}

/* Returns false if it is too long or has a NUL. */
static bool read_listener(char text[CONFIG_LISTEN_TEXT_BYTES], struct state_reader *body)
{
    size_t size = state_get8(body);
    const uint8_t *bytes = state_get_bytes(body, size);
    if (bytes == NULL || size >= CONFIG_LISTEN_TEXT_BYTES || memchr(bytes, '\0', size) != NULL)
        return false;
    memcpy(text, bytes, size);
    text[size] = '\0';
    return true;
}

state_fault state_server_read(struct state_server *server, struct state_reader *body)
{
    static const char wrong[] = "its first block has contents that no udpsrv writes";
    *server = (struct state_server){.begun = state_time_get(body)};
    const uint8_t *boot_id = state_get_bytes(body, sizeof server->boot_id);
    uint8_t names = state_get8(body);
    const uint8_t *key_id = state_get_bytes(body, sizeof server->key_id);
    server->listener_count = state_get8(body);
    if (body->failed || names > NAMES_KEYED || server->listener_count > CONFIG_LISTEN_MAX)
        return wrong;
    server->names = (enum config_names)names;
    memcpy(server->boot_id, boot_id, sizeof server->boot_id);
    memcpy(server->key_id, key_id, sizeof server->key_id);
    for (size_t i = 0; i < server->listener_count; i++)
        if (!read_listener(server->listeners[i], body))
            return wrong;
    return body->failed || body->at != body->size ? wrong : NULL;
}
