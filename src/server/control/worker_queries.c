/* Commands whose answers are with the workers: each is asked by letter, the session waits. */
#include "server/control/worker_queries.h"

#include "base/version.h"
#include "os/process/clock.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- questions to all workers ---- */

/* What one worker answers. */
struct answer {
    struct worker_call call;
    struct inquiry *inquiry;
    struct stats stats;
    uint32_t clients;
    uint32_t kicked;
    struct client found[CONFIG_LISTEN_MAX];
    size_t found_count;
};

/* A question put to all workers at once, and the session that waits for their answers. */
struct inquiry {
    struct worker_query_service *datagram_decider;
    struct control_session *session;
    void (*tell)(struct inquiry *inquiry); /* writes the answer, once all are there */
    struct client_name name;               /* the client that is asked for */
    size_t missing;
    struct answer answers[];
};

static void answer_is_home(struct worker_call *call)
{
    struct inquiry *inquiry = ((struct answer *)call)->inquiry;
    if (--inquiry->missing > 0)
        return;
    inquiry->tell(inquiry);
    control_end(inquiry->session);
    free(inquiry);
}

static void refuse_at_stop(struct control_session *session)
{
    control_refuse(session, "cannot answer: the server is stopping; wait until it is back");
}

static void inquire(struct worker_query_service *datagram_decider, struct control_session *session,
                    void (*run)(struct worker_call *), void (*tell)(struct inquiry *),
                    const struct client_name *name)
{
    if (datagram_decider->stopping) {
        refuse_at_stop(session);
        return;
    }
    struct inquiry *inquiry =
        calloc(1, sizeof *inquiry + datagram_decider->worker_count * sizeof inquiry->answers[0]);
    if (inquiry == NULL) {
        control_refuse(session, "cannot answer: out of memory; try again");
        return;
    }
    inquiry->datagram_decider = datagram_decider;
    inquiry->session = session;
    inquiry->tell = tell;
    inquiry->missing = datagram_decider->worker_count;
    if (name != NULL)
        inquiry->name = *name;
    for (size_t i = 0; i < datagram_decider->worker_count; i++) {
        struct answer *answer = &inquiry->answers[i];
        answer->inquiry = inquiry;
        answer->call.run = run;
        answer->call.done = answer_is_home;
        worker_post(datagram_decider->workers[i], &answer->call, datagram_decider->reply_mailbox);
    }
}

/* ---- status and stats ---- */

static void run_stats(struct worker_call *call)
{
    struct answer *answer = (struct answer *)call;
    worker_stats(call->worker, &answer->stats, &answer->clients);
}

static uint64_t sum_up(const struct inquiry *inquiry, struct stats *sum)
{
    uint64_t clients = 0;
    *sum = (struct stats){.received = 0};
    for (size_t i = 0; i < inquiry->datagram_decider->worker_count; i++) {
        stats_add(sum, &inquiry->answers[i].stats);
        clients += inquiry->answers[i].clients;
    }
    sum->broadcasts = jobs_ended(inquiry->datagram_decider->jobs);
    return clients;
}

static void tell_status(struct inquiry *inquiry)
{
    const struct worker_query_service *datagram_decider = inquiry->datagram_decider;
    struct control_session *session = inquiry->session;
    struct stats sum;
    control_ok(session);
    control_line(session, "clients", "%" PRIu64, sum_up(inquiry, &sum));
    control_line(session, "max", "%" PRIu32, datagram_decider->clients_max);
    control_line(session, "uptime_s", "%" PRIu64,
                 (clock_now_ms() - datagram_decider->started_ms) / 1000);
    control_line(session, "workers", "%zu", datagram_decider->worker_count);
    control_line(session, "version", "%s", UDPSRV_VERSION);
}

static void tell_stats(struct inquiry *inquiry)
{
    struct stats sum;
    uint64_t clients = sum_up(inquiry, &sum);
    control_ok(inquiry->session);
    for (size_t i = 0; i < STATS_COUNT; i++)
        control_line(inquiry->session, stats_name(i), "%" PRIu64, stats_value(&sum, i));
    control_line(inquiry->session, "clients", "%" PRIu64, clients);
}

void worker_query_status(void *state, struct control_session *session, char *arguments)
{
    (void)arguments;
    inquire(state, session, run_stats, tell_status, NULL);
}

void worker_query_stats(void *state, struct control_session *session, char *arguments)
{
    (void)arguments;
    inquire(state, session, run_stats, tell_stats, NULL);
}

/* ---- one client ---- */

static void say_client(const struct worker_query_service *datagram_decider,
                       struct control_session *session, const struct client *client)
{
    const struct listener *listener = &datagram_decider->listeners->list[client->listener];
    const struct client_name name = {listener->transport, client->source, client->slot};
    char text[TRANSPORT_TEXT_BYTES];
    control_line(session, "client", "%s %s %" PRIu64 " %" PRIu64 " %" PRIu32,
                 client_name_format(&name, text), listener->text, client->idle_ms, client->age_s,
                 client->received);
}

