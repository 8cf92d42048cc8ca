#include "server/control/commands/client_commands.h"

#include "server/control/commands/command_context.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- one client ---- */

static void write_client(const struct worker_query_context *context,
                         struct control_session *session, const struct client *client)
{
    const struct listener *listener = &context->listeners->list[client->listener];
    const struct client_name name = {listener->transport, client->source, client->slot};
    char text[TRANSPORT_TEXT_BYTES];
    control_line(session, "client", "%s %s %" PRIu64 " %" PRIu64 " %" PRIu32,
                 client_name_format(&name, text), listener->text, client->idle_ms, client->age_s,
                 client->received);
}

static void write_unknown(const struct worker_query *query)
{
    char text[TRANSPORT_TEXT_BYTES];
    control_error(
        query->session,
        "cannot find %s: no such client is registered; `clients` lists the registered ones",
        client_name_format(&query->name, text));
}

static void run_find(struct worker_call *call)
{
    struct worker_answer *answer = (struct worker_answer *)call;
    struct client *client = answer->found;
    for (uint8_t listener = 0; worker_find(call->worker, listener, &answer->query->name, client);
         listener = (uint8_t)(client++->listener + 1))
        answer->found_count++;
}

static void write_found(struct worker_query *query)
{
    bool known = false;
    for (size_t i = 0; i < query->context->worker_count; i++) {
        const struct worker_answer *answer = &query->answers[i];
        for (size_t k = 0; k < answer->found_count; k++) {
            if (!known)
                control_ok(query->session);
            known = true;
            write_client(query->context, query->session, &answer->found[k]);
        }
    }
    if (!known)
        write_unknown(query);
}

static void run_kick(struct worker_call *call)
{
    struct worker_answer *answer = (struct worker_answer *)call;
    answer->kicked = worker_kick(call->worker, &answer->query->name);
}

static void write_kicked(struct worker_query *query)
{
    uint32_t kicked = 0;
    for (size_t i = 0; i < query->context->worker_count; i++)
        kicked += query->answers[i].kicked;
    if (kicked == 0) {
        write_unknown(query);
        return;
    }
    control_ok(query->session);
    control_line(query->session, "kicked", "%" PRIu32, kicked);
}

/* Starts a query about the client that arguments name. */
static void query_client(struct worker_query_context *context, struct control_session *session,
                         char *arguments, void (*run)(struct worker_call *),
                         void (*write_answer)(struct worker_query *))
{
    struct client_name name;
    const char *wrong = client_name_parse(&name, NULL, arguments);
    if (wrong == NULL) {
        worker_query_start(context, session, run, write_answer, &name);
        return;
    }
    char shown[128];
    printable_ascii(shown, sizeof shown, arguments, strlen(arguments));
    control_refuse(session, "cannot find client '%s': %s; `clients` lists the registered clients",
                   shown, wrong);
}

void control_command_client(void *state, struct control_session *session, char *arguments)
{
    query_client(&((struct command_context *)state)->queries, session, arguments, run_find,
                 write_found);
}

void control_command_kick(void *state, struct control_session *session, char *arguments)
{
    query_client(&((struct command_context *)state)->queries, session, arguments, run_kick,
                 write_kicked);
}

/* ---- all clients ---- */

enum { LISTING_SLICE = 256 /* clients in a message: about 25 microseconds of a worker's time */ };

/* The list of all clients, worker after worker, in slices: the next one is fetched when the last
 * one is written. */
struct listing {
    struct worker_call call;
    struct worker_query_context *context;
    struct control_session *session;
    size_t worker; /* the index of the one that is queried */
    struct worker_walk walk;
    uint64_t left; /* clients that may still be listed */
    struct client clients[LISTING_SLICE];
    size_t count;
};

static void run_list(struct worker_call *call)
{
    struct listing *listing = (struct listing *)call;
    listing->count = worker_list(call->worker, &listing->walk, listing->clients, LISTING_SLICE);
}

static void fetch_slice(void *state)
{
    struct listing *listing = state;
    struct worker_query_context *context = listing->context;
    if (listing->walk.ended) {
        listing->walk = worker_walk_all();
        listing->worker++;
    }
    bool listed = listing->worker == context->worker_count || listing->left == 0;
    if (listed || context->stopping || control_peer_has_closed(listing->session)) {
        if (listed)
            control_end(listing->session);
        else
            control_abort(listing->session);
        free(listing);
        return;
    }
    worker_post(context->workers[listing->worker], &listing->call, context->reply_mailbox);
}

static void on_slice(struct worker_call *call)
{
    struct listing *listing = (struct listing *)call;
    for (size_t i = 0; i < listing->count && listing->left > 0; i++, listing->left--)
        write_client(listing->context, listing->session, &listing->clients[i]);
    if (!control_write_later(listing->session, fetch_slice, listing))
        fetch_slice(listing);
}

void control_command_clients(void *state, struct control_session *session, char *arguments)
{
    uint64_t limit = UINT64_MAX;
    const char *wrong =
        arguments[0] != '\0' ? number_parse(arguments, 1, UINT32_MAX, &limit) : NULL;
    if (wrong != NULL) {
        char shown[128];
        printable_ascii(shown, sizeof shown, arguments, strlen(arguments));
        control_refuse(session,
                       "cannot list '%s' clients: %s; give a number of at least 1, or none", shown,
                       wrong);
        return;
    }
    struct worker_query_context *context = &((struct command_context *)state)->queries;
    if (context->stopping) {
        worker_query_refuse_stopping(session);
        return;
    }
    struct listing *listing = calloc(1, sizeof *listing);
    if (listing == NULL) {
        control_refuse(session, "cannot list clients: out of memory; try again");
        return;
    }
    listing->call.run = run_list;
    listing->call.done = on_slice;
    listing->context = context;
    listing->session = session;
    listing->walk = worker_walk_all();
    listing->left = limit;
    control_ok(session);
    fetch_slice(listing);
}
