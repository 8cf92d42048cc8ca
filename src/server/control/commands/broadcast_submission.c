#include "server/control/commands/broadcast_submission.h"

#include "server/control/command_log.h"
#include "server/control/commands/selector_arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const char *refusal_of(int64_t error)
{
    if (error == -ENOBUFS)
        return "cannot broadcast: the queue is full; wait for a job to end, cancel one, or raise "
               "broadcast.queue";
    if (error == -ESHUTDOWN)
        return "cannot broadcast: the server is stopping; try again when it is running";
    return "cannot broadcast: out of memory; try again";
}

void broadcast_log_refusal(const struct control_session *session, const char *message)
{
    command_log_write_pairs(session, "broadcast", &(struct log_pair){"refused", message}, 1);
}

static void log_queued(const struct control_session *session, int64_t id,
                       const struct job_request *request)
{
    char job[24], bytes[24];
    snprintf(job, sizeof job, "%" PRId64, id);
    snprintf(bytes, sizeof bytes, "%zu", request->size);
    const struct log_pair pairs[] = {
        {"job", job}, {"bytes", bytes}, {"selector", request->selector_text}};
    command_log_write_pairs(session, "broadcast", pairs, request->selector_text != NULL ? 3 : 2);
}

uint64_t broadcast_submit(struct command_context *context, const struct control_session *session,
                          const struct broadcast_submission *submission, const char **refusal)
{
    char text[SELECTOR_TEXT_BYTES];
    struct job_request request = {.bytes = submission->bytes,
                                  .size = submission->size,
                                  .ended = submission->ended,
                                  .state = submission->state};
    if (!client_selector_is_all(submission->selector)) {
        request.selector = submission->selector;
        request.selector_text =
            selector_arguments_format(submission->selector, context->queries.listeners, text);
    }
    int64_t id = jobs_submit(context->jobs, &request);
    if (id < 0) {
        *refusal = refusal_of(id);
        broadcast_log_refusal(session, *refusal);
        return 0;
    }
    log_queued(session, id, &request);
    return (uint64_t)id;
}
