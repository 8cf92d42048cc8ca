#include "load/send/reply_receive.h"

#include "net/socket/icmp_errors.h"
#include "os/process/clock.h"
#include "wire/frame.h"

#include <string.h>

static void count_reply(struct request_io *io, const struct datagram *datagram, uint64_t hash,
                        int number, const struct reply_match_answer *answer)
{
    reply_counts_count(io->replies, number, datagram->bytes, datagram->size, hash);
    if (number == REPLY_COUNTS_OTHER && io->setting.options->expected_count > 0) {
        io->counts.wrong++;
        return;
    }
    io->counts.replied++;
    histogram_add(&io->corrected, io->now_ns - answer->intended_ns);
    histogram_add(&io->raw, io->now_ns - answer->sent_ns);
}

static void count_other(struct request_io *io, const struct reply_match_answer *answer)
{
    if (!io->measuring || !answer->measured)
        return;
    io->counts.late += answer->kind == REPLY_MATCH_LATE;
    io->counts.duplicate += answer->kind == REPLY_MATCH_DUPLICATE;
    io->counts.unsolicited += answer->kind == REPLY_MATCH_UNSOLICITED;
}

static void count_datagram(struct request_io *io, uint32_t client, const struct datagram *datagram)
{
    uint64_t hash;
    int number = reply_counts_find(io->replies, datagram->bytes, datagram->size, &hash);
    bool expected = number != REPLY_COUNTS_OTHER || io->setting.options->expected_count == 0;
    struct reply_match_answer answer =
        reply_match_datagram(io->match, client, (uint32_t)hash, expected);

    if (answer.kind != REPLY_MATCH_REPLY) {
        count_other(io, &answer);
        return;
    }
    if (io->copies)
        copy_counts_register(io->copies, client);
    if (io->measuring && answer.measured)
        count_reply(io, datagram, hash, number, &answer);
}

/* Connected sockets receive from the target only. The others, which are IPv4, may receive datagrams
 * of other sources, which do not count. */
static bool is_from_target(const struct request_io *io, const struct datagram *datagram)
{
    const struct addr *source = &datagram->source, *target = &io->clients.target;
    return !io->clients.by_address ||
           (source->port == target->port && memcmp(source->ip, target->ip, 4) == 0);
}

/* Answers a challenge if the client waits for a reply; its request keeps its age. Other challenges
 * are ignored. So a request to a server that challenges without end times out. */
static void answer_challenge(struct request_io *io, uint32_t client, int i)
{
    if (io->measuring && !io->leaving)
        io->counts.challenged++;
    if (io->leaving)
        challenge_answers_queue_leave(io->challenge_answers, io->in, i);
    else if (reply_match_waits(io->match, client))
        challenge_answers_queue(io->challenge_answers, io->in, i);
}

static void receive_copy(struct request_io *io, uint32_t client,
                         const struct copy_counts_payload *payload, const void *bytes, size_t size)
{
    if (copy_counts_add(io->copies, client, payload, bytes, size, io->now_ns))
        io->counts.unsolicited++;
}

/* Handles a message of the current broadcast; one of an earlier broadcast, which came late, is
 * ignored. */
static void receive_message(struct request_io *io, uint32_t client, const struct frame *message,
                            const struct copy_counts_payload *payload)
{
    if (payload == NULL || message->size != payload->size ||
        memcmp(message->body, payload->bytes, payload->size) != 0)
        return;
    if (confirming_clients_receive(io->confirming, client, message, io->now_ns) == CONFIRMING_NEW)
        receive_copy(io, client, payload, message->body, message->size);
}

/* Handles the frames of --confirm. Returns false for any other datagram. */
static bool receive_frame(struct request_io *io, uint32_t client, const struct datagram *datagram,
                          const struct copy_counts_payload *payload)
{
    if (io->confirming == NULL || !frame_has_magic(datagram->bytes, datagram->size))
        return false;
    struct frame frame = frame_read(datagram->bytes, datagram->size);
    if (frame.type == FRAME_NAMED && confirming_clients_greet(io->confirming, client))
        hello_frames_answer(io->hello, io->now_ns);
    if (frame.type == FRAME_MESSAGE)
        receive_message(io, client, &frame, payload);
    return frame.type == FRAME_NAMED || frame.type == FRAME_MESSAGE;
}

static void handle_datagram(struct request_io *io, uint32_t socket, int i,
                            const struct copy_counts_payload *payload)
{
    const struct datagram *datagram = &batch_datagrams(io->in)[i];
    if (!is_from_target(io, datagram))
        return;
    uint32_t client = simulated_clients_find(&io->clients, socket, &datagram->local);
    if (client == SIMULATED_CLIENTS_NONE)
        return;
    io->answered = true;
    if (io->leaving && leave_frames_take_pong(io->leave, datagram))
        return;
    if (receive_frame(io, client, datagram, payload))
        return;
    if (challenge_answers_is_challenge(datagram))
        answer_challenge(io, client, i);
    else if (payload && copy_counts_add(io->copies, client, payload, datagram->bytes,
                                        datagram->size, io->now_ns))
        io->counts.unsolicited++;
    else
        count_datagram(io, client, datagram);
}

/* Handles a receive that returned no datagram: 0, or an error (-errno). */
static void handle_receive_error(struct request_io *io, uint32_t socket, int error)
{
    if (error == 0)
        return;
    if (icmp_errors_may_be(error))
        request_io_count_icmp_errors(io, socket, 1, error);
    else
        io->error = error;
}

int reply_receive_batch(struct request_io *io, uint32_t socket,
                        const struct copy_counts_payload *payload)
{
    int count = batch_receive(io->in, io->clients.sockets[socket]);
    if (count <= 0) {
        handle_receive_error(io, socket, count);
        return 0;
    }
    io->now_ns = clock_now_ns();
    uint64_t before = io->counts.replied + io->counts.wrong;
    for (int i = 0; i < count; i++)
        handle_datagram(io, socket, i, payload);
    if (io->counts.replied + io->counts.wrong != before)
        io->last_reply_ns = io->now_ns;
    /* Answers that do not fit into the send buffer count as lost on the network. */
    if (batch_queued(io->in) > 0)
        batch_send(io->in, io->clients.sockets[socket]);
    if (batch_counts(io->in).icmp_errors > 0)
        request_io_count_icmp_errors(io, socket, batch_counts(io->in).icmp_errors,
                                     -batch_counts(io->in).icmp_errno);
    batch_clear(io->in);
    return count;
}

void reply_receive_expire(struct request_io *io)
{
    io->counts.lost += reply_match_expire(io->match, io->now_ns);
}

void reply_receive_leave(struct request_io *io, uint64_t took_ns)
{
    io->leaving = true;
    leave_frames_start(io->leave, io->now_ns, took_ns, io->max_open);
}
