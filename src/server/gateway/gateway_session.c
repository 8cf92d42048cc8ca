#include "server/gateway/gateway_session.h"

#include "config/config.h"
#include "server/control/commands/broadcast_submission.h"
#include "server/control/commands/command_context.h"
#include "server/gateway/gateway_requests.h"
#include "server/gateway/send_batch.h"

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
    size_t jobs;     /* broadcasts that have not ended */
    struct gateway_batch batches[2];
};

/* A broadcast that has not ended. */
struct gateway_job {
    struct gateway *gateway;
    char ref[GATEWAY_REF_BYTES + 1];
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

static void write_sent(struct gateway *gateway, const char *ref, const struct send_message *message)
{
    char text[TRANSPORT_TEXT_BYTES];
    if (message->error == -ENOENT)
        write_error(gateway, ref,
                    "cannot send to %s: no such client is registered; `clients` lists the "
                    "registered ones",
                    client_name_format(&message->name, text));
    else if (message->error == -ESHUTDOWN)
        write_error(gateway, ref,
                    "cannot send: the server is stopping; send it again when it is "
                    "running");
    else if (message->error != 0)
        control_line(gateway->session, "result", "%s sent=0 failed=1 reason=%s", ref,
                     send_batch_reason(message->error));
    else if (wants_result(ref))
        control_line(gateway->session, "result", "%s sent=1 failed=0", ref);
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
    for (size_t i = 0; i < send->count && gateway->session != NULL; i++)
        write_sent(gateway, batch->refs[i], &batch->messages[i]);
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
    batch->refs[i] = keep(batch, request->ref, strlen(request->ref) + 1);
    batch->messages[i] = (struct send_message){.name = request->name,
                                               .bytes = keep(batch, request->bytes, request->size),
                                               .size = request->size};
    if (!gateway->is_sending)
        send_filled(gateway);
}

/* ---- broadcasts ---- */

static void on_job_ended(void *state, const struct job_report *report)
{
    struct gateway_job *job = state;
    struct gateway *gateway = job->gateway;
    if (gateway->session != NULL && wants_result(job->ref)) {
        control_line(gateway->session, "result",
                     "%s id=%" PRIu64 " state=%s targets=%" PRIu64 " sent=%" PRIu64
                     " failed=%" PRIu64 " skipped=%" PRIu64 " duration_ms=%" PRIu64,
                     job->ref, report->id, job_state_name(report->state), report->targets,
                     report->sent, report->failed, report->skipped, report->duration_ms);
        control_send(gateway->session);
    }
    free(job);
    gateway->jobs--;
    update_reading(gateway);
    end_if_done(gateway);
}

static void start_broadcast(struct gateway *gateway, const struct gateway_request *request)
{
    struct gateway_job *job = malloc(sizeof *job);
    const char *refusal = "cannot broadcast: out of memory; try again";
    if (job != NULL) {
        const struct broadcast_submission submission = {.selector = &request->selector,
                                                        .bytes = request->bytes,
                                                        .size = request->size,
                                                        .ended = on_job_ended,
                                                        .state = job};
        job->gateway = gateway;
        strcpy(job->ref, request->ref);
        gateway->jobs++;
        if (broadcast_submit(gateway->context, gateway->session, &submission, &refusal) != 0)
            return;
        gateway->jobs--;
    }
    free(job);
    write_error(gateway, request->ref, "%s", refusal);
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
    if (!gateway_requests_parse(&request, gateway->context->queries.listeners, line, size, wrong)) {
        write_error(gateway, request.ref, "%s", wrong);
        control_send(gateway->session);
    } else if (request.kind == GATEWAY_SEND) {
        add_message(gateway, &request);
    } else if (request.kind == GATEWAY_BROADCAST) {
        start_broadcast(gateway, &request);
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
