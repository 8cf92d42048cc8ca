#ifndef LOAD_RUN_CONTROL_CLIENT_H
#define LOAD_RUN_CONTROL_CLIENT_H

#include "os/loop/event_loop.h"

#include <stddef.h>
#include <stdint.h>

/* The operator of udpsrv, as far as a fan-out needs one: it commands broadcasts over the control
 * socket. The protocol is in udpctl(8). */
struct control_client;

enum { CONTROL_CLIENT_ERROR_BYTES = 512 };

/* A broadcast has ended. targets is how many clients it was for. error is NULL, or a sentence that
 * says why it failed; no other is answered then. */
typedef void control_client_answered(void *state, uint64_t targets, const char *error);

/* Connects to the socket at path, on which each command is to be answered within limit_ns. 0 or
 * -errno with a sentence in error. */
int control_client_open(struct control_client **operator, struct loop * loop, const char *path,
                        uint64_t limit_ns, control_client_answered *answered, void *state,
                        char error[CONTROL_CLIENT_ERROR_BYTES]);
void control_client_close(struct control_client *operator);

/* Commands a broadcast and returns; answered comes from the loop, however long the broadcast takes.
 * Once at a time. 0 or -ENOMEM. */
int control_client_broadcast(struct control_client *operator, const void * bytes, size_t size);

#endif
