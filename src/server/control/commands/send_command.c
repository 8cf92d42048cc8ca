#include "server/control/commands/send_command.h"

#include "os/process/clock.h"
#include "server/control/commands/command_context.h"
#include "server/control/commands/hex_payload.h"
#include "text/printable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A message to one client: first a message to each worker that looks for the client, then one to
 * the worker that sends. */
/* Where the client is registered: the listener that it last sent to. */
struct registration {
    bool exists;
    size_t worker; /* its index */
    uint8_t listener;
    uint64_t active_ms; /* when its last datagram was received */
};

struct send_request {
    struct worker_call call; /* first */
    struct worker_query_context *context;
    struct control_session *session;
    struct client_name name;
    size_t worker;                   /* the index of the one that has the call */
    struct registration found, best; /* by this worker, and by all that were asked */
    int error;                       /* of worker_send */
    size_t size;
    uint8_t bytes[];
};

static void end(struct send_request *request)
{
    control_end(request->session);
    free(request);
}

/* ---- the result ---- */

static void write_unknown(struct send_request *request)
{
    char text[TRANSPORT_TEXT_BYTES];
    control_error(
        request->session,
        "cannot send to %s: no such client is registered; `clients` lists the registered ones",
        client_name_format(&request->name, text));
    end(request);
}

static const char *reason(int error)
{
    switch (error) {
    case EAGAIN:
        return "the send buffer is full";
    case EPIPE:
        return "the client reads too slowly, or has disconnected";
    default:
        return strerror(error);
    }
}

static void on_sent(struct worker_call *call)
{
    struct send_request *request = (struct send_request *)call;
    struct control_session *session = request->session;
    char text[TRANSPORT_TEXT_BYTES];
    if (request->error == -ENOENT) {
        write_unknown(request);
        return;
    }
    control_ok(session);
    control_line(session, "address", "%s", client_name_format(&request->name, text));
    control_line(session, "listener", "%s",
                 request->context->listeners->list[request->best.listener].text);
    control_line(session, "sent", "%d", request->error == 0);
    control_line(session, "failed", "%d", request->error != 0);
    if (request->error != 0)
        control_line(session, "reason", "%s", reason(-request->error));
    end(request);
}

/* ---- finding the client, and sending ---- */

static void run_send(struct worker_call *call)
{
    struct send_request *request = (struct send_request *)call;
    request->error = worker_send(call->worker, request->best.listener, &request->name,
                                 request->bytes, request->size);
}

static void keep_later(struct registration *best, const struct registration *other)
{
    if (other->exists && (!best->exists || other->active_ms > best->active_ms))
        *best = *other;
}

static void run_find(struct worker_call *call)
{
    struct send_request *request = (struct send_request *)call;
    uint64_t now_ms = clock_now_ms();
    struct client client;
    request->found = (struct registration){.exists = false};
    for (uint8_t listener = 0; worker_find(call->worker, listener, &request->name, now_ms, &client);
         listener = (uint8_t)(client.listener + 1))
        keep_later(&request->found, &(struct registration){true, request->worker, client.listener,
                                                           now_ms - client.idle_ms});
}

static void post(struct send_request *request)
{
    worker_post(request->context->workers[request->worker], &request->call,
                request->context->reply_mailbox);
}

static void on_found(struct worker_call *call)
{
    struct send_request *request = (struct send_request *)call;
    struct worker_query_context *context = request->context;
    keep_later(&request->best, &request->found);
    if (context->stopping) {
        worker_query_refuse_stopping(request->session);
        free(request);
        return;
    }
    if (++request->worker < context->worker_count) {
        post(request);
        return;
    }
    if (!request->best.exists) {
        write_unknown(request);
        return;
    }
    request->worker = request->best.worker;
    request->call.run = run_send;
    request->call.done = on_sent;
    post(request);
}

/* ---- the command ---- */

static void start(struct worker_query_context *context, struct control_session *session,
                  const struct client_name *name, const char *payload, size_t size)
{
    if (context->stopping) {
        worker_query_refuse_stopping(session);
        return;
    }
    struct send_request *request = calloc(1, sizeof *request + size);
    if (request == NULL) {
        control_refuse(session, "cannot send: out of memory; try again");
        return;
    }
    request->call.run = run_find;
    request->call.done = on_found;
    request->context = context;
    request->session = session;
    request->name = *name;
    request->size = size;
    memcpy(request->bytes, payload, size);
    post(request);
}

void control_command_send(void *state, struct control_session *session, char *arguments)
{
    char *payload = NULL, shown[128];
    const char *address = strtok_r(arguments, " \t", &payload);
    struct client_name name;
    size_t size;
    if (!hex_payload_decode(payload, &size)) {
        control_refuse(
            session,
            "cannot send: the payload is invalid; after the address, give " HEX_PAYLOAD_FORM);
        return;
    }
    const char *wrong = client_name_parse(&name, NULL, address);
    if (wrong != NULL) {
        printable_ascii(shown, sizeof shown, address, strlen(address));
        control_refuse(session, "cannot send to '%s': %s; `clients` lists the registered clients",
                       shown, wrong);
        return;
    }
    start(&((struct command_context *)state)->queries, session, &name, payload, size);
}
