/* Lines out, datagrams in: the pipe form and the terminal form. */
#include "client/conversation.h"

#include "client/challenge_answer.h"
#include "client/line_input.h"
#include "client/pending_requests.h"
#include "client/print_message.h"
#include "client/slash_commands.h"
#include "net/message/datagram.h"
#include "os/log/error_message.h"
#include "os/loop/event_loop.h"
#include "os/process/clock.h"
#include "os/terminal/raw_terminal.h"
#include "text/text.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Datagrams printed between two looks at the input: all that can wait for a reply. */
    ARRIVALS_AT_ONCE = PENDING_REQUESTS_WINDOW,
    NS_PER_MS = 1000000,
    BY_SIGNAL = 128, /* and its number: the exit status that a shell would show */
};

struct talk {
    const struct client_options *options;
    enum print_style style;
    bool marking; /* what comes is marked for what it is */
    bool colour;
    bool ended;   /* no more input is wanted */
    int signal;   /* that ended us, or 0 */
    bool held;    /* line waits to be sent */
    bool blocked; /* the socket has no room */
    char *line;
    size_t size;
    uint64_t failed;    /* lines that could not be sent */
    int trouble;        /* -errno last complained about, 0 behind a datagram that came */
    uint64_t active_ns; /* when something was last sent */
    uint64_t armed_ns;  /* when the timer is to run, UINT64_MAX: not set */
    struct peer peer;
    struct peers *peers;
    struct loop *loop;
    struct loop_handler socket;
    struct loop_timer timer;
    struct line_input source;
    struct pending_requests exchange;
    uint8_t datagram[DATAGRAM_BYTES_MAX];
};

/* Says what is wrong with the peer, once as long as nothing else happens. */
static void complain_once(struct talk *talk, int error)
{
    if (talk->trouble == error)
        return;
    talk->trouble = error;
    line_input_hide_for_error(&talk->source);
    print_error(peer_why(error), peer_next(error), "sending to %s", talk->peer.name);
}

static void socket_ready(void *state, unsigned events);

/* Goes on with the next address that the name has, as long as nothing ever came from the first
 * ones: what waits is sent there once more. Whether there is one. */
static bool change_peer(struct talk *talk)
{
    struct peer next;
    const uint8_t *bytes;
    size_t size;
    bool answered = talk->exchange.last_reply_ns != 0;
    if (answered || !peer_may_change(&talk->peer, talk->peers) ||
        peer_connect(&next, talk->peers) != 0)
        return false;
    loop_remove(&talk->socket);
    if (loop_add(talk->loop, &talk->socket, next.socket, LOOP_READ, socket_ready, talk) != 0) {
        peer_close(&next);
        loop_add(talk->loop, &talk->socket, talk->peer.socket, LOOP_READ, socket_ready, talk);
        return false;
    }
    peer_close(&talk->peer);
    talk->peer = next;
    talk->blocked = false;
    talk->active_ns = clock_now_ns();
    for (uint32_t i = 0; pending_requests_again(&talk->exchange, i, talk->active_ns, &bytes, &size);
         i++)
        if (peer_send(&talk->peer, bytes, size) == -ECONNREFUSED)
            return change_peer(talk);
    return true;
}

/* Gives up what waits. A person is told of each line, and of keepalives once. */
static void give_up(struct talk *talk, int error)
{
    uint64_t lost = pending_requests_lost(&talk->exchange);
    /* Without -w nothing is kept that could be sent again. */
    if (talk->options->timeout_ms != 0 && change_peer(talk))
        return;
    pending_requests_refused(&talk->exchange);
    if (talk->source.person && pending_requests_lost(&talk->exchange) > lost)
        talk->trouble = 0;
    complain_once(talk, error);
}

