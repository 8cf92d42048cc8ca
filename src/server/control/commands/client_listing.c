#include "server/control/commands/client_listing.h"

#include "server/control/arguments/selector_arguments.h"
#include "server/control/commands/client_walk.h"
#include "server/control/commands/command_context.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <inttypes.h>
#include <string.h>

/* Writes the name that a client has given itself. Only clients that send datagrams can have one. */
static bool find_name(const struct client_names *names, const struct client *client,
                      char text[DEVICE_NAME_TEXT_BYTES])
{
    struct device_name name;
    struct name_holder holder;
    if (names == NULL || client->source.family == ADDR_NONE)
        return false;
    struct client_key key = client_key_of(client->listener, &client->source);
    if (!client_names_of(names, &key, &name, &holder) || holder.join_number != client->join_number)
        return false;
    device_name_format(&name, text);
    return true;
}

void client_listing_write(const struct worker_query_context *context,
                          struct control_session *session, const struct client *client)
{
    const struct listener *listener = &context->listeners->list[client->listener];
    const struct client_name name = {listener->transport, client->source, client->slot};
    char text[TRANSPORT_TEXT_BYTES], device[DEVICE_NAME_TEXT_BYTES];
    bool has_name = find_name(context->names, client, device);
    control_line(session, "client", "%s %s %" PRIu64 " %" PRIu64 " %" PRIu32 "%s%s",
                 client_name_format(&name, text), listener->text, client->idle_ms, client->age_s,
                 client->received, has_name ? " " : "", has_name ? device : "");
}

/* ---- clients ---- */

static void write_slice(struct client_walk *walk)
{
    for (size_t i = 0; i < walk->count && walk->left > 0; i++, walk->left--)
        client_listing_write(walk->context, walk->session, &walk->clients[i]);
}

static void write_nothing(struct client_walk *walk)
{
    (void)walk;
}

void control_command_clients(void *state, struct control_session *session, char *arguments)
{
    struct worker_query_context *context = &((struct command_context *)state)->queries;
    struct client_selector selector;
    char wrong_selector[SELECTOR_WRONG_BYTES];
    uint64_t limit = UINT64_MAX;
    char *rest = selector_arguments_parse(&selector, context->listeners, arguments, wrong_selector);
    if (rest == NULL) {
        control_refuse(session, "cannot list clients: %s", wrong_selector);
        return;
    }
    const char *wrong = rest[0] != '\0' ? number_parse(rest, 1, UINT32_MAX, &limit) : NULL;
    if (wrong != NULL) {
        char shown[128];
        printable_ascii(shown, sizeof shown, rest, strlen(rest));
        control_refuse(session,
                       "cannot list '%s' clients: %s; give a number of at least 1, or none", shown,
                       wrong);
        return;
    }
    struct client_walk *walk = client_walk_new(context, session, &selector, false, "list");
    if (walk == NULL)
        return;
    walk->on_slice = write_slice;
    walk->on_end = write_nothing;
    walk->left = limit;
    control_ok(session);
    client_walk_start(walk);
}

/* ---- count ---- */

static void count_slice(struct client_walk *walk)
{
    walk->found += walk->count;
}

static void write_count(struct client_walk *walk)
{
    control_ok(walk->session);
    control_line(walk->session, "clients", "%" PRIu64, walk->found);
}

void control_command_count(void *state, struct control_session *session, char *arguments)
{
    struct worker_query_context *context = &((struct command_context *)state)->queries;
    struct client_selector selector;
    char wrong[SELECTOR_WRONG_BYTES];
    const char *rest = selector_arguments_parse(&selector, context->listeners, arguments, wrong);
    if (rest == NULL) {
        control_refuse(session, "cannot count clients: %s", wrong);
        return;
    }
    if (rest[0] != '\0') {
        control_refuse(session, "cannot count clients: it takes only selectors; give to=BLOCK, "
                                "listener=ADDRESS, idle-max=DURATION, or none");
        return;
    }
    struct client_walk *walk = client_walk_new(context, session, &selector, false, "count");
    if (walk == NULL)
        return;
    walk->on_slice = count_slice;
    walk->on_end = write_count;
    client_walk_start(walk);
}
