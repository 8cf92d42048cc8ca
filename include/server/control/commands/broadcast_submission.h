#ifndef SERVER_CONTROL_COMMANDS_BROADCAST_SUBMISSION_H
#define SERVER_CONTROL_COMMANDS_BROADCAST_SUBMISSION_H

#include "registry/client_selector.h"
#include "server/control/commands/command_context.h"

#include <stddef.h>
#include <stdint.h>

/* Queues an operator's broadcast, or message to one client that is to be confirmed, and logs who
 * has queued which: its id, size and selector, or why it was refused. The payload is not logged,
 * since it may be secret. */

struct broadcast_submission {
    const struct client_selector *selector;      /* may select all clients */
    const struct job_confirmation *confirmation; /* NULL: it is not confirmed */
    const char *client; /* the name of the only client of its confirmation; NULL: it has none */
    const void *bytes;
    size_t size;
    job_ended *ended; /* see struct job_request */
    void *state;
};

/* Returns the id of the job. If it is refused, returns 0 and sets *refusal to a message for the
 * operator, a static string. session is the operator's. */
uint64_t broadcast_submit(struct command_context *context, const struct control_session *session,
                          const struct broadcast_submission *submission, const char **refusal);

/* The same for a broadcast with a key, whose job is queued later (server/publish/publish_queue). */
struct keyed_submission {
    struct broadcast_submission broadcast;
    struct publish_key key;
    uint64_t entries_added; /* as of struct publish_request, as the others */
    publish_decided *decided;
    void *state;
};

/* decided may be called before this function returns. */
void broadcast_submit_keyed(struct command_context *context, const struct control_session *session,
                            const struct keyed_submission *submission);

/* Why a broadcast is refused that is to be confirmed and longer than JOB_CONFIRMED_BYTES_MAX. */
extern const char BROADCAST_CONFIRMED_TOO_LONG[];

/* Logs that a broadcast of the operator was refused before it was submitted. */
void broadcast_log_refusal(const struct control_session *session, const char *message);

#endif
