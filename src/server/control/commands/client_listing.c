#include "server/control/commands/client_listing.h"

#include "server/control/commands/command_context.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    LISTING_SLICE =
        256 /* clients in a message, so that a list delays the worker's datagrams only briefly */
};

/* The list of all clients, worker after worker, in slices: the next slice is fetched when the last
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

void client_listing_write(const struct worker_query_context *context,
                          struct control_session *session, const struct client *client)
{
    const struct listener *listener = &context->listeners->list[client->listener];
    const struct client_name name = {listener->transport, client->source, client->slot};
    char text[TRANSPORT_TEXT_BYTES];
    control_line(session, "client", "%s %s %" PRIu64 " %" PRIu64 " %" PRIu32,
                 client_name_format(&name, text), listener->text, client->idle_ms, client->age_s,
                 client->received);
}

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
        client_listing_write(listing->context, listing->session, &listing->clients[i]);
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
