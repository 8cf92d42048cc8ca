#include "client/line_session.h"

#include "client/challenge_answer.h"
#include "client/line_input.h"
#include "client/pending_requests.h"
#include "client/print_message.h"
#include "client/server_frames.h"
#include "client/session_report.h"
#include "client/slash_commands.h"
#include "net/message/datagram.h"
#include "os/log/error_message.h"
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/random.h"
#include "os/terminal/terminal_capabilities.h"
#include "text/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Messages printed before the input is read again: all replies that may be expected. */
    MESSAGES_AT_ONCE = PENDING_REQUESTS_WINDOW,
    NS_PER_MS = 1000000,
};

struct line_session {
    const struct client_options *options;
    enum print_style style;
    bool marking; /* received messages are marked as replies, broadcasts, ... */
    bool colour;
    bool ended;   /* no more input is read */
    int signal;   /* that ended the session, or 0 */
    bool held;    /* line is waiting to be sent */
    bool blocked; /* the socket is not writable */
    char *line;
    size_t size;
    uint64_t active_ns; /* when a message was last sent */
    uint64_t armed_ns;  /* when the timer expires; UINT64_MAX: it is not set */
    struct peer peer;
    struct peer_addresses *addresses;
    struct loop *loop;
    struct loop_handler socket;
    struct loop_timer timer;
    struct line_input input;
    struct pending_requests requests;
    struct server_frames frames;
    struct session_report report;
    uint8_t datagram[DATAGRAM_BYTES_MAX];
};

static void socket_ready(void *state, unsigned events);

/* Connects to the next address of the name, if nothing was received from the previous ones, and
 * sends the waiting requests again. Returns whether there is such an address. */
static bool use_next_address(struct line_session *session)
{
    struct peer next;
    const uint8_t *bytes;
    size_t size;
    bool answered = session->requests.last_reply_ns != 0;
    if (answered || !peer_has_alternative(&session->peer, session->addresses) ||
        peer_connect(&next, session->addresses) != 0)
        return false;
    loop_remove(&session->socket);
    if (loop_add(session->loop, &session->socket, next.socket, LOOP_READ, socket_ready, session) !=
        0) {
        peer_close(&next);
        loop_add(session->loop, &session->socket, session->peer.socket, LOOP_READ, socket_ready,
                 session);
        return false;
    }
    peer_close(&session->peer);
    session->peer = next;
    session->blocked = false;
    server_frames_reset(&session->frames);
    session->active_ns = clock_now_ns();
    for (uint32_t i = 0;
         pending_requests_resend(&session->requests, i, session->active_ns, &bytes, &size); i++)
        if (peer_send(&session->peer, bytes, size) == -ECONNREFUSED)
            return use_next_address(session);
    return true;
}

/* Removes the waiting requests, which the peer refused. An interactive user gets an error for each
 * line, and one for keepalives. */
static void abandon_requests(struct line_session *session, int error)
{
    uint64_t lost = pending_requests_lost_count(&session->requests);
    /* With -w 0 no request is kept that could be sent again. */
    if (session->options->timeout_ms != 0 && use_next_address(session))
        return;
    pending_requests_abandon(&session->requests);
    server_frames_suspect_restart(&session->frames);
    if (session->input.interactive && pending_requests_lost_count(&session->requests) > lost)
        session->report.last_error = 0;
    session_report_error(&session->report, error);
}

/* ---- Lines of the input ---- */

/* Runs a slash command of an interactive user. Returns whether the line was one. */
static bool run_slash_command(struct line_session *session)
{
    if (!session->input.interactive)
        return false;
    line_input_hide_for_error(&session->input);
    enum slash_command_result result = slash_command_run(
        &session->line, &session->size, &session->requests, &session->frames, stdout);
    fflush(stdout);
    session->ended = result == SLASH_COMMAND_QUIT;
    return result != SLASH_COMMAND_NONE;
}

/* Holds a line for the next datagram, or runs the command in it. */
static void take_line(struct line_session *session)
{
    if (session->size == 4 && memcmp(session->line, "exit", 4) == 0) {
        session->ended = true;
        return;
    }
    if (run_slash_command(session))
        return;
    session->held = true;
    if (!session->options->hex)
        return;
    session->held = hex_decode((uint8_t *)session->line, session->line, session->size);
    session->size /= 2;
    if (!session->held)
        session_report_rejected_line(&session->report,
                                     "it is not an even number of hexadecimal digits",
                                     "correct it, or leave --hex out");
}

