#include "server/control/commands/worker_query.h"

#include <stdlib.h>

static void on_answer(struct worker_call *call)
{
    struct worker_query *query = ((struct worker_answer *)call)->query;
    if (--query->pending > 0)
        return;
    query->write_answer(query);
    control_end(query->session);
    free(query);
}

void worker_query_refuse_stopping(struct control_session *session)
{
    control_refuse(session, "cannot answer: the server is stopping; ask again when it is running");
}

void worker_query_start(struct worker_query_context *context, struct control_session *session,
                        void (*run)(struct worker_call *call),
                        void (*write_answer)(struct worker_query *query),
                        const struct client_argument *client)
{
    if (context->stopping) {
        worker_query_refuse_stopping(session);
        return;
    }
    struct worker_query *query =
        calloc(1, sizeof *query + context->worker_count * sizeof query->answers[0]);
    if (query == NULL) {
        control_refuse(session, "cannot answer: out of memory; try again");
        return;
    }
    query->context = context;
    query->session = session;
    query->write_answer = write_answer;
    query->pending = context->worker_count;
    if (client != NULL)
        query->client = *client;
    for (size_t i = 0; i < context->worker_count; i++) {
        struct worker_answer *answer = &query->answers[i];
        answer->query = query;
        answer->call.run = run;
        answer->call.done = on_answer;
        worker_post(context->workers[i], &answer->call, context->reply_mailbox);
    }
}
