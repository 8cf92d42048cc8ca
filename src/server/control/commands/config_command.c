#include "server/control/commands/config_command.h"

#include "config/config_listing.h"
#include "server/config/effective_config.h"
#include "server/control/commands/command_context.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* Of a value in one line of the answer: the rest of the line has the entry's name and key. */
    PIECE_BYTES = 7 << 10,
    /* Of lines and values, before other events of the main thread have their turn: as much as a
     * few hundred clients of a listing. */
    SLICE_BYTES = 16 << 10,
    LINE_BYTES = 32, /* typical, of an entry without its value */
};
_Static_assert(PIECE_BYTES + 256 < CONTROL_LINE_BYTES_MAX, "a piece must fit a line");

/* An answer in progress. Between two slices it is in the mailbox of its own thread, or waits until
 * the peer has read. */
struct config_answer {
    struct mailbox_message message; /* first */
    struct command_context *context;
    struct control_session *session;
    struct effective_config *config;
    struct config_listing listing;
};

static void end_answer(struct config_answer *answer, bool is_whole)
{
    if (is_whole)
        control_end(answer->session);
    else
        control_abort(answer->session);
    config_listing_free(&answer->listing);
    effective_config_release(answer->config);
    free(answer);
}

static void write_entry(struct control_session *session, const struct config_entry *entry)
{
    const char *value = entry->value;
    size_t left = strlen(value), size = left < PIECE_BYTES ? left : PIECE_BYTES;
    control_line(session, config_entry_name(entry), "%s.%s%s%.*s", entry->section, entry->key,
                 left > 0 ? " " : "", (int)size, value);
    while ((left -= size) > 0) {
        value += size;
        size = left < PIECE_BYTES ? left : PIECE_BYTES;
        control_line(session, "more", "%.*s", (int)size, value);
    }
}

static void write_slice(void *state)
{
    struct config_answer *answer = state;
    struct config_entry entry;
    int next = 1;
    if (answer->context->queries.stopping || control_peer_has_closed(answer->session)) {
        end_answer(answer, false);
        return;
    }
    for (size_t bytes = 0; bytes < SLICE_BYTES; bytes += LINE_BYTES + strlen(entry.value)) {
        next = config_listing_next(&answer->listing, &entry);
        if (next <= 0)
            break;
        write_entry(answer->session, &entry);
    }
    if (next <= 0)
        end_answer(answer, next == 0);
    else if (!control_write_later(answer->session, write_slice, answer))
        mailbox_post(answer->context->queries.reply_mailbox, &answer->message);
}

static void on_message(struct mailbox_message *message)
{
    write_slice(message);
}

void control_command_config(void *state, struct control_session *session, char *arguments)
{
    struct command_context *context = state;
    (void)arguments;
    if (context->queries.stopping) {
        worker_query_refuse_stopping(session);
        return;
    }
    struct config_answer *answer = calloc(1, sizeof *answer);
    if (answer == NULL) {
        control_refuse(session, "cannot list the configuration: out of memory; try again");
        return;
    }
    answer->message.handle = on_message;
    answer->context = context;
    answer->session = session;
    answer->config = effective_config_hold(*context->config);
    answer->listing = (struct config_listing){
        .started = answer->config->started,
        .loaded = answer->config->loaded,
        .built_in_socket = context->control_path,
    };
    control_ok(session);
    write_slice(answer);
}