/* Gets the next line to be sent, if none is held. Returns false if there is none. */
static bool get_line(struct line_session *session)
{
    while (!session->held && !session->ended) {
        enum line_splitter_result result =
            line_input_next(&session->input, &session->line, &session->size);
        if (result == LINE_SPLITTER_LINE)
            take_line(session);
        else if (result == LINE_SPLITTER_TOO_LONG)
            session_report_rejected_line(&session->report, peer_error_reason(-EMSGSIZE),
                                         peer_error_advice(-EMSGSIZE));
        else if (session->input.ended)
            session->ended = true;
        else
            return false;
    }
    return session->held;
}

/* ---- Sending ---- */

/* Nothing more is sent before the socket is writable. */
static void wait_until_writable(struct line_session *session)
{
    session->blocked = true;
    loop_change(&session->socket, LOOP_READ | LOOP_WRITE);
}

static int send_datagram(struct line_session *session, const void *bytes, size_t size)
{
    session->active_ns = clock_now_ns();
    int error = peer_send(&session->peer, bytes, size);
    if (error == -ECONNREFUSED && !session->peer.stream) {
        /* The error was caused by an earlier datagram; this one was not sent yet. */
        abandon_requests(session, error);
        error = peer_send(&session->peer, bytes, size);
    }
    if (peer_flush(&session->peer))
        wait_until_writable(session);
    return error;
}

/* The client is registered. Where the input has ended, the session is about to, so that only a user
 * who has asked for a hello needs one. */
static void note_registered(struct line_session *session, uint64_t now_ns)
{
    if (!session->ended || session->options->frames.policy == HELLO_ASKED)
        server_frames_registered(&session->frames, now_ns);
}

/* A request was sent. Where no reply is expected, the client counts as registered by that. */
static void add_request(struct line_session *session, const void *bytes, size_t size,
                        bool keepalive)
{
    pending_requests_add(&session->requests, bytes, size, keepalive, session->active_ns);
    if (session->options->timeout_ms == 0)
        note_registered(session, session->active_ns);
}

static void send_line(struct line_session *session)
{
    int error = send_datagram(session, session->line, session->size);
    if (error == -EAGAIN) {
        wait_until_writable(session);
        return;
    }
    session->held = false;
    if (!error)
        add_request(session, session->line, session->size, false);
    else if (error == -EMSGSIZE)
        session_report_rejected_line(&session->report, peer_error_reason(error),
                                     peer_error_advice(error));
    else {
        session->report.failed_lines++;
        session_report_error(&session->report, error);
    }
}

static uint64_t keepalive_due_ns(const struct line_session *session)
{
    bool possible = session->options->keepalive_ms && !session->ended && !session->held &&
                    pending_requests_can_send(&session->requests, 0);
    return possible ? session->active_ns + session->options->keepalive_ms * NS_PER_MS : UINT64_MAX;
}

static void send_keepalive(struct line_session *session)
{
    int error = send_datagram(session, "", 0);
    if (!error)
        add_request(session, NULL, 0, true);
    else if (error != -EAGAIN)
        session_report_error(&session->report, error);
}

/* Sends the hello and the confirmations that are due. One that does not fit into the socket counts
 * as lost in the network. */
static void send_due_frames(struct line_session *session)
{
    uint8_t frame[SERVER_FRAMES_BYTES_MAX];
    bool gave_up;
    size_t size;
    do {
        size = server_frames_take_due(&session->frames, clock_now_ns(), frame, &gave_up);
        if (gave_up)
            session_report_silence(&session->report, server_frames_is_known(&session->frames));
        int error = size > 0 ? send_datagram(session, frame, size) : 0;
        if (error != 0 && error != -EAGAIN)
            session_report_error(&session->report, error);
    } while (size > 0);
}

/* At the end of the session: its messages were shown, so they are confirmed without waiting. */
static void send_last_confirmations(struct line_session *session)
{
    uint8_t frame[SERVER_FRAMES_BYTES_MAX];
    size_t size;
    while ((size = server_frames_take_confirmation(&session->frames, UINT64_MAX - 1, frame)) > 0)
        peer_send(&session->peer, frame, size);
}

/* A timer that expires too early is not changed: it is armed again when it has expired. */
static void arm_timer(struct line_session *session)
{
    uint64_t due_ns = pending_requests_deadline_ns(&session->requests);
    uint64_t keepalive_ns = keepalive_due_ns(session);
    uint64_t frame_ns = server_frames_due_ns(&session->frames);
    due_ns = keepalive_ns < due_ns ? keepalive_ns : due_ns;
    due_ns = frame_ns < due_ns ? frame_ns : due_ns;
    if (due_ns >= session->armed_ns)
        return;
    uint64_t now_ns = clock_now_ns();
    loop_timer_once(&session->timer, due_ns > now_ns ? due_ns - now_ns : 1);
    session->armed_ns = due_ns;
}

