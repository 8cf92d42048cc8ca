/* Lines out, datagrams in: the pipe form and the terminal form. */
#include "client/talk.h"

#include "client/exchange.h"
#include "client/lines.h"
#include "client/print.h"
#include "client/proof.h"
#include "client/slash.h"
#include "core/text.h"
#include "net/clock.h"
#include "net/complain.h"
#include "net/console.h"
#include "net/datagram.h"
#include "net/history_file.h"
#include "net/input.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/terminal.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Datagrams printed between two looks at the input: all that can wait for a reply. */
    ARRIVALS_AT_ONCE = EXCHANGE_WINDOW,
    NS_PER_MS = 1000000,
};

struct talk {
    const struct client_options *options;
    enum print_style style;
    bool terminal;  /* standard input is one */
    bool prompting; /* and standard output, too: there is a person */
    bool prompted;  /* a plain prompt stands at the beginning of the terminal's line */
    bool marking;   /* what comes is marked for what it is */
    bool colour;
    bool ended;   /* no more input is wanted */
    bool held;    /* line waits to be sent */
    bool blocked; /* the socket has no room */
    char *line;
    size_t size;
    uint64_t number;    /* of the line at hand, from 1 */
    uint64_t failed;    /* lines that could not be sent */
    int trouble;        /* -errno last complained about, 0 behind a datagram that came */
    uint64_t active_ns; /* when something was last sent */
    uint64_t armed_ns;  /* when the timer is to run, UINT64_MAX: not set */
    struct peer peer;
    struct loop *loop;
    struct loop_handler socket;
    struct loop_timer timer;
    struct console *console; /* lines are edited; or else they are read: */
    struct input input;
    struct lines lines;
    struct history *history;
    struct history_file history_file;
    struct exchange exchange;
    uint8_t datagram[DATAGRAM_BYTES_MAX];
};

static void show_prompt(struct talk *talk)
{
    if (!talk->prompting || talk->prompted)
        return;
    fputs("> ", stdout);
    fflush(stdout);
    talk->prompted = true;
}

/* Makes way for lines of ours. A plain prompt is left where it stands: behind it may be what the
 * terminal keeps of a line that is being typed. */
static void make_way(struct talk *talk)
{
    console_hide(talk->console);
    if (talk->prompted)
        putc('\n', stdout);
    talk->prompted = false;
}

/* The same for a complaint. */
static void make_way_for_complaint(struct talk *talk)
{
    make_way(talk);
    fflush(stdout);
}

/* Says what is wrong with the peer, once as long as nothing else happens. */
static void complain_once(struct talk *talk, int error)
{
    if (talk->trouble == error)
        return;
    talk->trouble = error;
    make_way_for_complaint(talk);
    complain(peer_why(error), peer_next(error), "sending to %s", talk->peer.name);
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
    make_way_for_complaint(talk);
    snprintf(why, sizeof why, "no reply within %s",
             text_format_duration(talk->options->timeout_ms, timeout));
    if (requests)
        complain(why, peer_next(-ETIMEDOUT), "sending %" PRIu32 " line%s to %s", requests,
                 requests == 1 ? "" : "s", talk->peer.name);
    else
        complain(why, "check that the service runs there, unless it answers none",
                 "sending a keepalive to %s", talk->peer.name);
}

static void reject_line(struct talk *talk, const char *why, const char *next)
{
    talk->failed++;
    make_way_for_complaint(talk);
    complain(why, next, "sending line %" PRIu64 " to %s", talk->number, talk->peer.name);
}

/* Does what a person asked of us. Whether that was all. */
static bool take_command(struct talk *talk)
{
    if (!talk->prompting)
        return false;
    make_way(talk);
    enum slash_result result = slash_run(&talk->line, &talk->size, &talk->exchange, stdout);
    fflush(stdout);
    talk->ended = result == SLASH_QUIT;
    return result != SLASH_NONE;
}

/* Takes a line for the next datagram. */
static void take_line(struct talk *talk)
{
    talk->number++;
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
    while (!talk->held && !talk->ended && !talk->console) {
        enum lines_found found = lines_next(&talk->lines, &talk->line, &talk->size);
        if (found == LINES_LINE) {
            take_line(talk);
        } else if (found == LINES_TOO_LONG) {
            talk->number++;
            reject_line(talk, peer_why(-EMSGSIZE), peer_next(-EMSGSIZE));
        } else if (talk->lines.ended) {
            talk->ended = true;
        } else {
            return false;
        }
    }
    return talk->held;
}

static int send_datagram(struct talk *talk, const void *bytes, size_t size)
{
    talk->active_ns = clock_now_ns();
    int error = datagram_send(talk->peer.socket, bytes, size);
    if (error == -ECONNREFUSED) {
        /* Told of an earlier datagram; this one is still to be sent. */
        complain_once(talk, error);
        exchange_refused(&talk->exchange);
        error = datagram_send(talk->peer.socket, bytes, size);
    }
    return error;
}

