/* Lines out, datagrams in: the pipe form and the terminal form. */
#include "client/talk.h"

#include "client/exchange.h"
#include "client/lines.h"
#include "client/print.h"
#include "core/text.h"
#include "net/clock.h"
#include "net/datagram.h"
#include "net/input.h"
#include "net/loop.h"
#include "net/socket.h"
#include "net/terminal.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Datagrams printed between two looks at the input: all that can wait for a reply. */
    ARRIVALS_AT_ONCE = EXCHANGE_WINDOW,
};

struct talk {
    const struct client_options *options;
    enum print_style style;
    bool terminal;  /* standard input is one */
    bool prompting; /* and standard output, too */
    bool prompted;  /* a prompt stands at the beginning of the terminal's line */
    bool ended;     /* no more input is wanted */
    bool held;      /* line waits to be sent */
    bool blocked;   /* the socket has no room */
    char *line;
    size_t size;
    uint64_t failed;    /* lines that could not be sent */
    int trouble;        /* -errno last complained about, 0 behind a datagram that came */
    uint64_t active_ms; /* when something was last sent */
    uint64_t armed_ms;  /* when the timer is to run, UINT64_MAX: not set */
    struct peer peer;
    struct loop *loop;
    struct loop_handler socket;
    struct loop_timer timer;
    struct input input;
    struct exchange exchange;
    struct lines lines;
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

/* Begins a line of ours below the prompt. It is left where it stands: behind it may be what the
 * terminal keeps of a line that is being typed. */
static void leave_prompt(struct talk *talk)
{
    if (talk->prompted)
        putc('\n', stdout);
    talk->prompted = false;
}

__attribute__((format(printf, 2, 3))) static void complain(struct talk *talk, const char *format,
                                                           ...)
{
    va_list arguments;
    leave_prompt(talk);
    fflush(stdout);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

/* Says what is wrong with the peer, once as long as nothing else happens. */
static void complain_once(struct talk *talk, int error)
{
    if (talk->trouble == error)
        return;
    talk->trouble = error;
    if (error == -ETIMEDOUT)
        complain(talk, "udpcli: no reply from %s so far\n", talk->peer.name);
    else
        complain(talk, "udpcli: sending to %s: %s\n", talk->peer.name, peer_error(error));
}

static void reject_line(struct talk *talk, const char *why)
{
    talk->failed++;
    complain(talk, "udpcli: line %" PRIu64 " was not sent: %s\n", talk->lines.number, why);
}

/* Takes a line for the next datagram. */
static void take_line(struct talk *talk)
{
    if (talk->size == 4 && memcmp(talk->line, "exit", 4) == 0) {
        talk->ended = true;
        return;
    }
    talk->held = true;
    if (!talk->options->hex)
        return;
    talk->held = text_from_hex((uint8_t *)talk->line, talk->line, talk->size);
    talk->size /= 2;
    if (!talk->held)
        reject_line(talk, "it is not an even number of hexadecimal digits");
}

/* False when no line is there to be sent. */
static bool hold_line(struct talk *talk)
{
    while (!talk->held && !talk->ended) {
        enum lines_found found = lines_next(&talk->lines, &talk->line, &talk->size);
        if (found == LINES_LINE)
            take_line(talk);
        else if (found == LINES_TOO_LONG)
            reject_line(talk, peer_error(-EMSGSIZE));
        else if (talk->lines.ended)
            talk->ended = true;
        else
            return false;
    }
    return talk->held;
}

static int send_datagram(struct talk *talk, const void *bytes, size_t size)
{
    int error = datagram_send(talk->peer.socket, bytes, size);
    if (error == -ECONNREFUSED) {
        /* Told of an earlier datagram; this one is still to be sent. */
        complain_once(talk, error);
        exchange_refused(&talk->exchange);
        error = datagram_send(talk->peer.socket, bytes, size);
    }
    talk->active_ms = clock_now_ms();
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
        exchange_sent(&talk->exchange, talk->size, false, talk->active_ms);
    else if (error == -EMSGSIZE)
        reject_line(talk, peer_error(error));
    else {
        talk->failed++;
        complain_once(talk, error);
    }
}

static uint64_t keepalive_due_ms(const struct talk *talk)
{
    bool possible = talk->options->keepalive_ms && !talk->ended && !talk->held &&
                    exchange_has_room(&talk->exchange, 0);
    return possible ? talk->active_ms + talk->options->keepalive_ms : UINT64_MAX;
}

static void send_keepalive(struct talk *talk)
{
    int error = send_datagram(talk, "", 0);
    if (!error)
        exchange_sent(&talk->exchange, 0, true, talk->active_ms);
    else if (error != -EAGAIN)
        complain_once(talk, error);
}

/* A timer that would run too early is left: it then looks again. */
static void arm_timer(struct talk *talk)
{
    uint64_t due_ms = exchange_deadline_ms(&talk->exchange);
    uint64_t keepalive_ms = keepalive_due_ms(talk);
    due_ms = keepalive_ms < due_ms ? keepalive_ms : due_ms;
    if (due_ms >= talk->armed_ms)
        return;
    uint64_t now_ms = clock_now_ms();
    loop_timer_once(&talk->timer, due_ms > now_ms ? (due_ms - now_ms) * 1000000 : 1);
    talk->armed_ms = due_ms;
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
        exchange_reply(&talk->exchange, clock_now_ms());
        leave_prompt(talk);
        print_arrival(stdout, talk->style, &arrival);
    }
    fflush(stdout);
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
    if (talk->ended || talk->held) {
        input_pause(&talk->input);
        return;
    }
    show_prompt(talk);
    int error = input_resume(&talk->input);
    if (error) {
        complain(talk, "udpcli: reading standard input: %s\n", strerror(-error));
        talk->failed++;
        loop_stop(talk->loop);
    }
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
        leave_prompt(talk);
    }
    if (size < 0) {
        complain(talk, "udpcli: reading standard input: %s\n", strerror((int)-size));
        talk->failed++;
    }
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
    uint64_t now_ms = clock_now_ms();
    talk->armed_ms = UINT64_MAX;
    if (exchange_expire(&talk->exchange, now_ms) && talk->terminal)
        complain_once(talk, -ETIMEDOUT);
    if (keepalive_due_ms(talk) <= now_ms)
        send_keepalive(talk);
    go_on(talk);
}

