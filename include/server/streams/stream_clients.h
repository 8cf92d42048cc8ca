#ifndef SERVER_STREAMS_STREAM_CLIENTS_H
#define SERVER_STREAMS_STREAM_CLIENTS_H

#include "address/client_name.h"
#include "registry/client_selector.h"
#include "registry/registry.h"
#include "server/broadcast/recipients.h"
#include "server/streams/stream_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Clients connected by TCP or a Unix socket. Each message from such a client is treated like a
 * datagram: it is counted, answered and relayed. server.stream-framing decides what a message is:
 * see server/streams/stream_messages. A client is registered as long as it is connected: no ttl
 * applies, but a limit for idle clients.
 *
 * All stream clients belong to the first worker, not to shards of all workers: one event loop
 * serves thousands of connections, and one table can be listed and searched without messages
 * between threads. All functions are called in the worker's thread. */
struct stream_clients;

/* Starts to accept connections. If a connection cannot be accepted (no descriptor, no memory),
 * accepting is tried again after a second and whenever a client leaves. Returns 0 or -errno. */
int stream_clients_open(struct stream_clients **streams,
                        const struct stream_clients_options *options);

/* Disconnects all clients. They still receive the output that the kernel has accepted. */
void stream_clients_close(struct stream_clients *streams);

/* Replaces the socket of a listener by another one, which takes over the number of the descriptor.
 * Sets *socket to -1 on success. */
void stream_clients_replace_socket(struct stream_clients *streams, uint8_t listener, int *socket);

/* Returns the number of connected clients. */
uint32_t stream_clients_count(const struct stream_clients *streams);

/* Disconnects idle clients. Call it at each sweep of the registry. */
void stream_clients_sweep(struct stream_clients *streams, uint64_t now_ms);

/* Disconnects the clients that the access list excludes. Call it when the list has changed. */
void stream_clients_recheck_access(struct stream_clients *streams);

/* Returns the connected clients as recipients of broadcasts: see server/streams/stream_copies. */
struct recipients stream_clients_as_recipients(struct stream_clients *streams);

/* Copies the next clients from place *next on (0 at first), at most limit of them, and advances
 * *next. source is the address of the peer; on a Unix socket it is of family ADDR_NONE, and slot is
 * the client's number. Returns their number; 0 at the end. */
size_t stream_clients_list(const struct stream_clients *streams, uint32_t *next, uint64_t now_ms,
                           struct client *clients, size_t limit);

/* Finds a client by its name, or disconnects it. Returns false if there is none. */
bool stream_clients_find(const struct stream_clients *streams, const struct client_name *name,
                         uint64_t now_ms, struct client *client);
bool stream_clients_kick(struct stream_clients *streams, const struct client_name *name);

/* Returns the serial number that the next client will have, from 1. */
uint64_t stream_clients_next_serial(const struct stream_clients *streams);

/* Disconnects the clients that match a selector, in steps. */
struct stream_kick {
    const struct client_selector *selector;
    uint64_t before; /* clients with this serial number or a later one stay */
    uint32_t next;   /* the next place to read, 0 at first */
    bool ended;
};
/* Reads at most limit places, and returns how many clients it has disconnected. */
uint32_t stream_clients_kick_matching(struct stream_clients *streams, struct stream_kick *kick,
                                      uint64_t now_ms, size_t limit);

/* Sends a message to one client. Returns 0, -ENOENT if there is no such client, or -EPIPE if its
 * connection has ended or its buffer is full; it is then disconnected. */
int stream_clients_send(struct stream_clients *streams, const struct client_name *name,
                        const uint8_t *bytes, size_t size);

#endif
