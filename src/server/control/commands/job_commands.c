#include "server/control/commands/job_commands.h"

#include "server/control/command_log.h"
#include "server/control/commands/command_context.h"
#include "server/control/commands/hex_payload.h"
#include "server/control/commands/selector_arguments.h"
#include "server/control/control_sessions.h"
#include "server/control/session_eviction.h"
#include "text/number_with_unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void write_ended(void *state, const struct job_report *report)
{
    struct control_session *session = state;
    control_line(session, "state", "%s", job_state_name(report->state));
    control_line(session, "targets", "%" PRIu64, report->targets);
    control_line(session, "sent", "%" PRIu64, report->sent);
    control_line(session, "failed", "%" PRIu64, report->failed);
    control_line(session, "skipped", "%" PRIu64, report->skipped);
    control_line(session, "duration_ms", "%" PRIu64, report->duration_ms);
    control_end(session);
}

static void refuse_broadcast(struct control_session *session, const char *message)
{
    command_log_write_pairs(session, "broadcast", &(struct log_pair){"refused", message}, 1);
    control_refuse(session, "%s", message);
}

static void refuse_job(struct control_session *session, int64_t error)
{
    if (error == -ENOBUFS)
        refuse_broadcast(session, "cannot broadcast: the queue is full; wait for a job to end, "
                                  "cancel one, or raise broadcast.queue");
    else if (error == -ESHUTDOWN)
        refuse_broadcast(session,
                         "cannot broadcast: the server is stopping; try again when it is running");
    else
        refuse_broadcast(session, "cannot broadcast: out of memory; try again");
}

/* The payload is not logged: it may be secret. */
static void log_broadcast(const struct control_session *session, int64_t id, size_t size,
                          const char *selector)
{
    char job[24], bytes[24];
    snprintf(job, sizeof job, "%" PRId64, id);
    snprintf(bytes, sizeof bytes, "%zu", size);
    const struct log_pair pairs[] = {{"job", job}, {"bytes", bytes}, {"selector", selector}};
    command_log_write_pairs(session, "broadcast", pairs, selector != NULL ? 3 : 2);
}

/* What a command line asks for. The pointers of the request are into the line and this struct. */
struct broadcast_arguments {
    bool wait;
    struct client_selector selector;
    char selector_text[SELECTOR_TEXT_BYTES];
    struct job_request request;
};

/* Returns false after it has refused the command. */
static bool read_arguments(struct broadcast_arguments *read, struct control_session *session,
                           const struct listeners *listeners, char *arguments)
{
    char *rest = NULL, *payload = NULL, wrong[SELECTOR_WRONG_BYTES], message[64 + sizeof wrong];
    const char *mode = strtok_r(arguments, " \t", &rest);
    struct job_request *request = &read->request;
    read->wait = mode != NULL && strcmp(mode, "wait") == 0;
    if (read->wait || (mode != NULL && strcmp(mode, "nowait") == 0)) {
        payload = selector_arguments_parse(&read->selector, listeners, rest, wrong);
        if (payload == NULL) {
            snprintf(message, sizeof message, "cannot broadcast: %s", wrong);
            refuse_broadcast(session, message);
            return false;
        }
    }
    *request = (struct job_request){.bytes = payload};
    if (!hex_payload_decode(payload, &request->size)) {
        refuse_broadcast(session, "cannot broadcast: the arguments are invalid; give `wait` or "
                                  "`nowait`, then " HEX_PAYLOAD_FORM);
        return false;
    }
    if (!client_selector_is_all(&read->selector)) {
        request->selector = &read->selector;
        request->selector_text =
            selector_arguments_format(&read->selector, listeners, read->selector_text);
    }
    return true;
}

void control_command_broadcast(void *state, struct control_session *session, char *arguments)
{
    struct command_context *context = state;
    struct broadcast_arguments read;
    if (!read_arguments(&read, session, context->queries.listeners, arguments))
        return;
    if (read.wait && control_is_busy(session)) {
        refuse_broadcast(session,
                         "cannot broadcast and wait: too many operators are waiting; use nowait");
        return;
    }
    read.request.ended = read.wait ? write_ended : NULL;
    read.request.state = session;
    int64_t id = jobs_submit(context->jobs, &read.request);
    if (id < 0) {
        refuse_job(session, id);
        return;
    }
    log_broadcast(session, id, read.request.size, read.request.selector_text);
    /* Sent at once, so that an operator that waits can query the job by its id. */
    control_ok(session);
    control_line(session, "id", "%" PRId64, id);
    if (read.wait)
        control_send(session);
    else
        control_end(session);
}

/* The columns of a line are separated by blanks, so the words of a selector are by commas. */
static const char *selector_column(const struct job_report *report, char text[SELECTOR_TEXT_BYTES])
{
    snprintf(text, SELECTOR_TEXT_BYTES, "%s", report->selector[0] != '\0' ? report->selector : "-");
    for (char *blank = text; (blank = strchr(blank, ' ')) != NULL;)
        *blank = ',';
    return text;
}

static void write_job(void *state, const struct job_report *report)
{
    char selector[SELECTOR_TEXT_BYTES];
    control_line(
        state, "job",
        "%" PRIu64 " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %zu %s",
        report->id, job_state_name(report->state), report->targets, report->sent, report->failed,
        report->skipped, report->duration_ms, report->bytes, selector_column(report, selector));
}

void control_command_jobs(void *state, struct control_session *session, char *arguments)
{
    const struct command_context *context = state;
    (void)arguments;
    control_ok(session);
    jobs_each(context->jobs, write_job, session);
    control_end(session);
}

static void write_cancelled(void *state, const struct job_report *report)
{
    struct control_session *session = state;
    control_ok(session);
    control_line(session, "id", "%" PRIu64, report->id);
    control_line(session, "state", "%s", job_state_name(report->state));
    control_end(session);
}

void control_command_cancel(void *state, struct control_session *session, char *arguments)
{
    struct command_context *context = state;
    uint64_t id = 0;
    if (number_parse(arguments, 1, INT64_MAX, &id) != NULL) {
        control_refuse(session, "cannot cancel: the job number is invalid; `jobs` lists the jobs");
        return;
    }
    switch (jobs_cancel(context->jobs, id, write_cancelled, session)) {
    case 0:
        break;
    case -EALREADY:
        control_refuse(
            session, "cannot cancel job %" PRIu64 ": it has already ended; `jobs` shows its result",
            id);
        break;
    case -EINPROGRESS:
        control_refuse(session,
                       "cannot cancel job %" PRIu64 ": it is already being cancelled; `jobs` shows "
                       "when it has ended",
                       id);
        break;
    default:
        control_refuse(session, "cannot cancel job %" PRIu64 ": no such job; `jobs` lists the jobs",
                       id);
        break;
    }
}
