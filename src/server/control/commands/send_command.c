#include "server/control/commands/send_command.h"

#include "server/control/commands/command_context.h"
#include "server/control/commands/hex_payload.h"
#include "server/gateway/send_batch.h"
#include "text/printable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A message to one client: a batch of one. */
struct send_request {
    struct send_batch batch; /* first */
    struct control_session *session;
    struct send_message message;
    uint8_t bytes[];
};

/* ---- the result ---- */

static void write_result(const struct send_request *request)
{
    const struct send_message *message = &request->message;
    const struct listener *listener =
        &request->batch.context->listeners->list[message->client.listener];
    struct control_session *session = request->session;
    char text[TRANSPORT_TEXT_BYTES];
    control_ok(session);
    control_line(session, "address", "%s", client_name_format(&message->name, text));
    control_line(session, "listener", "%s", listener->text);
    control_line(session, "sent", "%d", message->error == 0);
    control_line(session, "failed", "%d", message->error != 0);
    if (message->error != 0)
        control_line(session, "reason", "%s", send_batch_reason(message->error));
    control_end(session);
}

static void on_done(struct send_batch *batch)
{
    struct send_request *request = (struct send_request *)batch;
    char text[TRANSPORT_TEXT_BYTES];
    if (request->message.error == -ESHUTDOWN)
        worker_query_refuse_stopping(request->session);
    else if (request->message.error == -ENOENT)
        control_refuse(
            request->session,
            "cannot send to %s: no such client is registered; `clients` lists the registered ones",
            client_name_format(&request->message.name, text));
    else
        write_result(request);
    free(request);
}

/* ---- the command ---- */

static void start(struct worker_query_context *context, struct control_session *session,
                  const struct client_argument *client, const char *payload, size_t size)
{
    struct send_request *request = calloc(1, sizeof *request + size);
    if (request == NULL) {
        control_refuse(session, "cannot send: out of memory; try again");
        return;
    }
    memcpy(request->bytes, payload, size);
    request->session = session;
    request->message = (struct send_message){
        .name = client->address, .only = client->only, .bytes = request->bytes, .size = size};
    request->batch = (struct send_batch){
        .context = context, .messages = &request->message, .count = 1, .done = on_done};
    send_batch_start(&request->batch);
}

void control_command_send(void *state, struct control_session *session, char *arguments)
{
    char *payload = NULL, shown[128];
    const char *address = strtok_r(arguments, " \t", &payload);
    struct worker_query_context *context = &((struct command_context *)state)->queries;
    struct client_argument client;
    size_t size;
    if (!hex_payload_decode(payload, &size)) {
        control_refuse(
            session,
            "cannot send: the payload is invalid; after the address, give " HEX_PAYLOAD_FORM);
        return;
    }
    const char *wrong = client_argument_parse(&client, context->names, address);
    if (wrong != NULL) {
        printable_ascii(shown, sizeof shown, address, strlen(address));
        control_refuse(session, "cannot send to '%s': %s; `clients` lists the registered clients",
                       shown, wrong);
        return;
    }
    start(context, session, &client, payload, size);
}
