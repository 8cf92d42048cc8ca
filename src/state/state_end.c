#include "state/state_end.h"

#include <string.h>

size_t state_end_write(const struct state_end *end, uint8_t *bytes, size_t room)
{
    struct state_writer writer;
    state_block_begin(&writer, bytes, room, STATE_BLOCK_END);
    state_put64(&writer, end->clients);
    state_put64(&writer, end->streams);
    state_put64(&writer, end->last_job);
    state_put8(&writer, end->clients_proven);
    state_put16(&writer, STATS_COUNT);
    for (size_t i = 0; i < STATS_COUNT; i++) {
        const char *name = stats_name(i);
        state_put8(&writer, (uint8_t)strlen(name));
        state_put_bytes(&writer, name, strlen(name));
        state_put64(&writer, stats_value(&end->counters, i));
    }
    return state_block_end(&writer);
}

static void set_counter(struct stats *counters, const uint8_t *name, size_t size, uint64_t value)
{
    for (size_t i = 0; i < STATS_COUNT; i++)
        if (strlen(stats_name(i)) == size && memcmp(stats_name(i), name, size) == 0)
            stats_set(counters, i, value);
}

state_fault state_end_read(struct state_end *end, struct state_reader *body)
{
    *end = (struct state_end){.clients = state_get64(body)};
    end->streams = state_get64(body);
    end->last_job = state_get64(body);
    uint8_t proven = state_get8(body);
    end->clients_proven = proven;
    for (uint16_t left = state_get16(body); left > 0 && !body->failed; left--) {
        size_t size = state_get8(body);
        const uint8_t *name = state_get_bytes(body, size);
        uint64_t value = state_get64(body);
        if (!body->failed)
            set_counter(&end->counters, name, size, value);
    }
    return body->failed || body->at != body->size || proven > 1 ||
                   end->last_job >> STATE_NUMBER_BITS != 0
               ? "its last block has contents that no udpsrv writes"
               : NULL;
}