/* Says that requests or keepalives were given up. */
static void complain_of_silence(struct talk *talk, uint32_t requests, uint32_t keepalives)
{
    char timeout[24], why[64];
    /* Of keepalives, once: some services never answer them. */
    bool told = talk->trouble == -ETIMEDOUT;
    if (requests == 0 && (keepalives == 0 || told))
        return;
    talk->trouble = -ETIMEDOUT;
    line_input_hide_for_error(&talk->source);
    snprintf(why, sizeof why, "no reply within %s",
             text_format_duration(talk->options->timeout_ms, timeout));
    if (requests)
        print_error(why, peer_next(-ETIMEDOUT), "sending %" PRIu32 " line%s to %s", requests,
                    requests == 1 ? "" : "s", talk->peer.name);
    else
        print_error(why, "check that the service runs there, unless it answers none",
                    "sending a keepalive to %s", talk->peer.name);
}

static void reject_line(struct talk *talk, const char *why, const char *next)
{
    talk->failed++;
    line_input_hide_for_error(&talk->source);
    print_error(why, next, "sending line %" PRIu64 " to %s", talk->source.number, talk->peer.name);
}

/* Does what a person asked of us. Whether that was all. */
static bool take_command(struct talk *talk)
{
    if (!talk->source.person)
        return false;
    line_input_hide_for_error(&talk->source);
    enum slash_command_result result =
        slash_command_run(&talk->line, &talk->size, &talk->exchange, stdout);
    fflush(stdout);
    talk->ended = result == SLASH_COMMAND_QUIT;
    return result != SLASH_COMMAND_NONE;
}

/* Takes a line for the next datagram. */
static void take_line(struct talk *talk)
{
    if (talk->size == 4 && memcmp(talk->line, "exit", 4) == 0) {
        talk->ended = true;
        return;
    }
    if (take_command(talk))
        return;
    talk->held = true;
    if (!talk->options->hex)
        return;
    talk->held = text_from_hex((uint8_t *)talk->line, talk->line, talk->size);
    talk->size /= 2;
    if (!talk->held)
        reject_line(talk, "it is not an even number of hexadecimal digits",
                    "correct it, or leave --hex out");
}

/* False when no line is there to be sent. */
static bool hold_line(struct talk *talk)
{
    while (!talk->held && !talk->ended) {
        enum line_splitter_found found = line_input_next(&talk->source, &talk->line, &talk->size);
        if (found == LINE_SPLITTER_LINE)
            take_line(talk);
        else if (found == LINE_SPLITTER_TOO_LONG)
            reject_line(talk, peer_why(-EMSGSIZE), peer_next(-EMSGSIZE));
        else if (talk->source.ended)
            talk->ended = true;
        else
            return false;
    }
    return talk->held;
}

/* Nothing is sent before the socket has room. */
static void wait_for_room(struct talk *talk)
{
    talk->blocked = true;
    loop_change(&talk->socket, LOOP_READ | LOOP_WRITE);
}

static int send_datagram(struct talk *talk, const void *bytes, size_t size)
{
    talk->active_ns = clock_now_ns();
    int error = peer_send(&talk->peer, bytes, size);
    if (error == -ECONNREFUSED && !talk->peer.stream) {
        /* Told of an earlier datagram; this one is still to be sent. */
        give_up(talk, error);
        error = peer_send(&talk->peer, bytes, size);
    }
    if (peer_flush(&talk->peer))
        wait_for_room(talk);
    return error;
}

static void send_line(struct talk *talk)
{
    int error = send_datagram(talk, talk->line, talk->size);
    if (error == -EAGAIN) {
        wait_for_room(talk);
        return;
    }
    talk->held = false;
    if (!error)
        pending_requests_sent(&talk->exchange, talk->line, talk->size, false, talk->active_ns);
    else if (error == -EMSGSIZE)
        reject_line(talk, peer_why(error), peer_next(error));
    else {
        talk->failed++;
        complain_once(talk, error);
    }
}

static uint64_t keepalive_due_ns(const struct talk *talk)
{
    bool possible = talk->options->keepalive_ms && !talk->ended && !talk->held &&
                    pending_requests_has_room(&talk->exchange, 0);
    return possible ? talk->active_ns + talk->options->keepalive_ms * NS_PER_MS : UINT64_MAX;
}

static void send_keepalive(struct talk *talk)
{
    int error = send_datagram(talk, "", 0);
    if (!error)
        pending_requests_sent(&talk->exchange, NULL, 0, true, talk->active_ns);
    else if (error != -EAGAIN)
        complain_once(talk, error);
}

