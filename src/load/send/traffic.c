/* The hot path: requests out, datagrams in. */
#include "load/send/traffic.h"

#include "net/socket/icmp_errors.h"
#include "os/process/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Requests of a schedule that one system call sends when several are due: their actual time is
       taken once, before it, and over loopback each takes some 3 microseconds. */
    PACED_BATCH = 16,
    DATAGRAM_BYTES = 2048, /* replies are told apart by so many bytes, or as many as are expected */
};

/* ---- Making ---- */

/* This share of a number that is dealt out in turn. */
static uint64_t share_of(const struct traffic_setting *setting, uint64_t number)
{
    return number / setting->shares + (setting->share < number % setting->shares);
}

static size_t room_for_replies(const struct load_options *options)
{
    size_t room = DATAGRAM_BYTES;
    for (size_t i = 0; i < options->expected_count; i++)
        if (options->expected[i].size >= room)
            room = options->expected[i].size + 1; /* a longer one must differ */
    return room;
}

static void start_schedule(struct traffic *traffic)
{
    const struct traffic_setting *is = &traffic->is;
    if (is->rate == 0)
        return;
    if (is->options->poisson)
        schedule_init_poisson(&traffic->schedule, is->rate, is->shares, is->share,
                              is->options->seed);
    else
        schedule_init(&traffic->schedule, is->rate, is->shares, is->share);
}

static void begin_counting(struct traffic *traffic)
{
    traffic->counts = (struct load_counts){0};
    histogram_init(&traffic->corrected);
    histogram_init(&traffic->raw);
    histogram_init(&traffic->lag);
    traffic->left = traffic->is.options->count == UINT64_MAX
                        ? UINT64_MAX
                        : share_of(&traffic->is, traffic->is.options->count);
}

int traffic_open(struct traffic *traffic, const struct traffic_setting *setting,
                 const struct simulated_clients *clients)
{
    const struct load_options *options = setting->options;
    *traffic = (struct traffic){.is = *setting, .clients = *clients};
    traffic->match = reply_match_new(clients->count, options->timeout_ns);
    traffic->replies = reply_counts_new(options->expected, options->expected_count);
    traffic->copies = setting->registers ? copy_counts_new(clients->count) : NULL;
    traffic->in = batch_new(room_for_replies(options));
    traffic->out = batch_new(0);
    traffic->proofs = challenge_answers_new(options->message, options->message_size);
    traffic->leave = setting->registers ? leave_frames_new(&traffic->clients) : NULL;
    if (!traffic->match || !traffic->replies || !traffic->in || !traffic->out || !traffic->proofs ||
        (setting->registers && !(traffic->copies && traffic->leave))) {
        traffic->clients =
            (struct simulated_clients){.sockets = NULL}; /* they are still the caller's */
        traffic_close(traffic);
        return -ENOMEM;
    }
    simulated_clients_prepare(clients, traffic->out, options->message, options->message_size);
    uint64_t limit = share_of(setting, options->outstanding);
    limit = limit < clients->count ? limit : clients->count;
    traffic->limit = limit ? (uint32_t)limit : 1;
    traffic->least = traffic->limit / 4 < BATCH_MAX ? traffic->limit / 4 : BATCH_MAX;
    start_schedule(traffic);
    begin_counting(traffic);
    return 0;
}

void traffic_close(struct traffic *traffic)
{
    simulated_clients_close(&traffic->clients);
    reply_match_free(traffic->match);
    reply_counts_free(traffic->replies);
    copy_counts_free(traffic->copies);
    batch_free(traffic->in);
    batch_free(traffic->out);
    challenge_answers_free(traffic->proofs);
    leave_frames_free(traffic->leave);
}

/* ---- Out ---- */

static uint64_t next_intended_ns(const struct traffic *traffic)
{
    return traffic->is.rate ? traffic->is.start_ns + schedule_due_ns(&traffic->schedule)
                            : traffic->now_ns;
}

