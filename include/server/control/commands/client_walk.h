#ifndef SERVER_CONTROL_COMMANDS_CLIENT_WALK_H
#define SERVER_CONTROL_COMMANDS_CLIENT_WALK_H

#include "registry/client_selector.h"
#include "server/control/commands/worker_query.h"

/* A walk of a command over the clients that match a selector: worker after worker, in slices,
 * between which the workers answer requests. The next slice is fetched when the output of the last
 * one has drained. */

enum {
    CLIENT_WALK_SLICE = 256 /* clients in a message, so that it delays the worker only briefly */
};

struct client_walk {
    struct worker_call call; /* first */
    struct worker_query_context *context;
    struct control_session *session;
    struct client_selector selector;
    /* Called in the thread of the session: with each slice, and at the end of the walk, where it
     * writes the rest of the answer. The walk then ends the answer and is freed. */
    void (*on_slice)(struct client_walk *walk);
    void (*on_end)(struct client_walk *walk);

    struct loop_task later; /* after a hold of the workers */

    uint64_t number; /* of client_walk_confirmations */
    bool is_silent;

    uint64_t left;  /* the walk ends when it is 0; on_slice may lower it */
    uint64_t found; /* clients, in all slices; for on_slice to set */
    size_t worker;  /* the index of the one that is queried */
    struct worker_walk position;
    /* Of the slice: the clients that match, or only how many were removed. */
    struct client clients[CLIENT_WALK_SLICE];
    size_t count;
};

/* Begins a walk that reads the clients, or with `kick` removes them: each one that is registered
 * when the walk reaches its worker. Returns NULL if the command was refused, because the server is
 * stopping or has no memory; verb is for that message. The caller sets on_slice and on_end, and
 * calls client_walk_start. */
struct client_walk *client_walk_new(struct worker_query_context *context,
                                    struct control_session *session,
                                    const struct client_selector *selector, bool kick,
                                    const char *verb);
void client_walk_start(struct client_walk *walk);

/* Restricts a walk that reads the clients to those that have confirmed a broadcast of that number,
 * or that got a frame of it and have not confirmed it (is_silent). The workers remember it. */
void client_walk_confirmations(struct client_walk *walk, uint64_t number, bool is_silent);

#endif