static void send_line(struct talk *talk)
{
    int error = send_datagram(talk, talk->line, talk->size);
    if (error == -EAGAIN) {
        talk->blocked = true;
        loop_change(&talk->socket, LOOP_READ | LOOP_WRITE);
        return;
    }
    talk->held = false;
    if (!error)
        exchange_sent(&talk->exchange, talk->line, talk->size, false, talk->active_ns);
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
                    exchange_has_room(&talk->exchange, 0);
    return possible ? talk->active_ns + talk->options->keepalive_ms * NS_PER_MS : UINT64_MAX;
}

static void send_keepalive(struct talk *talk)
{
    int error = send_datagram(talk, "", 0);
    if (!error)
        exchange_sent(&talk->exchange, NULL, 0, true, talk->active_ns);
    else if (error != -EAGAIN)
        complain_once(talk, error);
}

/* A timer that would run too early is left: it then looks again. */
static void arm_timer(struct talk *talk)
{
    uint64_t due_ns = exchange_deadline_ns(&talk->exchange);
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
    make_way(talk);
    if (talk->marking)
        print_marked(stdout, talk->options->hex, talk->colour, arrival);
    else
        print_arrival(stdout, talk->style, arrival);
}

/* The datagram at hand is a challenge: sends the request that waits once more, with its cookie.
 * Where the socket has no room, that is as good as lost on the way. */
static void prove(struct talk *talk)
{
    const uint8_t *request;
    size_t size;
    if (!exchange_challenged(&talk->exchange, clock_now_ns(), &request, &size))
        return;
    int error = proof_send(talk->peer.socket, talk->datagram, request, size);
    if (error && error != -EAGAIN)
        complain_once(talk, error);
}

static void receive(struct talk *talk)
{
    for (int i = 0; i < ARRIVALS_AT_ONCE; i++) {
        struct arrival arrival = {.bytes = talk->datagram, .from = talk->peer.name};
        ssize_t size = datagram_receive(talk->peer.socket, talk->datagram, sizeof talk->datagram,
                                        &arrival.time_ms);
        if (size == -EAGAIN)
            break;
        if (size < 0) {
            complain_once(talk, (int)size);
            exchange_refused(&talk->exchange);
            continue;
        }
        arrival.size = (size_t)size;
        talk->trouble = 0;
        if (proof_is_wanted(talk->datagram, arrival.size)) {
            prove(talk);
            continue;
        }
        arrival.kind = exchange_reply(&talk->exchange, clock_now_ns(), &arrival.rtt_ns);
        show(talk, &arrival);
    }
    if (!talk->console || talk->ended)
        fflush(stdout); /* or else it goes out with the line below it */
}

static void complain_of_input(struct talk *talk, int error)
{
    make_way_for_complaint(talk);
    complain(strerror(-error), "give it a file, a pipe or a terminal", "reading standard input");
    talk->failed++;
}

/* Sees to it that the next line comes, or that none does while one waits. */
static void want_input(struct talk *talk)
{
    if (talk->console) {
        if (talk->held)
            console_pause(talk->console);
        else
            console_resume(talk->console);
        return;
    }
    if (talk->held) {
        input_pause(&talk->input);
        return;
    }
    show_prompt(talk);
    int error = input_resume(&talk->input);
    if (error) {
        complain_of_input(talk, error);
        loop_stop(talk->loop);
    }
}

/* Does what can be done now, and waits for what can't. */
static void go_on(struct talk *talk)
{
    while (!talk->blocked && hold_line(talk) && exchange_has_room(&talk->exchange, talk->size))
        send_line(talk);
    if (talk->ended && !talk->held && talk->exchange.count == 0) {
        /* Replies may have come together with a refusal. */
        receive(talk);
        loop_stop(talk->loop);
        return;
    }
    arm_timer(talk);
    if (!talk->ended) {
        want_input(talk);
        return;
    }
    console_end(talk->console);
    input_pause(&talk->input);
}

static void input_ready(void *state)
{
    struct talk *talk = state;
    size_t room;
    char *bytes = lines_room(&talk->lines, &room);
    ssize_t size = input_read(&talk->input, bytes, room);
    if (size == -EAGAIN)
        return;
    if (size > 0) {
        /* The terminal has echoed the newline. */
        talk->prompted = false;
        lines_filled(&talk->lines, (size_t)size);
    } else {
        lines_finish(&talk->lines);
        make_way(talk);
    }
    if (size < 0)
        complain_of_input(talk, (int)size);
    go_on(talk);
}

