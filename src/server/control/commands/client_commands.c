#include "server/control/commands/client_commands.h"

#include "os/process/clock.h"
#include "server/control/arguments/selector_arguments.h"
#include "server/control/command_log.h"
#include "server/control/commands/client_listing.h"
#include "server/control/commands/client_walk.h"
#include "server/control/commands/command_context.h"
#include "text/printable.h"

#include <inttypes.h>
#include <string.h>

enum { LOGGED_BYTES = 64 /* of an address, in the log */ };

static void write_unknown(const struct worker_query *query)
{
    char text[TRANSPORT_TEXT_BYTES];
    control_error(
        query->session,
        "cannot find %s: no such client is registered; `clients` lists the registered ones",
        client_name_format(&query->client.address, text));
}

static void run_find(struct worker_call *call)
{
    struct worker_answer *answer = (struct worker_answer *)call;
    const struct client_argument *wanted = &answer->query->client;
    struct client client;
    uint64_t now_ms = clock_now_ms();
    for (uint8_t listener = 0;
         worker_find(call->worker, listener, &wanted->address, now_ms, &client);
         listener = (uint8_t)(client.listener + 1))
        if (client_filter_admits(&wanted->only, &client))
            answer->found[answer->found_count++] = client;
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
    const struct client_argument *wanted = &answer->query->client;
    answer->kicked = worker_kick(call->worker, &wanted->address, &wanted->only);
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
    struct client_argument client;
    const char *wrong = client_argument_parse(&client, context->names, arguments);
    if (wrong == NULL) {
        worker_query_start(context, session, run, write_answer, &client);
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

/* ---- kick with a selector ---- */

static void count_kicked(struct client_walk *walk)
{
    walk->found += walk->count;
}

static void write_kicked_matching(struct client_walk *walk)
{
    control_ok(walk->session);
    control_line(walk->session, "kicked", "%" PRIu64, walk->found);
}

static void kick_matching(struct worker_query_context *context, struct control_session *session,
                          const struct client_selector *selector)
{
    char text[SELECTOR_TEXT_BYTES];
    selector_arguments_format(selector, context->listeners, text);
    command_log_write_pairs(session, "kick", &(struct log_pair){"selector", text}, 1);
    struct client_walk *walk = client_walk_new(context, session, selector, true, "kick");
    if (walk == NULL)
        return;
    walk->on_slice = count_kicked;
    walk->on_end = write_kicked_matching;
    client_walk_start(walk);
}

static void log_address(const struct control_session *session, const char *address)
{
    char shown[LOGGED_BYTES];
    printable_ascii(shown, sizeof shown, address, strcspn(address, " \t"));
    command_log_write_pairs(session, "kick", &(struct log_pair){"argument", shown}, 1);
}

void control_command_kick(void *state, struct control_session *session, char *arguments)
{
    struct worker_query_context *context = &((struct command_context *)state)->queries;
    struct client_selector selector;
    char wrong[SELECTOR_WRONG_BYTES];
    const char *rest = selector_arguments_parse(&selector, context->listeners, arguments, wrong);
    if (rest == NULL) {
        control_refuse(session, "cannot kick clients: %s", wrong);
        return;
    }
    if (rest != arguments) {
        if (rest[0] == '\0')
            kick_matching(context, session, &selector);
        else
            control_refuse(session, "cannot kick clients: both selectors and an address are given; "
                                    "give one of them");
        return;
    }
    log_address(session, arguments);
    query_client(context, session, arguments, run_kick, write_kicked);
}