/* A timer that would run too early is left: it then looks again. */
static void arm_timer(struct talk *talk)
{
    uint64_t due_ns = pending_requests_deadline_ns(&talk->exchange);
    uint64_t keepalive_ns = keepalive_due_ns(talk);
    due_ns = keepalive_ns < due_ns ? keepalive_ns : due_ns;
    if (due_ns >= talk->armed_ns)
        return;
    uint64_t now_ns = clock_now_ns();
    loop_timer_once(&talk->timer, due_ns > now_ns ? due_ns - now_ns : 1);
    talk->armed_ns = due_ns;
}

static void show(struct talk *talk, const struct arrival *arrival)
{
    line_input_hide(&talk->source);
    if (talk->marking)
        print_marked(stdout, talk->options->hex, talk->colour, arrival);
    else
        print_arrival(stdout, talk->style, arrival);
}

/* The stream is over. That is as it should be once all is said and answered. */
static void end_with_peer(struct talk *talk, int error)
{
    bool early = !talk->ended || talk->held || talk->exchange.count > 0;
    if (early)
        complain_once(talk, error);
    talk->failed += talk->held || (early && !talk->ended);
    pending_requests_refused(&talk->exchange);
    talk->held = false;
    talk->ended = true;
    loop_stop(talk->loop);
}

/* The datagram at hand is a challenge: sends the request that waits once more, with its cookie.
 * Where the socket has no room, that is as good as lost on the way. */
static void prove(struct talk *talk)
{
    const uint8_t *request;
    size_t size;
    if (!pending_requests_challenged(&talk->exchange, clock_now_ns(), &request, &size))
        return;
    int error = challenge_answer_send(&talk->peer, talk->datagram, request, size);
    if (error && error != -EAGAIN)
        complain_once(talk, error);
}

static void receive(struct talk *talk)
{
    for (int i = 0; i < ARRIVALS_AT_ONCE; i++) {
        struct arrival arrival = {.bytes = talk->datagram, .named = talk->peer.group};
        ssize_t size = peer_receive(&talk->peer, talk->datagram, sizeof talk->datagram,
                                    &arrival.time_ms, &arrival.from);
        if (size == -EAGAIN)
            break;
        if (peer_is_over(&talk->peer, (int)size)) {
            end_with_peer(talk, (int)size);
            break;
        }
        if (size < 0) {
            give_up(talk, (int)size);
            continue;
        }
        arrival.size = (size_t)size;
        talk->trouble = 0;
        if (challenge_answer_is_wanted(&talk->peer, talk->datagram, arrival.size)) {
            prove(talk);
            continue;
        }
        arrival.kind = pending_requests_reply(&talk->exchange, clock_now_ns(), &arrival.rtt_ns);
        show(talk, &arrival);
    }
    if (!talk->source.editing || talk->ended)
        fflush(stdout); /* or else it goes out with the line below it */
}

static void complain_of_input(struct talk *talk, int error)
{
    line_input_hide_for_error(&talk->source);
    print_error(strerror(-error), "give it a file, a pipe or a terminal", "reading standard input");
    talk->failed++;
}

/* Sees to it that the next line comes, or that none does while one waits. */
static void want_input(struct talk *talk)
{
    if (talk->ended) {
        line_input_end(&talk->source);
        return;
    }
    if (talk->held) {
        line_input_pause(&talk->source);
        return;
    }
    int error = line_input_resume(&talk->source);
    if (error) {
        complain_of_input(talk, error);
        loop_stop(talk->loop);
    }
}

/* Does what can be done now, and waits for what can't. */
static void go_on(struct talk *talk)
{
    while (!talk->blocked && hold_line(talk) &&
           pending_requests_has_room(&talk->exchange, talk->size))
        send_line(talk);
    if (talk->ended && !talk->held && !talk->blocked && talk->exchange.count == 0) {
        /* Replies may have come together with a refusal. */
        receive(talk);
        loop_stop(talk->loop);
        return;
    }
    arm_timer(talk);
    if (talk->ended && !talk->held && !talk->blocked)
        peer_finish(&talk->peer);
    want_input(talk);
}