static void interrupted(void *state, int signal)
{
    (void)signal;
    struct talk *talk = state;
    leave_prompt(talk);
    loop_stop(talk->loop);
}

static int run(struct talk *talk)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    int error = talk->terminal ? loop_signals(talk->loop, signals, interrupted, talk) : 0;
    if (!error)
        error = loop_timer_open(talk->loop, &talk->timer, time_passed, talk);
    if (error)
        return error;
    error = loop_add(talk->loop, &talk->socket, talk->peer.socket, LOOP_READ, socket_ready, talk);
    if (!error) {
        input_open(&talk->input, talk->loop, STDIN_FILENO, input_ready, talk);
        talk->active_ms = clock_now_ms();
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
        char timeout[24];
        fprintf(stderr,
                "udpcli: %" PRIu64 " of %" PRIu64 " datagrams to %s were answered (timeout %s)\n",
                exchange->answered, exchange->sent + talk->failed, talk->peer.name,
                text_format_duration(talk->options->timeout_ms, timeout));
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
        .armed_ms = UINT64_MAX,
    };
    talk.prompting = talk.terminal && screen;
    exchange_init(&talk.exchange, options->timeout_ms);
    int error = peer_connect(&talk.peer, peers);
    if (error) {
        fprintf(stderr, "udpcli: connecting to %s: %s\n", talk.peer.name, peer_error(error));
        return 1;
    }
    talk.loop = loop_new();
    error = talk.loop ? run(&talk) : -errno;
    loop_free(talk.loop);
    socket_close(talk.peer.socket);
    if (error)
        fprintf(stderr, "udpcli: waiting for events: %s\n", strerror(-error));
    return error ? 1 : report(&talk);
}
