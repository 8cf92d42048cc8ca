#ifndef LOAD_RUN_CONTROL_CLIENT_H
#define LOAD_RUN_CONTROL_CLIENT_H

#include "os/loop/event_loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A client of udpsrv's control socket that commands broadcasts and waits for their end, for
 * --fanout. The protocol is described in udpctl(8). Used by the thread of its loop. */
struct control_client;

enum { CONTROL_CLIENT_ERROR_BYTES = 512 };

/* What the server reports of a broadcast: udpctl(8). Those after targets are 0 unless it is a
 * confirmed one. */
struct control_client_job {
    uint64_t targets; /* clients that it was sent to */
    uint64_t confirmed, silent, plain, rounds, datagrams;
};

/* Called when a broadcast has ended. error is NULL, or a message why the broadcast failed; the
 * callback is not called again after an error. */
typedef void control_client_answered(void *state, const struct control_client_job *job,
                                     const char *error);

/* Connects to the socket at path; each command must be answered within limit_ns. Returns 0, or
 * -errno with a message in error. */
int control_client_open(struct control_client **client, struct loop *loop, const char *path,
                        uint64_t limit_ns, control_client_answered *answered, void *state,
                        char error[CONTROL_CLIENT_ERROR_BYTES]);
void control_client_close(struct control_client *client);

/* Commands a broadcast of these bytes and returns; the callback follows when the broadcast has
 * ended, however long it takes. confirm: it is one that clients confirm. One broadcast at a time.
 * Returns 0 or -ENOMEM. */
int control_client_broadcast(struct control_client *client, bool confirm, const void *bytes,
                             size_t size);

#endif