static void say_unknown(const struct inquiry *inquiry)
{
    char text[TRANSPORT_TEXT_BYTES];
    control_error(inquiry->session,
                  "cannot find %s: no such client is registered; `clients` lists those that are",
                  client_name_format(&inquiry->name, text));
}

static void run_find(struct worker_call *call)
{
    struct answer *answer = (struct answer *)call;
    struct client *client = answer->found;
    for (uint8_t listener = 0; worker_find(call->worker, listener, &answer->inquiry->name, client);
         listener = (uint8_t)(client++->listener + 1))
        answer->found_count++;
}

static void tell_found(struct inquiry *inquiry)
{
    bool known = false;
    for (size_t i = 0; i < inquiry->datagram_decider->worker_count; i++) {
        const struct answer *answer = &inquiry->answers[i];
        for (size_t k = 0; k < answer->found_count; k++) {
            if (!known)
                control_ok(inquiry->session);
            known = true;
            say_client(inquiry->datagram_decider, inquiry->session, &answer->found[k]);
        }
    }
    if (!known)
        say_unknown(inquiry);
}

static void run_kick(struct worker_call *call)
{
    struct answer *answer = (struct answer *)call;
    answer->kicked = worker_kick(call->worker, &answer->inquiry->name);
}

static void tell_kicked(struct inquiry *inquiry)
{
    uint32_t kicked = 0;
    for (size_t i = 0; i < inquiry->datagram_decider->worker_count; i++)
        kicked += inquiry->answers[i].kicked;
    if (kicked == 0) {
        say_unknown(inquiry);
        return;
    }
    control_ok(inquiry->session);
    control_line(inquiry->session, "kicked", "%" PRIu32, kicked);
}

/* Puts a question about the client that arguments name. */
static void inquire_client(struct worker_query_service *datagram_decider,
                           struct control_session *session, char *arguments,
                           void (*run)(struct worker_call *), void (*tell)(struct inquiry *))
{
    struct client_name name;
    const char *wrong = client_name_parse(&name, NULL, arguments);
    if (wrong == NULL) {
        inquire(datagram_decider, session, run, tell, &name);
        return;
    }
    char shown[128];
    printable_ascii(shown, sizeof shown, arguments, strlen(arguments));
    control_refuse(session, "cannot look for client '%s': %s; `clients` lists those that are there",
                   shown, wrong);
}

void worker_query_client(void *state, struct control_session *session, char *arguments)
{
    inquire_client(state, session, arguments, run_find, tell_found);
}

void worker_query_kick(void *state, struct control_session *session, char *arguments)
{
    inquire_client(state, session, arguments, run_kick, tell_kicked);
}

/* ---- all clients ---- */

enum { LISTING_SLICE = 256 /* clients a letter: some 25 microseconds of a worker's time */ };

/* A long answer, worker after worker, in slices: the next one is fetched when the last one is
 * written. */
struct listing {
    struct worker_call call;
    struct worker_query_service *datagram_decider;
    struct control_session *session;
    size_t worker; /* the one that is asked */
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
    struct worker_query_service *datagram_decider = listing->datagram_decider;
    if (listing->walk.ended) {
        listing->walk = worker_walk_all();
        listing->worker++;
    }
    bool listed = listing->worker == datagram_decider->worker_count || listing->left == 0;
    if (listed || datagram_decider->stopping || control_peer_has_left(listing->session)) {
        if (listed)
            control_end(listing->session);
        else
            control_abort(listing->session);
        free(listing);
        return;
    }
    worker_post(datagram_decider->workers[listing->worker], &listing->call,
                datagram_decider->reply_mailbox);
}

static void slice_is_home(struct worker_call *call)
{
    struct listing *listing = (struct listing *)call;
    for (size_t i = 0; i < listing->count && listing->left > 0; i++, listing->left--)
        say_client(listing->datagram_decider, listing->session, &listing->clients[i]);
    if (!control_write_later(listing->session, fetch_slice, listing))
        fetch_slice(listing);
}

void worker_query_clients(void *state, struct control_session *session, char *arguments)
{
    uint64_t limit = UINT64_MAX;
    const char *wrong =
        arguments[0] != '\0' ? number_parse(arguments, 1, UINT32_MAX, &limit) : NULL;
    if (wrong != NULL) {
        char shown[128];
        printable_ascii(shown, sizeof shown, arguments, strlen(arguments));
        control_refuse(session, "cannot list '%s' clients: %s; give a number from 1 on, or none",
                       shown, wrong);
        return;
    }
    struct worker_query_service *datagram_decider = state;
    if (datagram_decider->stopping) {
        refuse_at_stop(session);
        return;
    }
    struct listing *listing = calloc(1, sizeof *listing);
    if (listing == NULL) {
        control_refuse(session, "cannot list clients: out of memory; try again");
        return;
    }
    listing->call.run = run_list;
    listing->call.done = slice_is_home;
    listing->datagram_decider = datagram_decider;
    listing->session = session;
    listing->walk = worker_walk_all();
    listing->left = limit;
    control_ok(session);
    fetch_slice(listing);
}
