#include "server/control/commands/client_walk.h"

#include <stdlib.h>

/* ---- in the thread of the worker ---- */

static void run_list(struct worker_call *call)
{
    struct client_walk *walk = (struct client_walk *)call;
    size_t listed = worker_list(call->worker, &walk->position, walk->clients, CLIENT_WALK_SLICE);
    walk->count = 0;
    for (size_t i = 0; i < listed; i++)
        if (client_selector_matches(&walk->selector, &walk->clients[i]))
            walk->clients[walk->count++] = walk->clients[i];
}

static void run_list_confirmations(struct worker_call *call)
{
    struct client_walk *walk = (struct client_walk *)call;
    walk->count =
        worker_list_confirmations(call->worker, &walk->position,
                                  &(struct worker_confirmations){walk->number, walk->is_silent},
                                  walk->clients, CLIENT_WALK_SLICE);
}

static void run_kick(struct worker_call *call)
{
    struct client_walk *walk = (struct client_walk *)call;
    walk->count =
        worker_kick_matching(call->worker, &walk->position, &walk->selector, CLIENT_WALK_SLICE);
}

/* ---- in the thread of the session ---- */

static void fetch_slice(void *state)
{
    struct client_walk *walk = state;
    struct worker_query_context *context = walk->context;
    if (walk->position.ended) {
        walk->position = worker_walk_all();
        walk->worker++;
    }
    bool ended = walk->worker == context->worker_count || walk->left == 0;
    if (!ended && !context->stopping && !control_peer_has_closed(walk->session)) {
        worker_post(context->workers[walk->worker], &walk->call, context->reply_mailbox);
        return;
    }
    if (ended) {
        walk->on_end(walk);
        control_end(walk->session);
    } else {
        control_abort(walk->session);
    }
    free(walk);
}

/* While the workers are held, their messages are handled until none is left: a walk would be run
 * through. A task waits until the loop runs again. */
static void continue_later(struct client_walk *walk)
{
    walk->later = (struct loop_task){.run = fetch_slice, .state = walk};
    loop_defer(walk->context->loop, &walk->later);
}

static void on_slice(struct worker_call *call)
{
    struct client_walk *walk = (struct client_walk *)call;
    walk->on_slice(walk);
    if (walk->context->is_held) {
        continue_later(walk);
        return;
    }
    if (!control_write_later(walk->session, fetch_slice, walk))
        fetch_slice(walk);
}

struct client_walk *client_walk_new(struct worker_query_context *context,
                                    struct control_session *session,
                                    const struct client_selector *selector, bool kick,
                                    const char *verb)
{
    if (context->stopping) {
        worker_query_refuse_stopping(session);
        return NULL;
    }
    struct client_walk *walk = calloc(1, sizeof *walk);
    if (walk == NULL) {
        control_refuse(session, "cannot %s clients: out of memory; try again", verb);
        return NULL;
    }
    walk->call.run = kick ? run_kick : run_list;
    walk->call.done = on_slice;
    walk->context = context;
    walk->session = session;
    walk->selector = *selector;
    walk->position = worker_walk_all();
    walk->left = UINT64_MAX;
    return walk;
}

void client_walk_confirmations(struct client_walk *walk, uint64_t number, bool is_silent)
{
    walk->call.run = run_list_confirmations;
    walk->number = number;
    walk->is_silent = is_silent;
}

void client_walk_start(struct client_walk *walk)
{
    fetch_slice(walk);
}
