/* One message, one reply: the form with a MESSAGE. */
#include "client/single_request.h"

#include "client/challenge_answer.h"
#include "client/pending_requests.h"
#include "client/print_message.h"
#include "net/message/datagram.h"
#include "os/log/error_message.h"
#include "os/loop/event_loop.h"
#include "os/process/clock.h"
#include "os/terminal/raw_terminal.h"
#include "text/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    /* What came before is thrown away for so long: by then a socket's buffer has been read many
     * times over, and whoever goes on faster than we read would have us do it for ever. */
    DISCARD_MS_MAX = 100,
};

struct once {
    const struct client_options *options;
    enum print_style style;
    struct peer peer;
    struct peers *peers;
    struct loop *loop;
    struct loop_handler socket;
    struct loop_timer timer;
    uint64_t sent_ns;    /* when this request was last sent */
    uint64_t tries;      /* how often this request was sent */
    uint32_t proofs;     /* challenges answered since then */
    uint64_t done;       /* requests that are over */
    uint64_t unanswered; /* of these */
    int error;           /* -errno that ended it all */
    uint8_t datagram[DATAGRAM_BYTES_MAX];
};

static void stop(struct once *once, int error)
{
    once->error = error;
    loop_stop(once->loop);
}

static void send_message(struct once *once)
{
    const struct client_options *options = once->options;
    /* Behind the sending, the reply may be here already. */
    uint64_t sent_ns = clock_now_ns();
    int error = peer_send(&once->peer, options->message, options->message_size);
    /* Where the socket has no room, that is as good as lost on the way. */
    if (error && error != -EAGAIN) {
        stop(once, error);
        return;
    }
    loop_change(&once->socket, peer_flush(&once->peer) ? LOOP_READ | LOOP_WRITE : LOOP_READ);
    once->tries++;
    once->proofs = 0;
    once->sent_ns = sent_ns;
    loop_timer_once(&once->timer, options->timeout_ms ? options->timeout_ms * 1000000 : 1);
}

static void begin_request(struct once *once)
{
    /* What came before a request was sent is not its reply. */
    const char *from;
    uint64_t time_ms, until_ms = clock_now_ms() + DISCARD_MS_MAX;
    while (peer_receive(&once->peer, once->datagram, sizeof once->datagram, &time_ms, &from) >= 0 &&
           clock_now_ms() < until_ms)
        continue;
    once->tries = 0;
    send_message(once);
}

static void end_request(struct once *once)
{
    if (++once->done == once->options->count)
        stop(once, 0);
    else
        begin_request(once);
}

static void timed_out(void *state)
{
    struct once *once = state;
    bool awaited = once->options->timeout_ms != 0;
    /* What a stream has taken is not lost. */
    if (awaited && !once->peer.stream && once->tries <= once->options->retries) {
        send_message(once);
        return;
    }
    if (awaited && once->done == 0 && peer_may_change(&once->peer, once->peers)) {
        stop(once, -ETIMEDOUT);
        return;
    }
    once->unanswered += awaited;
    end_request(once);
}

/* The datagram at hand is a challenge: sends the request again with its cookie. It is the same try,
 * whose time goes on; a server that is never content runs into the timeout. */
static void prove(struct once *once)
{
    const struct client_options *options = once->options;
    if (once->proofs == PENDING_REQUESTS_PROOFS_MAX)
        return;
    once->proofs++;
    int error = challenge_answer_send(&once->peer, once->datagram,
                                      (const uint8_t *)options->message, options->message_size);
    if (error && error != -EAGAIN)
        stop(once, error);
}

static void ready(void *state, unsigned events)
{
    struct once *once = state;
    struct arrival arrival = {.bytes = once->datagram, .kind = RECEIVED_REPLY};
    if ((events & LOOP_WRITE) && !peer_flush(&once->peer))
        loop_change(&once->socket, LOOP_READ);
    ssize_t size = peer_receive(&once->peer, once->datagram, sizeof once->datagram,
                                &arrival.time_ms, &arrival.from);
    if (size == -EAGAIN)
        return;
    if (size < 0) {
        stop(once, (int)size);
        return;
    }
    if (once->options->timeout_ms == 0)
        return; /* it isn't waited for, so whether it were printed would be chance */
    arrival.size = (size_t)size;
    if (challenge_answer_is_wanted(&once->peer, once->datagram, arrival.size)) {
        prove(once);
        return;
    }
    /* Behind a second sending, nobody knows which one was answered (Karn's algorithm). */
    if (once->tries == 1)
        arrival.rtt_ns = clock_now_ns() - once->sent_ns;
    print_arrival(stdout, once->style, &arrival);
    fflush(stdout);
    end_request(once);
}

/* Runs all requests over the peer's socket. 0 or -errno. */
static int run(struct once *once)
{
    int error = loop_timer_open(once->loop, &once->timer, timed_out, once);
    if (error)
        return error;
    error = loop_add(once->loop, &once->socket, once->peer.socket, LOOP_READ, ready, once);
    if (!error) {
        once->error = 0;
        once->done = once->unanswered = 0;
        begin_request(once);
        error = loop_run_until_stopped(once->loop);
        loop_remove(&once->socket);
    }
    loop_timer_close(&once->timer);
    return error ? error : once->error;
}

/* The next address that there is a way to. Whether there is one. */
static bool change_peer(struct once *once)
{
    struct peer next;
    if (!peer_may_change(&once->peer, once->peers) || peer_connect(&next, once->peers) != 0)
        return false;
    once->peer = next;
    return true;
}

/* Runs with one address after the other, until one answers. */
static int run_peers(struct once *once)
{
    int error = peer_connect(&once->peer, once->peers);
    if (error)
        return error;
    do {
        error = run(once);
        peer_close(&once->peer);
    } while ((error == -ECONNREFUSED || error == -ETIMEDOUT) && once->done == once->unanswered &&
             change_peer(once));
    return error;
}

static int report(const struct once *once, int error)
{
    const struct client_options *options = once->options;
    const char *plural = options->message_size == 1 ? "" : "s";
    if (error)
        print_error(peer_why(error), peer_next(error), "sending %zu byte%s to %s",
                    options->message_size, plural, once->peer.name);
    else if (once->unanswered) {
        char timeout[24], tries[48] = "once", why[200];
        bool again = options->retries > 0 && !once->peer.stream;
        if (again)
            snprintf(tries, sizeof tries, "%" PRIu64 " times", options->retries + 1);
        snprintf(why, sizeof why,
                 "no reply to %" PRIu64 " of %" PRIu64 " request%s (sent %s, waited %s%s)",
                 once->unanswered, once->done, once->done == 1 ? "" : "s", tries,
                 text_format_duration(options->timeout_ms, timeout), again ? " each time" : "");
        print_error(why, peer_next(-ETIMEDOUT), "sending %zu byte%s to %s", options->message_size,
                    plural, once->peer.name);
    }
    return error || once->unanswered;
}

int single_request_run(const struct client_options *options, struct peers *peers)
{
    struct once once = {
        .options = options,
        .style = print_style(options->json, options->hex, terminal_is(STDOUT_FILENO), true),
        .peers = peers,
        .loop = loop_new(),
    };
    int error = once.loop ? run_peers(&once) : -errno;
    loop_free(once.loop);
    return report(&once, error);
}