static void source_ready(void *state)
{
    struct talk *talk = state;
    if (talk->source.error) {
        complain_of_input(talk, talk->source.error);
        talk->source.error = 0;
    }
    go_on(talk);
}

static void interrupted(void *state, int signal)
{
    struct talk *talk = state;
    talk->signal = signal;
    loop_stop(talk->loop);
}

static void socket_ready(void *state, unsigned events)
{
    struct talk *talk = state;
    receive(talk);
    if (talk->blocked && (events & LOOP_WRITE) && !peer_flush(&talk->peer)) {
        talk->blocked = false;
        loop_change(&talk->socket, LOOP_READ);
    }
    go_on(talk);
}

static void time_passed(void *state)
{
    struct talk *talk = state;
    talk->armed_ns = UINT64_MAX;
    /* We may have been stopped: what came meanwhile was in time. */
    receive(talk);
    uint64_t now_ns = clock_now_ns();
    if (pending_requests_deadline_ns(&talk->exchange) <= now_ns && change_peer(talk)) {
        go_on(talk);
        return;
    }
    uint32_t keepalives, requests = pending_requests_expire(&talk->exchange, now_ns, &keepalives);
    if (talk->source.terminal)
        complain_of_silence(talk, requests, keepalives);
    if (keepalive_due_ns(talk) <= now_ns)
        send_keepalive(talk);
    go_on(talk);
}

static int run_loop(struct talk *talk)
{
    int error = loop_timer_open(talk->loop, &talk->timer, time_passed, talk);
    if (error)
        return error;
    error = loop_add(talk->loop, &talk->socket, talk->peer.socket, LOOP_READ, socket_ready, talk);
    if (!error) {
        talk->active_ns = clock_now_ns();
        go_on(talk);
        error = loop_run_until_stopped(talk->loop);
        loop_remove(&talk->socket);
    }
    loop_timer_close(&talk->timer);
    return error;
}

static int run(struct talk *talk)
{
    const struct line_input_handler handler = {source_ready, interrupted, talk};
    int error = line_input_open(&talk->source, talk->loop, &handler);
    talk->marking = talk->source.editing && !talk->options->json;
    talk->colour = terminal_wants_colour(STDOUT_FILENO);
    if (!error)
        error = run_loop(talk);
    line_input_close(&talk->source);
    return error;
}

static int report(const struct talk *talk)
{
    const struct pending_requests *exchange = &talk->exchange;
    if (talk->source.terminal)
        return talk->signal && talk->signal != SIGINT ? BY_SIGNAL + talk->signal : 0;
    if (!pending_requests_complete(exchange) || talk->failed) {
        char timeout[24], why[128];
        snprintf(why, sizeof why, "%" PRIu64 " of %" PRIu64 " were answered (timeout %s)",
                 talk->options->timeout_ms ? exchange->answered : exchange->sent,
                 exchange->sent + talk->failed,
                 text_format_duration(talk->options->timeout_ms, timeout));
        print_error(why, peer_next(-ETIMEDOUT), "sending %" PRIu64 " datagrams to %s",
                    exchange->sent + talk->failed, talk->peer.name);
        return 1;
    }
    return talk->options->timeout_ms == 0 && talk->trouble;
}

int conversation_run(const struct client_options *options, struct peers *peers)
{
    struct talk talk = {
        .options = options,
        .peers = peers,
        .style = print_style(options->json, options->hex, terminal_is(STDOUT_FILENO), false),
        .armed_ns = UINT64_MAX,
    };
    pending_requests_init(&talk.exchange, options->timeout_ms * NS_PER_MS);
    int error = peer_connect(&talk.peer, peers);
    if (error) {
        print_error(peer_why(error), peer_next(error), "connecting to %s", talk.peer.name);
        return 1;
    }
    talk.loop = loop_new();
    error = talk.loop ? run(&talk) : -errno;
    loop_free(talk.loop);
    peer_close(&talk.peer);
    if (error)
        print_error(strerror(-error), "free some memory or descriptors", "speaking with %s",
                    talk.peer.name);
    return error ? 1 : report(&talk);
}
