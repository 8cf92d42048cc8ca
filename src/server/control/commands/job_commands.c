#include "server/control/commands/job_commands.h"

#include "server/control/arguments/confirm_arguments.h"
#include "server/control/arguments/hex_payload.h"
#include "server/control/arguments/selector_arguments.h"
#include "server/control/commands/broadcast_submission.h"
#include "server/control/commands/command_context.h"
#include "server/control/commands/job_clients.h"
#include "server/control/commands/job_lines.h"
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
    job_lines_write_confirmations(session, report);
    control_end(session);
}

static void refuse_broadcast(struct control_session *session, const char *message)
{
    broadcast_log_refusal(session, message);
    control_refuse(session, "%s", message);
}

/* What a command line asks for. The payload is in the line. */
struct broadcast_arguments {
    bool wait;
    struct confirm_arguments confirm;
    struct client_selector selector;
    const char *payload;
    size_t size;
};

/* Returns false after it has refused the command. */
static bool read_arguments(struct broadcast_arguments *read, struct control_session *session,
                           const struct listeners *listeners, char *arguments)
{
    char *rest = NULL, *payload = NULL, wrong[SELECTOR_WRONG_BYTES], message[64 + sizeof wrong];
    const char *mode = strtok_r(arguments, " \t", &rest);
    read->wait = mode != NULL && strcmp(mode, "wait") == 0;
    if (read->wait || (mode != NULL && strcmp(mode, "nowait") == 0)) {
        payload = confirm_arguments_parse(&read->confirm, rest, wrong);
        if (payload != NULL)
            payload = selector_arguments_parse(&read->selector, listeners, payload, wrong);
        if (payload == NULL) {
            snprintf(message, sizeof message, "cannot broadcast: %s", wrong);
            refuse_broadcast(session, message);
            return false;
        }
    }
    read->payload = payload;
    if (!hex_payload_decode(payload, &read->size)) {
        refuse_broadcast(session, "cannot broadcast: the arguments are invalid; give `wait` or "
                                  "`nowait`, then " HEX_PAYLOAD_FORM);
        return false;
    }
    return true;
}

void control_command_broadcast(void *state, struct control_session *session, char *arguments)
{
    struct command_context *context = state;
    struct broadcast_arguments read;
    const char *refusal;
    if (!read_arguments(&read, session, context->queries.listeners, arguments))
        return;
    if (read.wait && control_is_busy(session)) {
        refuse_broadcast(
            session, "cannot broadcast and wait: too many sessions wait or subscribe; use nowait");
        return;
    }
    const struct job_confirmation confirmation = {.within_ms = read.confirm.within_ms};
    const struct broadcast_submission submission = {
        .selector = &read.selector,
        .confirmation = read.confirm.confirms ? &confirmation : NULL,
        .bytes = read.payload,
        .size = read.size,
        .ended = read.wait ? write_ended : NULL,
        .state = session};
    uint64_t id = broadcast_submit(context, session, &submission, &refusal);
    if (id == 0) {
        control_refuse(session, "%s", refusal);
        return;
    }
    /* Sent at once, so that an operator that waits can query the job by its id. */
    control_ok(session);
    control_line(session, "id", "%" PRIu64, id);
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
    char selector[SELECTOR_TEXT_BYTES], confirmations[JOB_CONFIRMATIONS_TEXT_BYTES];
    control_line(
        state, "job",
        "%" PRIu64 " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %zu %s%s",
        report->id, job_state_name(report->state), report->targets, report->sent, report->failed,
        report->skipped, report->duration_ms, report->bytes, selector_column(report, selector),
        job_report_confirmations(report, confirmations));
}

void control_command_jobs(void *state, struct control_session *session, char *arguments)
{
    const struct command_context *context = state;
    (void)arguments;
    control_ok(session);
    jobs_each(context->jobs, write_job, session);
    control_end(session);
}

/* ---- job ---- */

static void write_one(void *state, const struct job_report *report)
{
    control_ok(state);
    write_job(state, report);
}

void control_command_job(void *state, struct control_session *session, char *arguments)
{
    struct command_context *context = state;
    char *list = NULL;
    const char *number = strtok_r(arguments, " \t", &list);
    uint64_t id = 0;
    if (number == NULL || number_parse(number, 1, INT64_MAX, &id) != NULL)
        control_refuse(session,
                       "cannot show the job: its number is invalid; `jobs` lists the jobs");
    else if (list != NULL && list[strspn(list, " \t")] != '\0')
        job_clients_list(context, session, id, list + strspn(list, " \t"));
    else if (jobs_find(context->jobs, id, write_one, session) == 0)
        control_end(session);
    else
        control_refuse(session, "cannot show job %" PRIu64 ": no such job; `jobs` lists the jobs",
                       id);
}

/* ---- cancel ---- */

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
