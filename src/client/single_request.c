#include "client/single_request.h"

#include "client/challenge_answer.h"
#include "client/hello_report.h"
#include "client/pending_requests.h"
#include "client/print_message.h"
#include "client/server_frames.h"
#include "net/message/datagram.h"
#include "os/log/error_message.h"
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/terminal/terminal_capabilities.h"
#include "text/number_with_unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    /* How long earlier messages are discarded. By then the socket's buffer was read many times
     * over; without a limit a service that sends faster than the client reads would block it
     * forever. */
    DISCARD_MS_MAX = 100,
};

struct single_request {
    const struct client_options *options;
    enum print_style style;
    struct peer peer;
    struct peer_addresses *addresses;
    struct loop *loop;
    struct loop_handler socket;
    struct loop_timer timer;
    uint64_t sent_ns;    /* when the current request was last sent */
    uint64_t tries;      /* how often it was sent */
    uint32_t challenges; /* answered since sent_ns */
    uint64_t done;       /* requests that were answered or timed out */
    uint64_t unanswered; /* requests that timed out */
    int error;           /* -errno that ended the run */
    struct server_frames frames;
    bool naming;       /* all requests are done, and the hello of --name is not answered yet */
    bool hello_failed; /* the name was not given */
    uint8_t datagram[DATAGRAM_BYTES_MAX];
};

static void stop(struct single_request *request, int error)
{
    request->error = error;
    loop_stop(request->loop);
}

static void send_message(struct single_request *request)
{
    const struct client_options *options = request->options;
    /* Before the call, since the reply may have arrived when it returns. */
    uint64_t sent_ns = clock_now_ns();
    int error = peer_send(&request->peer, options->message, options->message_size);
    /* If the socket is full, the request counts as lost in the network. */
    if (error && error != -EAGAIN) {
        stop(request, error);
        return;
    }
    loop_change(&request->socket, peer_flush(&request->peer) ? LOOP_READ | LOOP_WRITE : LOOP_READ);
    request->tries++;
    request->challenges = 0;
    request->sent_ns = sent_ns;
    loop_timer_once(&request->timer, options->timeout_ms ? options->timeout_ms * 1000000 : 1);
}

static void begin_request(struct single_request *request)
{
    /* A message that was received before the request was sent is not its reply. */
    const char *from;
    uint64_t time_ms, until_ms = clock_now_ms() + DISCARD_MS_MAX;
    while (peer_receive(&request->peer, request->datagram, sizeof request->datagram, &time_ms,
                        &from) >= 0 &&
           clock_now_ms() < until_ms)
        continue;
    request->tries = 0;
    send_message(request);
}

/* ---- The name ---- */

static void end_naming(struct single_request *request, const struct frame *answer)
{
    if (answer == NULL)
        hello_report_silence(request->options, request->peer.name, false);
    request->hello_failed =
        answer == NULL || !hello_report_answer(request->options, request->peer.name, answer);
    stop(request, 0);
}

/* Sends the hello if it is due, and sets when to look again. If the socket is full, it counts as
 * lost in the network. */
static void send_hello(struct single_request *request)
{
    uint8_t hello[SERVER_FRAMES_BYTES_MAX];
    bool gave_up;
    uint64_t now_ns = clock_now_ns();
    size_t size = server_frames_take_due(&request->frames, now_ns, hello, &gave_up);
    int error = size > 0 ? peer_send(&request->peer, hello, size) : 0;
    if (error != 0 && error != -EAGAIN)
        stop(request, error);
    else if (gave_up)
        end_naming(request, NULL);
    else
        loop_timer_once(&request->timer, server_frames_due_ns(&request->frames) - now_ns);
}

static void begin_naming(struct single_request *request)
{
    request->naming = true;
    server_frames_registered(&request->frames, clock_now_ns());
    send_hello(request);
}

/* Handles a frame other than a challenge. No message is shown: it is no reply. Returns false for
 * any other datagram. */
static bool receive_frame(struct single_request *request, size_t size)
{
    struct frame frame;
    if (!peer_sends_frames(&request->peer))
        return false;
    enum server_frames_kind kind =
        server_frames_receive(&request->frames, request->datagram, size, clock_now_ns(), &frame);
    if (request->naming && kind == SERVER_FRAMES_NAMED)
        end_naming(request, &frame);
    if (request->naming && kind == SERVER_FRAMES_FOREIGN)
        end_naming(request, NULL);
    return kind != SERVER_FRAMES_OTHER;
}

/* Keeps the cookie of a challenge for the hello, and says that again if it was challenged. */
static void keep_cookie(struct single_request *request)
{
    server_frames_challenged(&request->frames,
                             frame_read(request->datagram, FRAME_CHALLENGE_BYTES).cookie,
                             clock_now_ns());
    if (request->naming)
        send_hello(request);
}

/* ---- Replies ---- */

/* Without a reply the client may not be registered, and a hello would have no effect. Where the
 * user expects none, the request is taken to have arrived. */
static bool is_registered(const struct single_request *request)
{
    return request->unanswered < request->done;
}

static void end_request(struct single_request *request)
{
    if (++request->done < request->options->count)
        begin_request(request);
    else if (request->options->frames.policy == HELLO_ASKED && is_registered(request))
        begin_naming(request);
    else
        stop(request, 0);
}