/* Whether the end has come before that time. As fast as it goes, the first request is sent however
 * short the time is, and however long a busy processor has kept this thread from its beginning. */
static bool is_over(const struct traffic *traffic, uint64_t intended_ns)
{
    return intended_ns >= traffic->is.end_ns && (traffic->is.rate || traffic->measuring);
}

bool traffic_is_due_more(const struct traffic *traffic)
{
    return traffic->blocked || (traffic->left > 0 && !is_over(traffic, next_intended_ns(traffic)));
}

uint64_t traffic_due_ns(const struct traffic *traffic)
{
    return traffic->is.rate && !traffic->blocked ? next_intended_ns(traffic) : UINT64_MAX;
}

/* From here on it counts. */
static void begin_measuring(struct traffic *traffic)
{
    traffic->measuring = true;
    traffic->began_ns = traffic->now_ns;
    traffic->open_then = reply_match_open(traffic->match);
    reply_match_measure(traffic->match);
    begin_counting(traffic);
}

/* How many may go now in one batch. Replies come in batches too, and answering each batch's worth
 * with a few requests would cost a system call for every few: as fast as it goes, requests wait
 * until some have gathered. */
static uint32_t may_send(const struct traffic *traffic)
{
    uint32_t most = traffic->is.rate ? PACED_BATCH : BATCH_MAX;
    if (!traffic->clients.by_address)
        most = 1; /* each client has a socket, and a batch goes to one */
    if (!traffic->is.rate) {
        uint64_t open = reply_match_open(traffic->match);
        uint64_t room = open < traffic->limit ? traffic->limit - open : 0;
        if (room < traffic->least && open > 0)
            return 0;
        most = room < most ? (uint32_t)room : most;
    }
    return traffic->left < most ? (uint32_t)traffic->left : most;
}

/* Puts one request into the batch. False if none is due, or nobody may send it. */
static bool gather_one(struct traffic *traffic, int i)
{
    uint64_t intended_ns = next_intended_ns(traffic);
    uint32_t client, ip = 0;

    if (intended_ns > traffic->now_ns || is_over(traffic, intended_ns))
        return false;
    if (!traffic->measuring && intended_ns >= traffic->is.measure_ns) {
        if (i > 0)
            return false;
        begin_measuring(traffic);
    }
    if (!reply_match_pick(traffic->match, traffic->is.rate != 0, &client))
        return false;
    uint32_t socket = simulated_clients_socket(&traffic->clients, client, &ip);
    if (i > 0 && socket != traffic->out_socket) {
        reply_match_unpick(traffic->match, client);
        return false;
    }
    batch_again(traffic->out, ip);
    traffic->out_socket = socket;
    traffic->picked[i] = (struct traffic_picked){intended_ns, client};
    if (traffic->is.rate)
        schedule_advance(&traffic->schedule);
    return true;
}

static void note_sent(struct traffic *traffic, const struct traffic_picked *picked)
{
    reply_match_sent(traffic->match, picked->client, picked->intended_ns, traffic->now_ns);
    if (traffic->measuring && traffic->is.rate)
        histogram_add(&traffic->lag, traffic->now_ns - picked->intended_ns);
}

static void note_refused(struct traffic *traffic, const struct traffic_picked *picked)
{
    reply_match_unpick(traffic->match, picked->client);
    traffic->error = -batch_tally(traffic->out).last_errno;
}

/* What became of those that were handed to the kernel; they are measured all, or none is. */
static void settle(struct traffic *traffic, int from, int to)
{
    uint32_t refused = 0;
    for (int i = from; i < to; i++) {
        if (batch_refused(traffic->out, i)) {
            note_refused(traffic, &traffic->picked[i]);
            refused++;
        } else {
            note_sent(traffic, &traffic->picked[i]);
        }
    }
    if (!traffic->measuring)
        return;
    traffic->counts.sent += (uint32_t)(to - from) - refused;
    traffic->counts.send_errors += refused;
    if (traffic->left != UINT64_MAX)
        traffic->left -= (uint32_t)(to - from);
}

