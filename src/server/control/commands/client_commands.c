#include "server/control/commands/client_commands.h"

#include "os/process/clock.h"
#include "server/control/commands/client_listing.h"
#include "server/control/commands/command_context.h"
#include "text/printable.h"

#include <inttypes.h>
#include <string.h>

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
    uint64_t now_ms = clock_now_ms();
    for (uint8_t listener = 0;
         worker_find(call->worker, listener, &answer->query->name, now_ms, client);
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
            client_listing_write(query->context, query->session, &answer->found[k]);
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