static void timed_out(void *state)
{
    struct single_request *request = state;
    bool expects_reply = request->options->timeout_ms != 0;
    if (request->naming) {
        send_hello(request);
        return;
    }
    /* A message on a stream is not lost, so it is not sent again. */
    if (expects_reply && !request->peer.stream && request->tries <= request->options->retries) {
        send_message(request);
        return;
    }
    if (expects_reply && request->done == 0 &&
        peer_has_alternative(&request->peer, request->addresses)) {
        stop(request, -ETIMEDOUT);
        return;
    }
    request->unanswered += expects_reply;
    end_request(request);
}

/* Answers the challenge in datagram: sends the request again with the cookie. That is part of the
 * same try, so the timeout of the try continues, even if a server sends challenges forever. */
static void answer_challenge(struct single_request *request)
{
    const struct client_options *options = request->options;
    if (request->challenges == PENDING_REQUESTS_CHALLENGES_MAX)
        return;
    request->challenges++;
    int error = challenge_answer_send(&request->peer, request->datagram,
                                      (const uint8_t *)options->message, options->message_size);
    if (error && error != -EAGAIN)
        stop(request, error);
}

static void socket_ready(void *state, unsigned events)
{
    struct single_request *request = state;
    struct received_message message = {.bytes = request->datagram, .kind = RECEIVED_REPLY};
    if ((events & LOOP_WRITE) && !peer_flush(&request->peer))
        loop_change(&request->socket, LOOP_READ);
    ssize_t size = peer_receive(&request->peer, request->datagram, sizeof request->datagram,
                                &message.time_ms, &message.from);
    if (size == -EAGAIN)
        return;
    if (size < 0) {
        stop(request, (int)size);
        return;
    }
    message.size = (size_t)size;
    bool challenged = challenge_answer_is_needed(&request->peer, request->datagram, message.size);
    if (challenged && request->options->frames.key != NULL)
        keep_cookie(request);
    if (receive_frame(request, message.size) || request->naming)
        return;
    if (request->options->timeout_ms == 0)
        return; /* not waited for, so it would be printed only by chance */
    if (challenged) {
        answer_challenge(request);
        return;
    }
    /* After a retry it is unknown which try was answered (Karn's algorithm). */
    if (request->tries == 1)
        message.rtt_ns = clock_now_ns() - request->sent_ns;
    print_message(stdout, request->style, &message);
    fflush(stdout);
    end_request(request);
}

/* Runs all requests over the peer's socket. Returns 0, or -errno. */
static int run(struct single_request *request)
{
    int error = loop_timer_open(request->loop, &request->timer, timed_out, request);
    if (error)
        return error;
    error = loop_add(request->loop, &request->socket, request->peer.socket, LOOP_READ, socket_ready,
                     request);
    if (!error) {
        request->error = 0;
        request->done = request->unanswered = 0;
        request->naming = false;
        server_frames_reset(&request->frames);
        begin_request(request);
        error = loop_run_until_stopped(request->loop);
        loop_remove(&request->socket);
    }
    loop_timer_close(&request->timer);
    return error ? error : request->error;
}

/* Connects to the next address. Returns whether there is one. */
static bool use_next_address(struct single_request *request)
{
    struct peer next;
    if (!peer_has_alternative(&request->peer, request->addresses) ||
        peer_connect(&next, request->addresses) != 0)
        return false;
    request->peer = next;
    return true;
}

/* Runs with one address after the other, until one answers. */
static int run_addresses(struct single_request *request)
{
    int error = peer_connect(&request->peer, request->addresses);
    if (error)
        return error;
    do {
        error = run(request);
        peer_close(&request->peer);
    } while ((error == -ECONNREFUSED || error == -ETIMEDOUT) &&
             request->done == request->unanswered && use_next_address(request));
    return error;
}

static int report(const struct single_request *request, int error)
{
    const struct client_options *options = request->options;
    const char *plural = options->message_size == 1 ? "" : "s";
    if (error)
        print_error(peer_error_reason(error), peer_error_advice(error), "sending %zu byte%s to %s",
                    options->message_size, plural, request->peer.name);
    else if (request->unanswered) {
        char timeout[24], tries[48] = "once", reason[200];
        bool again = options->retries > 0 && !request->peer.stream;
        if (again)
            snprintf(tries, sizeof tries, "%" PRIu64 " times", options->retries + 1);
        snprintf(reason, sizeof reason,
                 "no reply to %" PRIu64 " of %" PRIu64 " request%s (sent %s, waited %s%s)",
                 request->unanswered, request->done, request->done == 1 ? "" : "s", tries,
                 duration_format(options->timeout_ms, timeout), again ? " each time" : "");
        print_error(reason, peer_error_advice(-ETIMEDOUT), "sending %zu byte%s to %s",
                    options->message_size, plural, request->peer.name);
    }
    return error || request->unanswered || request->hello_failed;
}

int single_request_run(const struct client_options *options, struct peer_addresses *addresses)
{
    struct single_request request = {
        .options = options,
        .style = print_style(options->json, options->hex, terminal_is_tty(STDOUT_FILENO), true),
        .addresses = addresses,
        .loop = loop_new(),
    };
    server_frames_init(&request.frames, &options->frames, 0); /* nothing is confirmed */
    int error = request.loop ? run_addresses(&request) : -errno;
    loop_free(request.loop);
    return report(&request, error);
}
