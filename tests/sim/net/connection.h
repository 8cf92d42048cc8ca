#ifndef SIM_NET_CONNECTION_H
#define SIM_NET_CONNECTION_H

#include "address/addr.h"
#include "sim/core/descriptors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stream connections in memory, and listening sockets. The server has a descriptor for its end; the
 * client's end is used by the simulated clients and operators. */

enum { WRITES_MAX = 64 };

struct bytes {
    char *at;
    size_t begin, end, capacity;
    size_t limit; /* the kernel's buffer */
};

struct connection {
    struct object object; /* the server's end */
    struct addr peer;
    struct bytes to_server, to_client;
    /* The bytes of each write of the client that the server has not read, the oldest first. Those
     * that have no place count as a part of the last one. */
    size_t writes[WRITES_MAX];
    size_t write_count;
    uint64_t accepted_ms;             /* when the server has accepted it; 0: it waits */
    uint64_t written_ms;              /* when the kernel last took some of its output */
    uint64_t closed_ns;               /* and has closed it; 0: it has not */
    bool server_closed, server_ended; /* it has closed its end, or only its output */
    bool client_closed, client_ended, reset;
    bool is_operator;    /* of the control socket */
    bool is_http;        /* of metrics.listen */
    unsigned references; /* of both ends */
    uint32_t number;
};

struct acceptor {
    struct object object;
    struct addr bound; /* family ADDR_NONE: a Unix socket */
    struct connection *backlog[128];
    size_t waiting;
};

struct acceptor *acceptor_new(const struct addr *bound);
/* The one that listens there; NULL: connection refused. */
struct acceptor *acceptor_at(const struct addr *addr);

/* Accepts: returns a descriptor or -errno (-EAGAIN: none waits). */
int acceptor_accept(struct acceptor *listener, struct addr *peer);

/* When a connection was last not accepted for lack of a descriptor; 0: never. */
uint64_t acceptor_refused_ms(void);

/* ---- the client's end ---- */

/* Connects; NULL: refused, or the backlog is full. */
struct connection *connection_open(struct acceptor *listener, const struct addr *peer);
/* Writes what there is space for, and returns how much. */
size_t connection_write(struct connection *connection, const void *bytes, size_t size);
/* Reads at most that many bytes. */
size_t connection_read(struct connection *connection, void *bytes, size_t size);
/* Whether the server has ended its output, and all of it is read. */
bool connection_is_over(const struct connection *connection);
void connection_end(struct connection *connection); /* the client's output */
void connection_close(struct connection *connection, bool reset);

/* ---- the server's end ---- */

struct connection *connection_of(int fd);
/* As send(2) and recv(2): how many bytes, 0 at the end, or -errno. */
long connection_server_write(struct connection *connection, const void *bytes, size_t size);
long connection_server_read(struct connection *connection, void *bytes, size_t size);
/* How many bytes came by the oldest write of the client that is not yet read; 0: none waits. */
size_t connection_server_first_write(const struct connection *connection);
void connection_server_end(struct connection *connection);

#endif
