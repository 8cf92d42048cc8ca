#include "server/control/commands/job_commands.h"

#include "server/control/arguments/confirm_arguments.h"
#include "server/control/arguments/hex_payload.h"
#include "server/control/arguments/key_arguments.h"
#include "server/control/arguments/selector_arguments.h"
#include "server/control/commands/broadcast_submission.h"
#include "server/control/commands/command_context.h"
#include "server/control/commands/job_clients.h"
#include "server/control/commands/job_lines.h"
#include "server/control/control_sessions.h"
#include "server/control/session_eviction.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void write_counts(struct control_session *session, const char *state,
                         const struct job_report *report)
{
    control_line(session, "state", "%s", state);
    control_line(session, "targets", "%" PRIu64, report->targets);
    control_line(session, "sent", "%" PRIu64, report->sent);
    control_line(session, "failed", "%" PRIu64, report->failed);
    control_line(session, "skipped", "%" PRIu64, report->skipped);
    control_line(session, "duration_ms", "%" PRIu64, report->duration_ms);
}

static void write_ended(void *state, const struct job_report *report)
{
    struct control_session *session = state;
    write_counts(session, job_state_name(report->state), report);
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
    struct key_arguments key;
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
        payload = key_arguments_parse(&read->key, rest, wrong);
        if (payload != NULL)
            payload = confirm_arguments_parse(&read->confirm, payload, wrong);
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

static void write_id(struct control_session *session, uint64_t id)
{
    control_ok(session);
    control_line(session, "id", "%" PRIu64, id);
}

static void submit(struct command_context *context, struct control_session *session,
                   const struct broadcast_submission *submission, bool wait)
{
    const char *refusal;
    uint64_t id = broadcast_submit(context, session, submission, &refusal);
    if (id == 0) {
        control_refuse(session, "%s", refusal);
        return;
    }
    write_id(session, id);
    /* Sent at once, so that an operator that waits can query the job by its id. */
    if (wait)
        control_send(session);
    else
        control_end(session);
}

static void on_decided(void *state, const struct publish_decision *decision)
{
    if (decision->outcome == PUBLISH_REFUSED) {
        control_refuse(state, "%s", decision->refusal);
        return;
    }
    bool is_queued = decision->outcome == PUBLISH_QUEUED;
    if (is_queued)
        write_id(state, decision->job);
    else
        control_ok(state);
    control_line(state, "state", "%s", is_queued ? "queued" : "duplicate");
    control_end(state);
}

static void on_decided_wait(void *state, const struct publish_decision *decision)
{
    const struct job_report nothing = {.id = 0};
    if (decision->outcome == PUBLISH_REFUSED) {
        control_refuse(state, "%s", decision->refusal);
    } else if (decision->outcome == PUBLISH_QUEUED) {
        write_id(state, decision->job);
        control_send(state);
    } else {
        control_ok(state);
        write_counts(state, "duplicate", &nothing);
        control_end(state);
    }
}

static void submit_keyed(struct command_context *context, struct control_session *session,
                         const struct broadcast_submission *submission,
                         const struct broadcast_arguments *read)
{
    const struct keyed_submission keyed = {.broadcast = *submission,
                                           .key = read->key.key,
                                           .entries_added = read->key.entries_added,
                                           .decided = read->wait ? on_decided_wait : on_decided,
                                           .state = session};
    broadcast_submit_keyed(context, session, &keyed);
}

void control_command_broadcast(void *state, struct control_session *session, char *arguments)
{
    struct command_context *context = state;
    struct broadcast_arguments read;
    if (!read_arguments(&read, session, context->queries.listeners, arguments))
        return;
    /* A broadcast with a key has to wait for its turn. */
    if ((read.wait || read.key.has_key) && control_is_busy(session)) {
        refuse_broadcast(session, read.wait
                                      ? "cannot broadcast and wait: too many sessions wait or "
                                        "subscribe; use nowait"
                                      : "cannot broadcast with a key: too many sessions wait or "
                                        "subscribe; close some of them");
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
    if (read.key.has_key)
        submit_keyed(context, session, &submission, &read);
    else
        submit(context, session, &submission, read.wait);
}

static void write_job(void *state, const struct job_report *report)
{
    char confirmations[JOB_CONFIRMATIONS_TEXT_BYTES];
    control_line(state, "job",
                 "%" PRIu64 " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                 " %zu %s%s",
                 report->id, job_state_name(report->state), report->targets, report->sent,
                 report->failed, report->skipped, report->duration_ms, report->bytes,
                 report->selector[0] != '\0' ? report->selector : "-",
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

/* ---- streams ---- */

static void write_stream(const struct command_context *context, struct control_session *session,
                         const struct publish_stream *stream)
{
    char name[DEVICE_NAME_TEXT_BYTES], id[ENTRY_ID_TEXT_BYTES];
    struct publish_gap_counts gaps = publish_gaps_of(context->gaps, &stream->record.name);
    control_line(session, "stream", "%s %s %" PRIu64 " %s %s gaps=%" PRIu64 " missing=%" PRIu64,
                 device_name_format(&stream->record.name, name),
                 entry_id_format(&stream->record.last, id), stream->record.entries_added,
                 publish_stream_state(stream),
                 publish_queue_is_kept(context->publishes) ? "yes" : "no", gaps.gaps, gaps.missing);
}

static void refuse_stream(struct control_session *session, const char *name, const char *why)
{
    char shown[200];
    printable_ascii(shown, sizeof shown, name, strlen(name));
    control_refuse(session, "cannot show the stream '%s': %s; `streams` lists the remembered ones",
                   shown, why);
}

static void show_stream(const struct command_context *context, struct control_session *session,
                        const char *text)
{
    const struct publish_streams *streams = publish_queue_streams(context->publishes);
    const struct publish_stream *found = NULL;
    struct device_name name;
    const char *wrong = device_name_parse(&name, text);
    if (wrong != NULL) {
        refuse_stream(session, text, wrong);
        return;
    }
    for (size_t i = 0; i < streams->count; i++)
        if (device_name_equal(&streams->list[i].record.name, &name))
            found = &streams->list[i];
    if (found == NULL) {
        refuse_stream(session, text, "nothing of it was published");
        return;
    }
    control_ok(session);
    write_stream(context, session, found);
    control_end(session);
}

void control_command_streams(void *state, struct control_session *session, char *arguments)
{
    const struct command_context *context = state;
    const struct publish_streams *streams = publish_queue_streams(context->publishes);
    if (arguments[0] != '\0') {
        show_stream(context, session, arguments);
        return;
    }
    control_ok(session);
    for (size_t i = 0; i < streams->count; i++)
        write_stream(context, session, &streams->list[i]);
    control_end(session);
}
