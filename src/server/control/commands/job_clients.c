#include "server/control/commands/job_clients.h"

#include "server/control/commands/client_listing.h"
#include "server/control/commands/client_walk.h"
#include "text/printable.h"

#include <inttypes.h>
#include <string.h>

static void write_slice(struct client_walk *walk)
{
    for (size_t i = 0; i < walk->count; i++)
        client_listing_write(walk->context, walk->session, &walk->clients[i]);
}

static void write_nothing(struct client_walk *walk)
{
    (void)walk;
}

/* Only counts, to see whether there is such a job. */
static void note_state(void *state, const struct job_report *report)
{
    *(struct job_report *)state = *report;
}

static void refuse(const struct command_context *context, struct control_session *session,
                   uint64_t id)
{
    struct job_report report;
    if (jobs_find(context->jobs, id, note_state, &report) != 0)
        control_refuse(session,
                       "cannot list clients of job %" PRIu64 ": no such job; `jobs` lists the jobs",
                       id);
    else if (!report.is_confirmed)
        control_refuse(session,
                       "cannot list clients of job %" PRIu64
                       ": it is not confirmed; only those sent with `confirm` are",
                       id);
    else if (report.rounds == 0)
        control_refuse(session,
                       "cannot list clients of job %" PRIu64
                       ": it has sent nothing; `jobs` shows its state",
                       id);
    else if (report.has_lost_list)
        control_refuse(session,
                       "cannot list clients of job %" PRIu64
                       ": an upgrade that changed workers, listeners, names or clients.max has not "
                       "kept its list; `jobs` shows its counts",
                       id);
    else
        control_refuse(session,
                       "cannot list clients of job %" PRIu64
                       ": only the last 8 confirmed broadcasts and the last 64 messages to one "
                       "client are remembered, open ones before others; `jobs` shows its counts",
                       id);
}

void job_clients_list(struct command_context *context, struct control_session *session, uint64_t id,
                      const char *list)
{
    bool is_silent = strcmp(list, "silent") == 0;
    uint64_t number;
    if (!is_silent && strcmp(list, "confirmed") != 0) {
        char shown[128];
        printable_ascii(shown, sizeof shown, list, strlen(list));
        control_refuse(session,
                       "cannot list '%s' clients of a job: no such list; give silent, confirmed, "
                       "or none",
                       shown);
        return;
    }
    if (!jobs_find_confirmations(context->jobs, id, &number)) {
        refuse(context, session, id);
        return;
    }
    const struct client_selector all = client_selector_all();
    struct client_walk *walk = client_walk_new(&context->queries, session, &all, false, "list");
    if (walk == NULL)
        return;
    client_walk_confirmations(walk, number, is_silent);
    walk->on_slice = write_slice;
    walk->on_end = write_nothing;
    control_ok(session);
    client_walk_start(walk);
}
