#ifndef SERVER_GATEWAY_CONFIRMED_SEND_H
#define SERVER_GATEWAY_CONFIRMED_SEND_H

#include "server/control/commands/command_context.h"
#include "server/gateway/send_batch.h"

#include <stdbool.h>
#include <stdint.h>

/* A message to one client that is to be confirmed: finds the client, and queues a confirmed
 * broadcast to this client only (server/broadcast/broadcast_jobs). So it has a number among the
 * jobs, waits for its turn as they do, and may be cancelled. A client of a stream confirms nothing,
 * and is sent its message as any other (confirmed_send_is_possible). Used by the main thread. */
struct confirmed_send {
    struct send_batch batch; /* first */
    struct send_message message;
    uint32_t within_ms;
};

/* Whether a client of that name may confirm a message: it sends datagrams. */
bool confirmed_send_is_possible(const struct client_name *name);

/* Finds the client of message.name, with message.error as the result: 0, -ENOENT or -ESHUTDOWN. All
 * of it is the caller's until found is called, which may be before this function returns. */
void confirmed_send_find(struct confirmed_send *send, struct worker_query_context *context,
                         void (*found)(struct send_batch *batch));

/* Queues the message of a client that was found. Returns and sets the same as broadcast_submit; see
 * struct job_request for ended and state. */
uint64_t confirmed_send_submit(const struct confirmed_send *send, struct command_context *context,
                               const struct control_session *session, job_ended *ended, void *state,
                               const char **refusal);

/* Whether the report of the job says that its client got at least one copy, or the kernel refused
 * it. Otherwise the client has left before, or the job was cancelled. */
bool confirmed_send_has_tried(const struct job_report *report);

#endif