static void socket_ready(void *state, unsigned events)
{
    struct talk *talk = state;
    receive(talk);
    if (talk->blocked && (events & LOOP_WRITE)) {
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
    uint32_t keepalives, requests = exchange_expire(&talk->exchange, now_ns, &keepalives);
    if (talk->terminal)
        complain_of_silence(talk, requests, keepalives);
    if (keepalive_due_ns(talk) <= now_ns)
        send_keepalive(talk);
    go_on(talk);
}

/* ---- The terminal ---- */

static void line_entered(void *state, char *line, size_t size)
{
    struct talk *talk = state;
    int error = history_file_append(&talk->history_file, line, size);
    if (error) {
        make_way_for_complaint(talk);
        complain(strerror(-error), "make room there, or go on without", "writing the history to %s",
                 talk->history_file.path);
        talk->history_file.kept = false;
    }
    talk->line = line;
    talk->size = size;
    take_line(talk);
    go_on(talk);
}

/* The end of input waits for the last replies; a signal, even a later one, doesn't. */
static void console_ended(void *state, int signal)
{
    struct talk *talk = state;
    talk->ended = true;
    if (signal)
        loop_stop(talk->loop);
    else
        go_on(talk);
}

static void interrupted(void *state, int signal)
{
    (void)signal;
    struct talk *talk = state;
    make_way(talk);
    loop_stop(talk->loop);
}

static void complete(void *state, const char *line, size_t cursor, struct lineedit_choices *choices)
{
    (void)state;
    choices->count = slash_complete(line, cursor, choices->words, LINEEDIT_CHOICES_MAX);
}

static int open_console(struct talk *talk)
{
    static struct console_handler handler = {
        .line = line_entered, .end = console_ended, .complete = complete};
    handler.state = talk;
    talk->history = history_new();
    if (!talk->history)
        return -ENOMEM;
    int error = history_file_open(&talk->history_file, "udpcli_history", talk->history);
    if (error && error != -ENOENT)
        complain(strerror(-error), "make it yours, or go on without", "opening the history %s",
                 talk->history_file.path);
    talk->marking = !talk->options->json;
    talk->colour = terminal_wants_colour(STDOUT_FILENO);
    return console_open(&talk->console, talk->loop, "> ", talk->history, LINES_BYTES, &handler);
}

/* Prepares for who is there: a person whose line is edited, one at a plain terminal, a program. */
static int open_input(struct talk *talk)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    input_open(&talk->input, talk->loop, STDIN_FILENO, input_ready, talk);
    if (terminal_can_edit(STDIN_FILENO, STDOUT_FILENO))
        return open_console(talk);
    return talk->terminal ? loop_signals(talk->loop, signals, interrupted, talk) : 0;
}

static int run(struct talk *talk)
{
    int error = open_input(talk);
    if (!error)
        error = loop_timer_open(talk->loop, &talk->timer, time_passed, talk);
    if (error)
        return error;
    error = loop_add(talk->loop, &talk->socket, talk->peer.socket, LOOP_READ, socket_ready, talk);
    if (!error) {
        talk->active_ns = clock_now_ns();
        go_on(talk);
        error = loop_run_until_stopped(talk->loop);
        input_pause(&talk->input);
        loop_remove(&talk->socket);
    }
    loop_timer_close(&talk->timer);
    return error;
}

static int report(const struct talk *talk)
{
    const struct exchange *exchange = &talk->exchange;
    if (talk->terminal)
        return 0;
    if (!exchange_complete(exchange) || talk->failed) {
        char timeout[24], why[128];
        snprintf(why, sizeof why, "%" PRIu64 " of %" PRIu64 " were answered (timeout %s)",
                 talk->options->timeout_ms ? exchange->answered : exchange->sent,
                 exchange->sent + talk->failed,
                 text_format_duration(talk->options->timeout_ms, timeout));
        complain(why, peer_next(-ETIMEDOUT), "sending %" PRIu64 " datagrams to %s",
                 exchange->sent + talk->failed, talk->peer.name);
        return 1;
    }
    return talk->options->timeout_ms == 0 && talk->trouble;
}

int talk_run(const struct client_options *options, struct peers *peers)
{
    bool screen = terminal_is(STDOUT_FILENO);
    struct talk talk = {
        .options = options,
        .style = print_style(options->json, options->hex, screen, false),
        .terminal = terminal_is(STDIN_FILENO),
        .armed_ns = UINT64_MAX,
    };
    talk.prompting = talk.terminal && screen;
    exchange_init(&talk.exchange, options->timeout_ms * NS_PER_MS);
    int error = peer_connect(&talk.peer, peers);
    if (error) {
        complain(peer_why(error), peer_next(error), "connecting to %s", talk.peer.name);
        return 1;
    }
    talk.loop = loop_new();
    error = talk.loop ? run(&talk) : -errno;
    console_free(talk.console);
    history_free(talk.history);
    loop_free(talk.loop);
    socket_close(talk.peer.socket);
    if (error)
        complain(strerror(-error), "free some memory or descriptors", "speaking with %s",
                 talk.peer.name);
    return error ? 1 : report(&talk);
}
