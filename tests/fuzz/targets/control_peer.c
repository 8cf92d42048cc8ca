#include "control_peer.h"

#include "control_answers.h"
#include "control_stubs.h"
#include "net/message/framed_stream.h"
#include "server/gateway/gateway_session.h"
#include "target.h"

#include <errno.h>
#include <string.h>

enum {
    /* Each byte that waits for the peer counts as so many, so that an input of 4 KiB can bring a
     * session to the limits of its output. */
    UNSENT_WEIGHT = 64,
};

struct framed_stream {
    struct framed_stream_callbacks callbacks;
    void *state;
    char *line; /* that is being delivered */
    size_t unsent;
    bool paused;
    bool closed;          /* the callback was called */
    bool is_disconnected; /* the peer has left, or a write has failed */
    bool is_unread, is_broken, has_failed;
};

static struct framed_stream *peer;

/* ---- net/message/framed_stream ---- */

struct framed_stream *framed_stream_new(struct loop *loop, int fd, size_t max_line_bytes,
                                        const struct framed_stream_callbacks *callbacks,
                                        void *state)
{
    (void)loop, (void)fd;
    must(peer == NULL && max_line_bytes == CONTROL_COMMAND_BYTES_MAX);
    peer = calloc(1, sizeof *peer);
    must(peer != NULL);
    peer->callbacks = *callbacks;
    peer->state = state;
    answers_open();
    return peer;
}

void framed_stream_free(struct framed_stream *stream)
{
    must(stream == peer);
    answers_close(stream->is_disconnected || stub_is_stopping());
    free(stream->line);
    free(stream);
    peer = NULL;
}

void framed_stream_finish(struct framed_stream *stream)
{
    framed_stream_free(stream);
}

/* Only of an upgrade, which the script has no step for. */
void framed_stream_flush(struct framed_stream *stream, uint64_t until_ms)
{
    (void)stream, (void)until_ms;
    must(false);
}

bool framed_stream_write(struct framed_stream *stream, const void *bytes, size_t size)
{
    must(stream == peer);
    if (stream->is_broken)
        stream->has_failed = stream->is_disconnected = true;
    if (stream->has_failed) {
        stream->unsent = 0;
        return false;
    }
    if (stream->is_unread)
        stream->unsent += size;
    answers_read(bytes, size);
    return true;
}

size_t framed_stream_unsent_bytes(const struct framed_stream *stream)
{
    return stream->unsent * UNSENT_WEIGHT;
}

bool framed_stream_is_backed_up(const struct framed_stream *stream)
{
    return stream->unsent > 0;
}

void framed_stream_pause(struct framed_stream *stream)
{
    must(stream == peer);
    stream->paused = true;
}

void framed_stream_resume(struct framed_stream *stream)
{
    must(stream == peer);
    stream->paused = false;
}

/* ---- the peer ---- */

bool peer_is_connected(void)
{
    return peer != NULL;
}

bool peer_is_read(void)
{
    return !peer->paused && !peer->closed && !peer->has_failed;
}

void peer_send(const uint8_t *line, size_t size)
{
    must(peer_is_read());
    /* A gateway whose peer does not read its results is not read either. */
    must(!answers_are_of_gateway() || framed_stream_unsent_bytes(peer) < GATEWAY_UNSENT_BYTES);
    peer->line = malloc(size + 1);
    must(peer->line != NULL);
    memcpy(peer->line, line, size);
    peer->line[size] = '\0';
    answers_sent(line, size);
    peer->callbacks.line(peer->state, peer->line, size);
    if (peer == NULL)
        return;
    if (!peer->has_failed)
        answers_handled();
    free(peer->line);
    peer->line = NULL;
}

static void close_input(int error)
{
    must(!peer->closed);
    peer->closed = true;
    peer->callbacks.closed(peer->state, error);
}

void peer_end_input(int error)
{
    must(peer_is_read());
    answers_input_ended(error);
    close_input(error);
}

void peer_leave(void)
{
    peer->is_disconnected = peer->is_broken = true;
    peer->unsent = 0;
    if (!peer->closed)
        close_input(-EPIPE);
}

void peer_break(void)
{
    peer->is_broken = true;
}

bool peer_report_failure(void)
{
    if (peer == NULL || !peer->has_failed || peer->closed)
        return false;
    close_input(-ECONNRESET);
    return true;
}

void peer_stop_reading(void)
{
    peer->is_unread = true;
}

void peer_start_reading(void)
{
    peer->is_unread = false;
    peer_read();
}

bool peer_read(void)
{
    if (peer == NULL || peer->unsent == 0)
        return false;
    peer->unsent = 0;
    peer->callbacks.drained(peer->state);
    return true;
}