/* ---- Receiving ---- */

static void print_received(struct line_session *session, const struct received_message *message)
{
    line_input_hide(&session->input);
    if (session->marking)
        print_message_marked(stdout, session->options->hex, session->colour, message);
    else
        print_message(stdout, session->style, message);
}

/* The stream has ended. That is an error unless all lines were sent and answered. */
static void end_with_stream(struct line_session *session, int error)
{
    bool early = !session->ended || session->held || session->requests.count > 0;
    if (early)
        session_report_error(&session->report, error);
    session->report.failed_lines += session->held || (early && !session->ended);
    pending_requests_abandon(&session->requests);
    session->held = false;
    session->ended = true;
    loop_stop(session->loop);
}

/* Answers the challenge in datagram: sends a waiting request again, with the cookie. If the socket
 * is full, the answer counts as lost in the network. */
static void answer_challenge(struct line_session *session)
{
    const uint8_t *request;
    size_t size;
    uint64_t now_ns = clock_now_ns();
    server_frames_challenged(&session->frames,
                             frame_read(session->datagram, FRAME_CHALLENGE_BYTES).cookie, now_ns);
    if (!pending_requests_answer_challenge(&session->requests, now_ns, &request, &size))
        return;
    int error = challenge_answer_send(&session->peer, session->datagram, request, size);
    if (error && error != -EAGAIN)
        session_report_error(&session->report, error);
}

/* Handles a frame of a confirmed broadcast or a hello. Returns false for any other message. */
static bool receive_frame(struct line_session *session, struct received_message *message)
{
    struct frame frame;
    uint64_t now_ns = clock_now_ns();
    if (!peer_sends_frames(&session->peer))
        return false;
    switch (
        server_frames_receive(&session->frames, session->datagram, message->size, now_ns, &frame)) {
    case SERVER_FRAMES_OTHER:
        return false;
    case SERVER_FRAMES_HANDLED:
        return true;
    case SERVER_FRAMES_NAMED:
        session_report_hello(&session->report, &frame);
        return true;
    case SERVER_FRAMES_FOREIGN:
        session_report_silence(&session->report, false);
        return true;
    case SERVER_FRAMES_MESSAGE:
        break;
    }
    pending_requests_receive_message(&session->requests, now_ns);
    message->bytes = frame.body;
    message->size = frame.size;
    message->kind = RECEIVED_BROADCAST;
    print_received(session, message);
    return true;
}

static void receive_reply_or_copy(struct line_session *session, struct received_message *message)
{
    uint64_t now_ns = clock_now_ns();
    message->kind = pending_requests_receive(&session->requests, now_ns, &message->rtt_ns);
    if (message->kind != RECEIVED_BROADCAST)
        note_registered(session, now_ns);
    print_received(session, message);
}

static void receive_messages(struct line_session *session)
{
    for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
        struct received_message message = {.bytes = session->datagram,
                                           .show_sender = session->peer.group};
        ssize_t size = peer_receive(&session->peer, session->datagram, sizeof session->datagram,
                                    &message.time_ms, &message.from);
        if (size == -EAGAIN)
            break;
        if (peer_error_is_final(&session->peer, (int)size)) {
            end_with_stream(session, (int)size);
            break;
        }
        if (size < 0) {
            abandon_requests(session, (int)size);
            continue;
        }
        message.size = (size_t)size;
        session->report.last_error = 0;
        if (challenge_answer_is_needed(&session->peer, session->datagram, message.size)) {
            answer_challenge(session);
            continue;
        }
        if (!receive_frame(session, &message))
            receive_reply_or_copy(session, &message);
    }
    if (!session->input.editing || session->ended)
        fflush(stdout); /* otherwise drawing the edited line flushes it */
}

/* ---- Events ---- */

/* Resumes the input, or pauses it while a line is held. */
static void update_input(struct line_session *session)
{
    if (session->ended) {
        line_input_stop(&session->input);
        return;
    }
    if (session->held) {
        line_input_pause(&session->input);
        return;
    }
    int error = line_input_resume(&session->input);
    if (error) {
        session_report_input_error(&session->report, error);
        loop_stop(session->loop);
    }
}

/* Returns whether the input has ended and all that the user waits for has arrived: replies, and
 * the answer to a hello that they have asked for. */
