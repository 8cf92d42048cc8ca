#include "server/control/commands/broadcast_submission.h"

#include "server/control/arguments/selector_arguments.h"
#include "server/control/command_log.h"
#include "text/number_with_unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

_Static_assert(CONFIRMED_BROADCASTS_MAX == 8 && CONFIRMED_MESSAGES_MAX == 64 &&
                   JOB_CONFIRMED_BYTES_MAX == 65493,
               "the messages have these numbers");

const char BROADCAST_CONFIRMED_TOO_LONG[] =
    "cannot broadcast: the payload is longer than 65493 bytes, the maximum of a confirmed "
    "broadcast; send it in parts, or without confirmations";

static const char *broadcast_refusal(int64_t error)
{
    if (error == -ENOBUFS)
        return "cannot broadcast: the queue is full; wait for a job to end, cancel one, or raise "
               "broadcast.queue";
    if (error == -EDQUOT)
        return "cannot broadcast: 8 confirmed broadcasts have not ended; wait for one to end, "
               "cancel one, or send without confirmations";
    if (error == -EMSGSIZE)
        return BROADCAST_CONFIRMED_TOO_LONG;
    if (error == -ESHUTDOWN)
        return "cannot broadcast: the server is stopping; try again when it is running";
    return "cannot broadcast: out of memory; try again";
}

static const char *message_refusal(int64_t error)
{
    if (error == -EDQUOT)
        return "cannot send: 64 messages that are to be confirmed have not ended; wait for one to "
               "end, cancel one, or send without confirmations";
    if (error == -EMSGSIZE)
        return "cannot send: the payload is longer than 65493 bytes, the maximum of a message that "
               "is to be confirmed; send it in parts, or without confirmations";
    if (error == -ESHUTDOWN)
        return "cannot send: the server is stopping; try again when it is running";
    return "cannot send: out of memory; try again";
}

void broadcast_log_refusal(const struct control_session *session, const char *message)
{
    command_log_write_pairs(session, "broadcast", &(struct log_pair){"refused", message}, 1);
}

/* Logs what was submitted: first is the job, or the key of a broadcast that waits for its turn. */
static void log_submitted(const struct control_session *session, struct log_pair first,
                          const struct job_request *request)
{
    char bytes[24], within[24];
    struct log_pair pairs[4] = {first, {"bytes", bytes}};
    size_t count = 2;
    snprintf(bytes, sizeof bytes, "%zu", request->size);
    if (request->confirmation != NULL)
        pairs[count++] = (struct log_pair){
            "confirm_within", duration_format(request->confirmation->within_ms, within)};
    if (request->selector_text != NULL)
        pairs[count++] = (struct log_pair){"selector", request->selector_text};
    command_log_write_pairs(session, "broadcast", pairs, count);
}

static bool is_too_long(const struct job_request *request)
{
    return request->confirmation != NULL && request->size > JOB_CONFIRMED_BYTES_MAX;
}

/* Returns what is to be queued, which refers to the submission and to text. */
static struct job_request request_of(const struct broadcast_submission *submission,
                                     const struct command_context *context,
                                     char text[SELECTOR_TEXT_BYTES])
{
    struct job_request request = {.bytes = submission->bytes,
                                  .size = submission->size,
                                  .confirmation = submission->confirmation,
                                  .ended = submission->ended,
                                  .state = submission->state};
    if (!client_selector_is_all(submission->selector)) {
        request.selector = submission->selector;
        request.selector_text =
            selector_arguments_format(submission->selector, context->queries.listeners, text);
    } else if (submission->client != NULL) {
        snprintf(text, SELECTOR_TEXT_BYTES, "client=%s", submission->client);
        request.selector_text = text;
    }
    return request;
}

uint64_t broadcast_submit(struct command_context *context, const struct control_session *session,
                          const struct broadcast_submission *submission, const char **refusal)
{
    char text[SELECTOR_TEXT_BYTES], job[24];
    struct job_request request = request_of(submission, context, text);
    int64_t id = is_too_long(&request) ? -EMSGSIZE : jobs_submit(context->jobs, &request);
    if (id < 0) {
        *refusal = job_request_kind(&request) == CONFIRMED_MESSAGE ? message_refusal(id)
                                                                   : broadcast_refusal(id);
        broadcast_log_refusal(session, *refusal);
        return 0;
    }
    snprintf(job, sizeof job, "%" PRId64, id);
    log_submitted(session, (struct log_pair){"job", job}, &request);
    return (uint64_t)id;
}

void broadcast_submit_keyed(struct command_context *context, const struct control_session *session,
                            const struct keyed_submission *submission)
{
    char text[SELECTOR_TEXT_BYTES], key[PUBLISH_KEY_TEXT_BYTES];
    struct job_request request = request_of(&submission->broadcast, context, text);
    const struct publish_request publish = {.key = submission->key,
                                            .entries_added = submission->entries_added,
                                            .job = &request,
                                            .decided = submission->decided,
                                            .state = submission->state};
    log_submitted(session, (struct log_pair){"key", publish_key_format(&submission->key, key)},
                  &request);
    int error =
        is_too_long(&request) ? -EMSGSIZE : publish_queue_submit(context->publishes, &publish);
    if (error == 0)
        return;
    const struct publish_decision refused = {.outcome = PUBLISH_REFUSED,
                                             .refusal = broadcast_refusal(error),
                                             .is_passing = error != -EMSGSIZE};
    broadcast_log_refusal(session, refused.refusal);
    submission->decided(submission->state, &refused);
}
