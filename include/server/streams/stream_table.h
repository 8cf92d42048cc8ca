#ifndef SERVER_STREAMS_STREAM_TABLE_H
#define SERVER_STREAMS_STREAM_TABLE_H

#include "address/client_name.h"
#include "net/message/framed_stream.h"
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"
#include "registry/registry.h"
#include "server/streams/stream_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The table of stream clients: places for connections, and finding and describing a client. */

enum stream_state { STREAM_FREE, STREAM_CONNECTED, STREAM_CLOSING };

/* A place of the table. A closing client is no longer counted or listed, but may still read its
 * output. */
struct stream_client {
    struct stream_clients *table;
    struct framed_stream *stream;
    struct addr addr; /* of family ADDR_NONE on a Unix socket */
    uint64_t serial;  /* from 1, over all clients ever accepted */
    uint64_t connected_ms;
    uint64_t active_ms;    /* when its last message was received, or when it began to close */
    uint64_t relay_due_ns; /* see relay_stream_message */
    uint32_t number;       /* among the clients of Unix sockets, from 1; 0 on TCP */
    uint32_t received;     /* messages; stays at its maximum */
    uint32_t next_free;
    uint8_t listener;
    enum transport transport;
    enum stream_state state;
};

struct stream_acceptor {
    struct stream_clients *table;
    struct stream_listener options;
    struct loop_handler handler;
};

struct stream_clients {
    struct stream_clients_options options;
    struct stream_client *places; /* options.max; more only after stream_table_reserve */
    uint32_t used;                /* how many places were ever taken, which are the first ones */
    uint32_t first_free;          /* of the list of free places, STREAM_NO_PLACE if it is empty */
    uint32_t connected;
    uint32_t occupied;   /* places, including those of closing clients */
    uint64_t accepted;   /* ever */
    uint32_t unix_count; /* clients of Unix sockets, ever */
    bool paused;         /* a connection could not be accepted: accepting waits for `retry` */
    struct loop_timer retry;
    struct loop_task recheck; /* of the access list, after clients were taken over */
    uint8_t *line;            /* for one outgoing line: the longest payload and an LF */
    size_t acceptor_count;
    struct stream_acceptor acceptors[];
};

#define STREAM_NO_PLACE UINT32_MAX

/* Pause and resume accepting. */
void stream_table_pause(struct stream_clients *table);
void stream_table_resume(struct stream_clients *table);

/* Whether server.stream-max places are taken. It may be more of them after stream_table_reserve. */
bool stream_table_is_full(const struct stream_clients *table);

/* For taking over the clients of another process in the places that they had there, the first
 * `used` ones, which may be more than server.stream-max. Call it while the table has no client;
 * then set the places, and call stream_table_list_free_places. Returns false if memory is short. */
bool stream_table_reserve(struct stream_clients *table, uint32_t used);
void stream_table_list_free_places(struct stream_clients *table);

/* Takes a place for a client that is connected. The table must not be full. */
struct stream_client *stream_table_add(struct stream_clients *table,
                                       const struct stream_listener *listener,
                                       const struct addr *addr, uint64_t now_ms);

/* Closes the connection at once, frees the place, and resumes accepting. */
void stream_table_remove(struct stream_client *client);

/* Returns the connected client of that name, NULL if there is none. */
struct stream_client *stream_table_find(const struct stream_clients *table,
                                        const struct client_name *name);

/* Fills in *client from a stream client: see stream_clients_list for the fields. */
void stream_table_describe(const struct stream_client *stream, uint64_t now_ms,
                           struct client *client);

#endif