static bool is_done(const struct line_session *session)
{
    bool awaits_hello = session->options->frames.policy == HELLO_ASKED &&
                        server_frames_await_answer(&session->frames);
    return session->ended && !session->held && !session->blocked && session->requests.count == 0 &&
           !awaits_hello;
}

/* Sends the lines that can be sent now, ends the session if everything is done, and otherwise sets
 * what to wait for. */
static void proceed(struct line_session *session)
{
    while (!session->blocked && get_line(session) &&
           pending_requests_can_send(&session->requests, session->size))
        send_line(session);
    if (is_done(session)) {
        /* Replies may have been received together with an ICMP error. */
        receive_messages(session);
        loop_stop(session->loop);
        return;
    }
    arm_timer(session);
    if (session->ended && !session->held && !session->blocked)
        peer_end_sending(&session->peer);
    update_input(session);
}

static void input_ready(void *state)
{
    struct line_session *session = state;
    if (session->input.error) {
        session_report_input_error(&session->report, session->input.error);
        session->input.error = 0;
    }
    proceed(session);
}

static void interrupted(void *state, int signal)
{
    struct line_session *session = state;
    session->signal = signal;
    loop_stop(session->loop);
}

static void socket_ready(void *state, unsigned events)
{
    struct line_session *session = state;
    receive_messages(session);
    if (session->blocked && (events & LOOP_WRITE) && !peer_flush(&session->peer)) {
        session->blocked = false;
        loop_change(&session->socket, LOOP_READ);
    }
    proceed(session);
}

static void timer_expired(void *state)
{
    struct line_session *session = state;
    session->armed_ns = UINT64_MAX;
    /* The process may have been stopped; replies received meanwhile are not late. */
    receive_messages(session);
    uint64_t now_ns = clock_now_ns();
    if (pending_requests_deadline_ns(&session->requests) <= now_ns && use_next_address(session)) {
        proceed(session);
        return;
    }
    uint32_t keepalives,
        requests = pending_requests_expire(&session->requests, now_ns, &keepalives);
    if (session->input.terminal)
        session_report_timeout(&session->report, requests, keepalives);
    if (requests + keepalives > 0)
        server_frames_suspect_restart(&session->frames);
    if (keepalive_due_ns(session) <= now_ns)
        send_keepalive(session);
    send_due_frames(session);
    proceed(session);
}

static int run_loop(struct line_session *session)
{
    int error = loop_timer_open(session->loop, &session->timer, timer_expired, session);
    if (error)
        return error;
    error = loop_add(session->loop, &session->socket, session->peer.socket, LOOP_READ, socket_ready,
                     session);
    if (!error) {
        session->active_ns = clock_now_ns();
        proceed(session);
        error = loop_run_until_stopped(session->loop);
        send_last_confirmations(session);
        loop_remove(&session->socket);
    }
    loop_timer_close(&session->timer);
    return error;
}

static int run(struct line_session *session)
{
    const struct line_input_handler handler = {input_ready, interrupted, session};
    int error = line_input_open(&session->input, session->loop, &handler);
    session->marking = session->input.editing && !session->options->json;
    session->colour = terminal_wants_colour(STDOUT_FILENO);
    if (!error)
        error = run_loop(session);
    line_input_close(&session->input);
    return error;
}

int line_session_run(const struct client_options *options, struct peer_addresses *addresses)
{
    struct line_session session = {
        .options = options,
        .addresses = addresses,
        .style = print_style(options->json, options->hex, terminal_is_tty(STDOUT_FILENO), false),
        .armed_ns = UINT64_MAX,
        .report = {.options = options, .peer = &session.peer, .input = &session.input},
    };
    uint64_t seed = clock_now_ns();
    random_fill(&seed, sizeof seed); /* without entropy the clock is enough */
    server_frames_init(&session.frames, &options->frames, seed);
    pending_requests_init(&session.requests, options->timeout_ms * NS_PER_MS);
    int error = peer_connect(&session.peer, addresses);
    if (error) {
        print_error(peer_error_reason(error), peer_error_advice(error), "connecting to %s",
                    session.peer.name);
        return 1;
    }
    session.loop = loop_new();
    error = session.loop ? run(&session) : -errno;
    loop_free(session.loop);
    peer_close(&session.peer);
    if (error)
        print_error(strerror(-error), "free some memory or descriptors",
                    "running the session with %s", session.peer.name);
    else if (!session.input.terminal && server_frames_lack_answer(&session.frames) &&
             !session.report.hello_failed && pending_requests_all_answered(&session.requests))
        session_report_silence(&session.report, false);
    return error ? 1 : session_report_status(&session.report, &session.requests, session.signal);
}
