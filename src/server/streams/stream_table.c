#include "server/streams/stream_table.h"

#include <stdlib.h>

/* ---- accepting ---- */

static void watch_listeners(struct stream_clients *table, unsigned events)
{
    for (size_t i = 0; i < table->acceptor_count; i++)
        loop_change(&table->acceptors[i].handler, events);
}

void stream_table_pause(struct stream_clients *table)
{
    table->paused = true;
    watch_listeners(table, 0);
}

void stream_table_resume(struct stream_clients *table)
{
    if (!table->paused)
        return;
    table->paused = false;
    watch_listeners(table, LOOP_READ);
}

/* ---- places ---- */

bool stream_table_is_full(const struct stream_clients *table)
{
    return table->occupied >= table->options.max;
}

bool stream_table_reserve(struct stream_clients *table, uint32_t used)
{
    if (used > table->options.max) {
        struct stream_client *places = calloc(used, sizeof *places);
        if (places == NULL)
            return false;
        free(table->places);
        table->places = places;
    }
    table->used = used;
    return true;
}

void stream_table_list_free_places(struct stream_clients *table)
{
    table->first_free = STREAM_NO_PLACE;
    for (uint32_t i = table->used; i-- > 0;) {
        if (table->places[i].state != STREAM_FREE)
            continue;
        table->places[i].next_free = table->first_free;
        table->first_free = i;
    }
}

static struct stream_client *take_place(struct stream_clients *table)
{
    if (table->first_free == STREAM_NO_PLACE)
        return &table->places[table->used++];
    struct stream_client *client = &table->places[table->first_free];
    table->first_free = client->next_free;
    return client;
}

struct stream_client *stream_table_add(struct stream_clients *table,
                                       const struct stream_listener *listener,
                                       const struct addr *addr, uint64_t now_ms)
{
    struct stream_client *client = take_place(table);
    *client = (struct stream_client){
        .table = table,
        .addr = *addr,
        .serial = ++table->accepted,
        .connected_ms = now_ms,
        .active_ms = now_ms,
        .number = listener->transport == TRANSPORT_UNIX ? ++table->unix_count : 0,
        .listener = listener->listener,
        .transport = listener->transport,
        .state = STREAM_CONNECTED,
    };
    table->connected++;
    table->occupied++;
    return client;
}

void stream_table_remove(struct stream_client *client)
{
    struct stream_clients *table = client->table;
    framed_stream_free(client->stream);
    table->connected -= client->state == STREAM_CONNECTED;
    table->occupied--;
    client->state = STREAM_FREE;
    client->stream = NULL;
    client->next_free = table->first_free;
    table->first_free = (uint32_t)(client - table->places);
    stream_table_resume(table);
}

/* ---- finding ---- */

struct stream_client *stream_table_find(const struct stream_clients *table,
                                        const struct client_name *name)
{
    for (uint32_t i = 0; i < table->used; i++) {
        struct stream_client *client = &table->places[i];
        if (client->state == STREAM_CONNECTED && client->transport == name->transport &&
            client->number == name->number && addr_equal(&client->addr, &name->addr))
            return client;
    }
    return NULL;
}

void stream_table_describe(const struct stream_client *stream, uint64_t now_ms,
                           struct client *client)
{
    *client = (struct client){
        .source = stream->addr,
        .idle_ms = now_ms - stream->active_ms,
        .age_s = (now_ms - stream->connected_ms) / 1000,
        .received = stream->received,
        .slot = stream->number,
        .listener = stream->listener,
    };
}