/* ICMP errors were told for a socket, so many by its sends or receives. Where clients share it, the
 * kernel has kept each of them, and knows better. */
static void note_told(struct traffic *traffic, uint32_t socket, uint32_t count, int error)
{
    if (traffic->clients.by_address)
        count = icmp_errors_receive(traffic->clients.sockets[socket], &error);
    if (count > 0)
        traffic->error = error;
    if (traffic->measuring)
        traffic->counts.refused += count;
}

/* Hands the batch to the kernel, or what it didn't take last time. */
static void flush(struct traffic *traffic)
{
    uint32_t told = batch_tally(traffic->out).told;
    int from = batch_settled(traffic->out);
    int error = batch_send(traffic->out, traffic->clients.sockets[traffic->out_socket]);
    int to = batch_settled(traffic->out);
    settle(traffic, from, to);
    told = batch_tally(traffic->out).told - told;
    if (told > 0)
        note_told(traffic, traffic->out_socket, told, -batch_tally(traffic->out).told_errno);
    if (to > from && !traffic->first_ns)
        traffic->first_ns = traffic->now_ns;
    traffic->blocked = error != 0;
    if (!traffic->blocked)
        batch_clear(traffic->out);
}

bool traffic_send(struct traffic *traffic)
{
    traffic->now_ns = clock_now_ns();
    if (!traffic->blocked) {
        int most = (int)may_send(traffic), count = 0;
        while (count < most && gather_one(traffic, count))
            count++;
        if (count == 0)
            return false;
    }
    int before = batch_settled(traffic->out);
    flush(traffic);
    return !traffic->blocked || batch_settled(traffic->out) > before;
}

uint64_t traffic_give_up(struct traffic *traffic, uint64_t most)
{
    uint64_t count = 0;
    if (traffic->blocked) {
        for (int i = batch_settled(traffic->out); i < batch_queued(traffic->out); i++, count++)
            reply_match_unpick(traffic->match, traffic->picked[i].client);
        batch_clear(traffic->out);
        traffic->blocked = false;
    }
    while (traffic->is.rate && count < most && count < traffic->left &&
           next_intended_ns(traffic) < traffic->is.end_ns &&
           next_intended_ns(traffic) < traffic->now_ns) {
        schedule_advance(&traffic->schedule);
        count++;
    }
    traffic->left = 0;
    return count;
}

/* ---- In ---- */

static void count_reply(struct traffic *traffic, const struct datagram *datagram, uint64_t hash,
                        int number, const struct reply_match_answer *answer)
{
    reply_counts_count(traffic->replies, number, datagram->bytes, datagram->size, hash);
    if (number == REPLY_COUNTS_OTHER && traffic->is.options->expected_count > 0) {
        traffic->counts.wrong++;
        return;
    }
    traffic->counts.replied++;
    histogram_add(&traffic->corrected, traffic->now_ns - answer->intended_ns);
    histogram_add(&traffic->raw, traffic->now_ns - answer->sent_ns);
}

static void count_other(struct traffic *traffic, const struct reply_match_answer *answer)
{
    if (!traffic->measuring || !answer->measured)
        return;
    traffic->counts.late += answer->kind == REPLY_MATCH_LATE;
    traffic->counts.duplicate += answer->kind == REPLY_MATCH_DUPLICATE;
    traffic->counts.unsolicited += answer->kind == REPLY_MATCH_UNSOLICITED;
}

