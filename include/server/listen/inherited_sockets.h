#ifndef SERVER_LISTEN_INHERITED_SOCKETS_H
#define SERVER_LISTEN_INHERITED_SOCKETS_H

#include "base/handover.h"
#include "config/config.h"
#include "net/unix/socket_file.h"
#include "server/listen/listeners.h"
#include "server/listen/passed_sockets.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sockets that the process before hands over during an upgrade, with what waits in them. They are
 * like passed sockets (server/listen/passed_sockets), with these differences:
 *   - what identifies a listener is its text as the configuration writes it, so that one whose port
 *     the kernel chose is recognised, too;
 *   - their sending sockets come with them: the kernel gives a new one, between its bind and its
 *     connect, what clients send to the listener;
 *   - their files belong to this server, unless they are a service manager's;
 *   - one that nothing uses is closed, and its file removed, when the process before has left:
 * until then that process may have to go on with it;
 *   - the number of workers may differ. */

enum inherited_kind {
    INHERITED_UNICAST, /* a socket for each worker */
    INHERITED_GROUP,   /* one socket, and maybe a second one, for replies */
    INHERITED_STREAM,
    INHERITED_CONTROL, /* of operators or observers */
    INHERITED_METRICS, /* of metrics.listen */
};

struct inherited_listener {
    enum inherited_kind kind;
    char text[CONFIG_LISTEN_TEXT_BYTES]; /* config_listen_text; of control sockets the path */
    struct addr bound;                   /* family ADDR_NONE: a Unix socket */
    bool passed;                         /* to the first of the processes, by a service manager */
    bool missing;                        /* see struct listener */
    uint32_t interface;                  /* likewise */
    struct socket_file file;             /* of a Unix socket */
    size_t socket_count;                 /* of the workers of the process before */
    int *sockets;                        /* -1: was taken, or there is none */
    struct send_socket_set *senders;     /* of a unicast listener: as many as sockets */
    bool taken;                          /* the configuration has it */
    bool is_used;    /* a unicast listener: the sockets of its workers were taken */
    size_t listener; /* then its number in this server's table */
};

struct inherited_sockets {
    struct inherited_listener *list;
    size_t count;
    size_t worker_count; /* of the process before; 0: there is none */
    enum worker_choice choice;
    int choice_error;
    struct source_shard_key shard_key;
};

/* The sockets that exist already when a server starts: at most one of both tables has some. */
struct existing_sockets {
    struct passed_sockets *passed;       /* NULL: none */
    struct inherited_sockets *inherited; /* NULL: none */
};

/* Write one socket, or those of one listener, to the record that is being written. */
void inherited_sockets_put(struct handover_writer *writer, const struct inherited_listener *entry);

/* Reads the record of startup_sockets_hand_over. Returns 0, -ENOMEM or -EPROTO; either way
 * inherited_sockets_close is needed. */
int inherited_sockets_take_over(struct inherited_sockets *inherited,
                                struct handover_reader *reader);

/* Adds the socket of a record of control_socket_hand_over or metrics_server_hand_over. Returns
 * likewise. */
int inherited_sockets_take_over_one(struct inherited_sockets *inherited,
                                    struct handover_reader *reader);

/* Returns the number of workers: `wanted`; or, under server.workers = auto, as many as the service
 * manager has passed sockets for an address, if any. */
size_t inherited_sockets_workers(const struct inherited_sockets *inherited,
                                 const struct config *config, size_t wanted);

/* Checks that the listeners that both processes have can be served by that many workers. Errors are
 * logged. Returns 0 or -EINVAL. */
int inherited_sockets_check(const struct inherited_sockets *inherited, const struct config *config,
                            size_t worker_count);

/* Returns the listener of that kind and text, which is taken from now on; or NULL. Its caller takes
 * descriptors by setting them to -1. NULL is a table without any. */
struct inherited_listener *inherited_sockets_find(struct inherited_sockets *inherited,
                                                  enum inherited_kind kind, const char *text);

/* Whether one of them is the Unix socket at that path. */
bool inherited_sockets_have_file(const struct inherited_sockets *inherited, const char *path);

/* Closes what was not taken. The files of those sockets stay: for a process that gives up. */
void inherited_sockets_close(struct inherited_sockets *inherited);

/* The same, and removes the files, for a process that the one before has left. */
void inherited_sockets_end(struct inherited_sockets *inherited);

#endif
