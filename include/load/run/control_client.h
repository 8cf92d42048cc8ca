#ifndef LOAD_RUN_CONTROL_CLIENT_H
#define LOAD_RUN_CONTROL_CLIENT_H

#include "os/loop/event_loop.h"

#include <stddef.h>
#include <stdint.h>

/* A client of udpsrv's control socket that commands broadcasts and waits for their end, for
 * --fanout. The protocol is described in udpctl(8). Used by the thread of its loop. */
struct control_client;

enum { CONTROL_CLIENT_ERROR_BYTES = 512 };

/* Called when a broadcast has ended. targets is the number of clients that it was sent to. error is
 * NULL, or a message why the broadcast failed; the callback is not called again after an error. */
typedef void control_client_answered(void *state, uint64_t targets, const char *error);

/* Connects to the socket at path; each command must be answered within limit_ns. Returns 0, or
 * -errno with a message in error. */
int control_client_open(struct control_client **client, struct loop *loop, const char *path,
                        uint64_t limit_ns, control_client_answered *answered, void *state,
                        char error[CONTROL_CLIENT_ERROR_BYTES]);
void control_client_close(struct control_client *client);

/* Commands a broadcast of these bytes and returns; the callback follows when the broadcast has
 * ended, however long it takes. One broadcast at a time. Returns 0 or -ENOMEM. */
int control_client_broadcast(struct control_client *client, const void *bytes, size_t size);

#endif
