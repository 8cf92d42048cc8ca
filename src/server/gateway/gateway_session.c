#include "server/gateway/gateway_session.h"

#include "config/config.h"
#include "server/control/commands/broadcast_submission.h"
#include "server/control/commands/command_context.h"
#include "server/gateway/confirmed_send.h"
#include "server/gateway/gateway_requests.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One batch of messages, and the memory of their payloads and references. */
struct gateway_batch {
    struct send_batch send; /* first */
    struct gateway *gateway;
    const char *refs[GATEWAY_BATCH_MESSAGES]; /* in bytes, by message */
    bool confirms[GATEWAY_BATCH_MESSAGES];    /* by message: its result has confirmations */
    struct send_message messages[GATEWAY_BATCH_MESSAGES];
    size_t used; /* of bytes */
    uint8_t bytes[GATEWAY_BATCH_BYTES];
};

/* It lives until its session is closed and its last request has its result. */
struct gateway {
    struct command_context *context;
    struct control_session *session; /* NULL: closed */
    struct subscription *subscription;
    bool input_ended;
    bool is_read;    /* the session's lines are delivered */
    bool is_sending; /* the batch that is not being filled is on its way */
    size_t filling;  /* the index of the batch that is being filled */
    size_t jobs;     /* broadcasts, and messages to be confirmed, that have not ended */
    size_t finding;  /* those messages whose client is not found yet */
    size_t deciding; /* broadcasts with a key that wait for their turn */
    /* After a broadcast with a key was refused, those that follow it are refused, too, until it
     * comes again: else it would be skipped, and be a duplicate then. */
    bool is_blocked;
    struct publish_key refused;
    struct gateway_batch batches[2];
};

/* A broadcast, or a message that is to be confirmed, that has not ended. */
struct gateway_job {
    struct confirmed_send send; /* first; only of such a message */
    struct gateway *gateway;
    char ref[GATEWAY_REF_BYTES + 1];
    struct publish_key key; /* of a broadcast that has one */
    uint8_t bytes[];        /* of such a message */
};

/* The longest request that may follow has room in the batch. */
static bool has_room(const struct gateway_batch *batch)
{
    return batch->send.count < GATEWAY_BATCH_MESSAGES &&
           GATEWAY_BATCH_BYTES - batch->used >= CONFIG_MESSAGE_BYTES_MAX + GATEWAY_REF_BYTES + 1;
}

/* ---- what the session gets, and whether it is read ---- */

static bool wants_result(const char *ref)
{
    return strcmp(ref, "-") != 0;
}

/* Reads the session if there is room for a request and for its result. */
static void update_reading(struct gateway *gateway)
{
    if (gateway->session == NULL || gateway->input_ended)
        return;
    bool is_read = has_room(&gateway->batches[gateway->filling]) &&
                   gateway->finding < GATEWAY_FINDING_MAX &&
                   gateway->deciding < GATEWAY_DECIDING_MAX &&
                   control_unsent_bytes(gateway->session) < GATEWAY_UNSENT_BYTES;
    if (is_read == gateway->is_read)
        return;
    gateway->is_read = is_read;
    if (is_read)
        control_resume_lines(gateway->session);
    else
        control_pause_lines(gateway->session);
}

/* Ends the session when its input has ended and each request has its result; frees the gateway when
 * its session is closed, too. */
static void end_if_done(struct gateway *gateway)
{
    if (gateway->is_sending || gateway->jobs > 0)
        return;
    if (gateway->session != NULL && gateway->input_ended) {
        control_stop_lines(gateway->session);
        gateway->session = NULL;
        subscriptions_end(gateway->subscription);
    }
    if (gateway->session == NULL)
        free(gateway);
}

