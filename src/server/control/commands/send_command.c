#include "server/control/commands/send_command.h"

#include "server/control/arguments/confirm_arguments.h"
#include "server/control/arguments/hex_payload.h"
#include "server/control/commands/command_context.h"
#include "server/control/commands/job_lines.h"
#include "server/control/session_eviction.h"
#include "server/gateway/confirmed_send.h"
#include "text/printable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A message to one client: a batch of one, or a broadcast to one client that confirms it. */
struct send_request {
    struct confirmed_send send; /* first */
    struct command_context *context;
    struct control_session *session;
    bool confirms;
    uint8_t bytes[];
};

/* ---- the result ---- */

static void refuse_unknown(const struct send_request *request)
{
    char text[TRANSPORT_TEXT_BYTES];
    control_refuse(
        request->session,
        "cannot send to %s: no such client is registered; `clients` lists the registered ones",
        client_name_format(&request->send.message.name, text));
}

/* Writes where the message went, and that it was sent, or not. */
static void write_result(const struct send_request *request, bool is_sent)
{
    const struct send_message *message = &request->send.message;
    const struct listener *listener =
        &request->context->queries.listeners->list[message->client.listener];
    struct control_session *session = request->session;
    char text[TRANSPORT_TEXT_BYTES];
    control_ok(session);
    control_line(session, "address", "%s", client_name_format(&message->name, text));
    control_line(session, "listener", "%s", listener->text);
    control_line(session, "sent", "%d", is_sent);
    control_line(session, "failed", "%d", !is_sent);
    if (message->error != 0)
        control_line(session, "reason", "%s", send_batch_reason(message->error));
}

static void on_sent(struct send_batch *batch)
{
    struct send_request *request = (struct send_request *)batch;
    int error = request->send.message.error;
    if (error == -ESHUTDOWN) {
        worker_query_refuse_stopping(request->session);
    } else if (error == -ENOENT) {
        refuse_unknown(request);
    } else {
        bool is_sent = error == 0;
        write_result(request, is_sent);
        const struct job_report report = {
            .is_confirmed = request->confirms, .plain = 1, .rounds = 1, .datagrams = is_sent};
        job_lines_write_confirmations(request->session, &report);
        control_end(request->session);
    }
    free(request);
}

static void on_job_ended(void *state, const struct job_report *report)
{
    struct send_request *request = state;
    if (confirmed_send_has_tried(report)) {
        write_result(request, report->sent > 0);
        job_lines_write_confirmations(request->session, report);
        control_end(request->session);
    } else if (report->state == JOB_CANCELLED) {
        control_refuse(request->session,
                       "cannot send: job %" PRIu64 " was cancelled before it has sent the message; "
                       "send it again",
                       report->id);
    } else {
        refuse_unknown(request);
    }
    free(request);
}

static void on_found(struct send_batch *batch)
{
    struct send_request *request = (struct send_request *)batch;
    const char *refusal = NULL;
    int error = request->send.message.error;
    if (error == -ESHUTDOWN)
        worker_query_refuse_stopping(request->session);
    else if (error == -ENOENT)
        refuse_unknown(request);
    else if (confirmed_send_submit(&request->send, request->context, request->session, on_job_ended,
                                   request, &refusal) == 0)
        control_refuse(request->session, "%s", refusal);
    else
        return;
    free(request);
}

/* ---- the command ---- */

static struct send_request *new_request(struct command_context *context,
                                        struct control_session *session,
                                        const struct client_argument *client, const char *payload,
                                        size_t size)
{
    struct send_request *request = calloc(1, sizeof *request + size);
    if (request == NULL) {
        control_refuse(session, "cannot send: out of memory; try again");
        return NULL;
    }
    memcpy(request->bytes, payload, size);
    request->context = context;
    request->session = session;
    request->send.message = (struct send_message){
        .name = client->address, .only = client->only, .bytes = request->bytes, .size = size};
    return request;
}

static void start(struct send_request *request, const struct confirm_arguments *confirm)
{
    request->confirms = confirm->confirms;
    request->send.within_ms = confirm->within_ms;
    if (confirm->confirms && confirmed_send_is_possible(&request->send.message.name)) {
        confirmed_send_find(&request->send, &request->context->queries, on_found);
        return;
    }
    request->send.batch = (struct send_batch){.context = &request->context->queries,
                                              .messages = &request->send.message,
                                              .count = 1,
                                              .done = on_sent};
    send_batch_start(&request->send.batch);
}

void control_command_send(void *state, struct control_session *session, char *arguments)
{
    char *payload = NULL, shown[128], wrong_words[CONFIRM_WRONG_BYTES];
    struct command_context *context = state;
    struct confirm_arguments confirm;
    struct client_argument client;
    size_t size;
    const char *address = strtok_r(arguments, " \t", &payload);
    payload = confirm_arguments_parse(&confirm, payload, wrong_words);
    if (payload == NULL && wrong_words[0] != '\0') {
        control_refuse(session, "cannot send: %s", wrong_words);
        return;
    }
    if (!hex_payload_decode(payload, &size)) {
        control_refuse(
            session,
            "cannot send: the payload is invalid; after the address, give " HEX_PAYLOAD_FORM);
        return;
    }
    const char *wrong = client_argument_parse(&client, context->queries.names, address);
    if (wrong != NULL) {
        printable_ascii(shown, sizeof shown, address, strlen(address));
        control_refuse(session, "cannot send to '%s': %s; `clients` lists the registered clients",
                       shown, wrong);
        return;
    }
    if (confirm.confirms && control_is_busy(session)) {
        control_refuse(session, "cannot send and wait for the confirmation: too many sessions "
                                "wait or subscribe; end one first");
        return;
    }
    struct send_request *request = new_request(context, session, &client, payload, size);
    if (request != NULL)
        start(request, &confirm);
}