static void count_datagram(struct traffic *traffic, uint32_t client,
                           const struct datagram *datagram)
{
    uint64_t hash;
    int number = reply_counts_find(traffic->replies, datagram->bytes, datagram->size, &hash);
    bool expected = number != REPLY_COUNTS_OTHER || traffic->is.options->expected_count == 0;
    struct reply_match_answer answer =
        reply_match_datagram(traffic->match, client, (uint32_t)hash, expected);

    if (answer.kind != REPLY_MATCH_REPLY) {
        count_other(traffic, &answer);
        return;
    }
    if (traffic->copies)
        copy_counts_register(traffic->copies, client);
    if (traffic->measuring && answer.measured)
        count_reply(traffic, datagram, hash, number, &answer);
}

/* Connected sockets hear nobody but the target; what others say to the rest, which are of IPv4, is
 * not the service's. */
static bool is_from_target(const struct traffic *traffic, const struct datagram *datagram)
{
    const struct addr *source = &datagram->source, *target = &traffic->clients.target;
    return !traffic->clients.by_address ||
           (source->port == target->port && memcmp(source->ip, target->ip, 4) == 0);
}

/* Answers a challenge to a request that waits, which stays as old as it is. One that nobody waits
 * behind is left alone: a server that is never content ends with the timeout. */
static void prove(struct traffic *traffic, uint32_t client, int i)
{
    if (traffic->measuring && !traffic->leaving)
        traffic->counts.challenged++;
    if (traffic->leaving)
        challenge_answers_leave(traffic->proofs, traffic->in, i);
    else if (reply_match_waits(traffic->match, client))
        challenge_answers_answer(traffic->proofs, traffic->in, i);
}

static void take(struct traffic *traffic, uint32_t socket, int i,
                 const struct copy_counts_payload *payload)
{
    const struct datagram *datagram = &batch_datagrams(traffic->in)[i];
    if (!is_from_target(traffic, datagram))
        return;
    uint32_t client = simulated_clients_find(&traffic->clients, socket, &datagram->local);
    if (client == SIMULATED_CLIENTS_NONE)
        return;
    traffic->answered = true;
    if (traffic->leaving && leave_frames_is_answer(datagram))
        traffic->leave_asked = false;
    else if (challenge_answers_is_wanted(datagram))
        prove(traffic, client, i);
    else if (payload && copy_counts_take(traffic->copies, client, payload, datagram->bytes,
                                         datagram->size, traffic->now_ns))
        traffic->counts.unsolicited++;
    else
        count_datagram(traffic, client, datagram);
}

/* Nothing came, or an error (-errno) did. */
static void fail_to_receive(struct traffic *traffic, uint32_t socket, int error)
{
    if (error == 0)
        return;
    if (icmp_errors_may_be(error))
        note_told(traffic, socket, 1, error);
    else
        traffic->error = error;
}

int traffic_receive(struct traffic *traffic, uint32_t socket,
                    const struct copy_counts_payload *payload)
{
    int count = batch_receive(traffic->in, traffic->clients.sockets[socket]);
    if (count <= 0) {
        fail_to_receive(traffic, socket, count);
        return 0;
    }
    traffic->now_ns = clock_now_ns();
    uint64_t before = traffic->counts.replied + traffic->counts.wrong;
    for (int i = 0; i < count; i++)
        take(traffic, socket, i, payload);
    if (traffic->counts.replied + traffic->counts.wrong != before)
        traffic->replied_ns = traffic->now_ns;
    /* Proofs that the socket has no room for are as good as lost on the way. */
    if (batch_queued(traffic->in) > 0)
        batch_send(traffic->in, traffic->clients.sockets[socket]);
    if (batch_tally(traffic->in).told > 0)
        note_told(traffic, socket, batch_tally(traffic->in).told,
                  -batch_tally(traffic->in).told_errno);
    batch_clear(traffic->in);
    return count;
}

bool traffic_leave(struct traffic *traffic, uint32_t most)
{
    traffic->leaving = true;
    return leave_frames_send(traffic->leave, traffic->copies, most, &traffic->leave_asked);
}

void traffic_expire(struct traffic *traffic)
{
    traffic->counts.lost += reply_match_expire(traffic->match, traffic->now_ns);
}