__attribute__((format(printf, 3, 4))) static void write_error(struct gateway *gateway,
                                                              const char *ref, const char *format,
                                                              ...)
{
    char text[GATEWAY_WRONG_BYTES];
    va_list arguments;
    if (gateway->session == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    control_line(gateway->session, "error", "%s %s", ref, text);
}

/* ---- messages to single clients ---- */

static void write_unsent(struct gateway *gateway, const char *ref,
                         const struct send_message *message)
{
    char text[TRANSPORT_TEXT_BYTES];
    if (message->error == -ENOENT)
        write_error(gateway, ref,
                    "cannot send to %s: no such client is registered; `clients` lists the "
                    "registered ones",
                    client_name_format(&message->name, text));
    else
        write_error(gateway, ref,
                    "cannot send: the server is stopping; send it again when it is "
                    "running");
}

/* confirmations: pairs that begin with a blank, or "". */
static void write_sent(struct gateway *gateway, const char *ref, const struct send_message *message,
                       const char *confirmations)
{
    if (message->error == -ENOENT || message->error == -ESHUTDOWN)
        write_unsent(gateway, ref, message);
    else if (message->error != 0)
        control_line(gateway->session, "result", "%s sent=0 failed=1%s reason=%s", ref,
                     confirmations, send_batch_reason(message->error));
    else if (wants_result(ref))
        control_line(gateway->session, "result", "%s sent=1 failed=0%s", ref, confirmations);
}

/* A client of a stream gets a plain copy. */
static const char *plain_confirmations(bool confirms, const struct send_message *message,
                                       char text[JOB_CONFIRMATIONS_TEXT_BYTES])
{
    const struct job_report report = {
        .is_confirmed = confirms, .plain = 1, .rounds = 1, .datagrams = message->error == 0};
    return job_report_confirmations(&report, text);
}

static bool has_filled(const struct gateway *gateway)
{
    return gateway->batches[gateway->filling].send.count > 0;
}

static void send_filled(struct gateway *gateway);

static void on_sent(struct send_batch *send)
{
    struct gateway_batch *batch = (struct gateway_batch *)send;
    struct gateway *gateway = batch->gateway;
    char text[JOB_CONFIRMATIONS_TEXT_BYTES];
    for (size_t i = 0; i < send->count && gateway->session != NULL; i++)
        write_sent(gateway, batch->refs[i], &batch->messages[i],
                   plain_confirmations(batch->confirms[i], &batch->messages[i], text));
    if (gateway->session != NULL)
        control_send(gateway->session);
    send->count = batch->used = 0;
    gateway->is_sending = false;
    if (has_filled(gateway)) {
        send_filled(gateway);
        return;
    }
    update_reading(gateway);
    end_if_done(gateway);
}

/* Sends the batch that was filled. It may have its results before this function returns, and the
 * gateway may have ended then. */
static void send_filled(struct gateway *gateway)
{
    struct gateway_batch *batch = &gateway->batches[gateway->filling];
    gateway->is_sending = true;
    gateway->filling = 1 - gateway->filling;
    batch->send.context = &gateway->context->queries;
    batch->send.messages = batch->messages;
    batch->send.done = on_sent;
    update_reading(gateway);
    send_batch_start(&batch->send);
}

/* Copies bytes to the batch. Returns the copy. */
static void *keep(struct gateway_batch *batch, const void *bytes, size_t size)
{
    void *copy = batch->bytes + batch->used;
    if (size > 0)
        memcpy(copy, bytes, size);
    batch->used += size;
    return copy;
}

static void add_message(struct gateway *gateway, const struct gateway_request *request)
{
    struct gateway_batch *batch = &gateway->batches[gateway->filling];
    size_t i = batch->send.count++;
    batch->confirms[i] = request->confirm.confirms;
    batch->refs[i] = keep(batch, request->ref, strlen(request->ref) + 1);
    batch->messages[i] = (struct send_message){.name = request->client.address,
                                               .only = request->client.only,
                                               .bytes = keep(batch, request->bytes, request->size),
                                               .size = request->size};
    if (!gateway->is_sending)
        send_filled(gateway);
}

/* ---- broadcasts ---- */

/* Returns NULL if there is no memory. */
static struct gateway_job *new_job(struct gateway *gateway, const char *ref, size_t bytes)
{
    struct gateway_job *job = malloc(sizeof *job + bytes);
    if (job == NULL)
        return NULL;
    job->gateway = gateway;
    strcpy(job->ref, ref);
    gateway->jobs++;
    return job;
}

static void free_job(struct gateway_job *job)
{
    job->gateway->jobs--;
    free(job);
}

/* Frees a job whose result is written, after which the gateway may have ended. */
static void end_job(struct gateway_job *job)
{
    struct gateway *gateway = job->gateway;
    free_job(job);
    if (gateway->session != NULL)
        control_send(gateway->session);
    update_reading(gateway);
    end_if_done(gateway);
}

static void on_job_ended(void *state, const struct job_report *report)
{
    struct gateway_job *job = state;
    struct gateway *gateway = job->gateway;
    char confirmations[JOB_CONFIRMATIONS_TEXT_BYTES];
    if (gateway->session != NULL && wants_result(job->ref))
        control_line(gateway->session, "result",
                     "%s id=%" PRIu64 " state=%s targets=%" PRIu64 " sent=%" PRIu64
                     " failed=%" PRIu64 " skipped=%" PRIu64 " duration_ms=%" PRIu64 "%s",
                     job->ref, report->id, job_state_name(report->state), report->targets,
                     report->sent, report->failed, report->skipped, report->duration_ms,
                     job_report_confirmations(report, confirmations));
    end_job(job);
}

static void block(struct gateway *gateway, const struct publish_key *key)
{
    if (!gateway->is_blocked)
        gateway->refused = *key;
    gateway->is_blocked = true;
}

/* A broadcast with a key has its turn. */
static void on_decided(void *state, const struct publish_decision *decision)
{
    struct gateway_job *job = state;
    struct gateway *gateway = job->gateway;
    gateway->deciding--;
    if (decision->outcome == PUBLISH_QUEUED) {
        update_reading(gateway);
        return;
    }
    if (decision->outcome == PUBLISH_DUPLICATE) {
        if (gateway->session != NULL && wants_result(job->ref))
            control_line(gateway->session, "result",
                         "%s state=duplicate targets=0 sent=0 failed=0 skipped=0 duration_ms=0",
                         job->ref);
    } else {
        if (decision->is_passing)
            block(gateway, &job->key);
        write_error(gateway, job->ref, "%s", decision->refusal);
    }
    end_job(job);
}

/* Submits a broadcast whose job is new, and which has a key. */
static void submit_keyed(struct gateway_job *job, const struct key_arguments *key,
                         const struct broadcast_submission *submission)
{
    struct gateway *gateway = job->gateway;
    const struct keyed_submission keyed = {.broadcast = *submission,
                                           .key = key->key,
                                           .entries_added = key->entries_added,
                                           .decided = on_decided,
                                           .state = job};
    job->key = key->key;
    gateway->deciding++;
    broadcast_submit_keyed(gateway->context, gateway->session, &keyed);
}

/* Submits a broadcast whose job is new, and which has no key. */
static void submit(struct gateway_job *job, const struct broadcast_submission *submission)
{
    const char *refusal;
    if (broadcast_submit(job->gateway->context, job->gateway->session, submission, &refusal) != 0)
        return;
    write_error(job->gateway, job->ref, "%s", refusal);
    free_job(job);
}

/* Returns why a broadcast with a key is refused after another one, or NULL. */
static const char *find_block(struct gateway *gateway, const struct key_arguments *key)
{
    if (key->has_key && publish_key_equal(&key->key, &gateway->refused))
        gateway->is_blocked = false;
    return key->has_key && gateway->is_blocked
               ? "cannot broadcast: one with a key was refused before; send that again first"
               : NULL;
}

static void start_broadcast(struct gateway *gateway, const struct gateway_request *request)
{
    const struct key_arguments *key = &request->key;
    const char *refusal = find_block(gateway, key);
    struct gateway_job *job = refusal == NULL ? new_job(gateway, request->ref, 0) : NULL;
    if (job == NULL) {
        if (key->has_key)
            block(gateway, &key->key);
        write_error(gateway, request->ref, "%s",
                    refusal != NULL ? refusal : "cannot broadcast: out of memory; try again");
        return;
    }
    const struct job_confirmation confirmation = {.within_ms = request->confirm.within_ms};
    const struct broadcast_submission submission = {
        .selector = &request->selector,
        .confirmation = request->confirm.confirms ? &confirmation : NULL,
        .bytes = request->bytes,
        .size = request->size,
        .ended = on_job_ended,
        .state = job};
    if (key->has_key)
        submit_keyed(job, key, &submission);
    else
        submit(job, &submission);
}

/* ---- gaps ---- */

static void count_gap(struct gateway *gateway, const struct gateway_request *request)
{
    bool is_counted = publish_gaps_note(gateway->context->gaps, &request->gap);
    if (wants_result(request->ref))
        control_line(gateway->session, "result", "%s state=%s", request->ref,
                     is_counted ? "counted" : "known");
}

/* ---- messages that are to be confirmed ---- */

static void on_send_ended(void *state, const struct job_report *report)
{
    struct gateway_job *job = state;
    struct gateway *gateway = job->gateway;
    char confirmations[JOB_CONFIRMATIONS_TEXT_BYTES];
    if (gateway->session == NULL) {
        end_job(job);
        return;
    }
    if (confirmed_send_has_tried(report)) {
        if (wants_result(job->ref))
            control_line(gateway->session, "result", "%s sent=%d failed=%d%s", job->ref,
                         report->sent > 0, report->sent == 0,
                         job_report_confirmations(report, confirmations));
    } else if (report->state == JOB_CANCELLED) {
        write_error(gateway, job->ref,
                    "cannot send: job %" PRIu64 " was cancelled before it has sent the message; "
                    "send it again",
                    report->id);
    } else {
        job->send.message.error = -ENOENT;
        write_unsent(gateway, job->ref, &job->send.message);
    }
    end_job(job);
}

static void on_found(struct send_batch *batch)
{
    struct gateway_job *job = (struct gateway_job *)batch;
    struct gateway *gateway = job->gateway;
    const char *refusal = NULL;
    gateway->finding--;
    if (gateway->session != NULL && job->send.message.error == 0) {
        if (confirmed_send_submit(&job->send, gateway->context, gateway->session, on_send_ended,
                                  job, &refusal) != 0) {
            update_reading(gateway);
            return;
        }
        write_error(gateway, job->ref, "%s", refusal);
    } else if (gateway->session != NULL) {
        write_unsent(gateway, job->ref, &job->send.message);
    }
    end_job(job);
}

static void start_confirmed_send(struct gateway *gateway, const struct gateway_request *request)
{
    struct gateway_job *job = new_job(gateway, request->ref, request->size);
    if (job == NULL) {
        write_error(gateway, request->ref, "cannot send: out of memory; try again");
        return;
    }
    memcpy(job->bytes, request->bytes, request->size);
    job->send.message = (struct send_message){.name = request->client.address,
                                              .only = request->client.only,
                                              .bytes = job->bytes,
                                              .size = request->size};
    job->send.within_ms = request->confirm.within_ms;
    gateway->finding++;
    confirmed_send_find(&job->send, &gateway->context->queries, on_found);
}

/* ---- the session ---- */

static void on_input_ended(void *state, int error)
{
    struct gateway *gateway = state;
    const char *no_ref = "-";
    gateway->input_ended = true;
    if (error == -EMSGSIZE)
        write_error(gateway, no_ref,
                    "cannot read the request: the line is too long; send a shorter "
                    "one in another session");
    else if (error == -EPROTO)
        write_error(gateway, no_ref,
                    "cannot read the request: the last line has no newline; send "
                    "the whole line in another session");
    end_if_done(gateway);
}

static void on_line(void *state, char *line, size_t size)
{
    struct gateway *gateway = state;
    struct gateway_request request;
    char wrong[GATEWAY_WRONG_BYTES];
    if (!gateway_requests_parse(&request, gateway->context->queries.listeners,
                                gateway->context->queries.names, line, size, wrong)) {
        control_line(gateway->session, "permanent", "%s", request.ref);
        write_error(gateway, request.ref, "%s", wrong);
        control_send(gateway->session);
    } else if (request.kind == GATEWAY_SEND && request.confirm.confirms &&
               confirmed_send_is_possible(&request.client.address)) {
        start_confirmed_send(gateway, &request);
        control_send(gateway->session);
    } else if (request.kind == GATEWAY_SEND) {
        add_message(gateway, &request);
    } else if (request.kind == GATEWAY_BROADCAST) {
        start_broadcast(gateway, &request);
        control_send(gateway->session);
    } else if (request.kind == GATEWAY_GAP) {
        count_gap(gateway, &request);
        control_send(gateway->session);
    } else {
        control_stop_lines(gateway->session);
        on_input_ended(gateway, 0);
        return;
    }
    update_reading(gateway);
}

static void on_started(void *state)
{
    struct gateway *gateway = state;
    gateway->is_read = true;
    control_read_lines(
        gateway->session,
        &(struct control_lines){.line = on_line, .ended = on_input_ended, .state = gateway});
}

static void on_drained(void *state)
{
    update_reading(state);
}

static void on_closed(void *state)
{
    struct gateway *gateway = state;
    gateway->session = NULL;
    end_if_done(gateway);
}

static void start(struct command_context *context, struct control_session *session,
                  const struct event_filter *filter)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL) {
        control_refuse(session, "cannot open a gateway: out of memory; try again");
        return;
    }
    gateway->context = context;
    gateway->session = session;
    gateway->batches[0].gateway = gateway->batches[1].gateway = gateway;
    gateway->subscription = subscriptions_add(
        context->queries.subscriptions, session, "open a gateway", filter,
        &(struct subscription_owner){
            .started = on_started, .drained = on_drained, .closed = on_closed, .state = gateway});
    if (gateway->subscription == NULL)
        free(gateway);
}

void control_command_gateway(void *state, struct control_session *session, char *arguments)
{
    struct command_context *context = state;
    struct event_filter filter = {.kinds = UINT32_C(1) << EVENT_MESSAGE};
    char wrong[SELECTOR_WRONG_BYTES];
    if (strncmp(arguments, "events", 6) == 0 && strchr(" \t", arguments[6])) {
        arguments += 6 + strspn(arguments + 6, " \t");
        filter.kinds = (UINT32_C(1) << EVENT_KINDS) - 1;
    }
    const char *rest =
        selector_arguments_parse(&filter.selector, context->queries.listeners, arguments, wrong);
    if (rest == NULL)
        control_refuse(session, "cannot open a gateway: %s", wrong);
    else if (*rest != '\0')
        control_refuse(session, "cannot open a gateway: too many arguments; `help` shows the form");
    else
        start(context, session, &filter);
}
