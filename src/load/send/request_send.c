#include "load/send/request_send.h"

#include "os/process/clock.h"

enum {
    /* Requests of a schedule that one system call sends when several are due. Their actual time is
     * read once, before the call, so a larger batch would make it less exact. */
    PACED_BATCH = 16,
};

static uint64_t next_intended_ns(const struct request_io *io)
{
    return io->setting.rate ? io->setting.start_ns + send_schedule_due_ns(&io->schedule)
                            : io->now_ns;
}

/* Returns whether the end is before that time. Without a rate, the first request is sent even if
 * the duration is short and a busy processor delayed the start of this thread. */
static bool is_over(const struct request_io *io, uint64_t intended_ns)
{
    return intended_ns >= io->setting.end_ns && (io->setting.rate || io->measuring);
}

bool request_send_has_more(const struct request_io *io)
{
    return io->blocked || (io->remaining > 0 && !is_over(io, next_intended_ns(io)));
}

uint64_t request_send_due_ns(const struct request_io *io)
{
    return io->setting.rate && !io->blocked ? next_intended_ns(io) : UINT64_MAX;
}

/* Returns how many requests one batch may send now. Without a rate, requests wait until min_batch
 * of them may be sent: a batch for each few replies would cost a system call for each few requests.
 */
static uint32_t batch_limit(const struct request_io *io)
{
    uint32_t most = io->setting.rate ? PACED_BATCH : BATCH_MAX;
    if (!io->clients.by_address)
        most = 1; /* each client has its own socket, and a batch uses one socket */
    if (!io->setting.rate) {
        uint64_t open = reply_match_open(io->match);
        uint64_t free = open < io->max_open ? io->max_open - open : 0;
        if (free < io->min_batch && open > 0)
            return 0;
        most = free < most ? (uint32_t)free : most;
    }
    return io->remaining < most ? (uint32_t)io->remaining : most;
}

/* Adds one request to the batch. Returns false if none is due, or no client may send it. */
static bool add_due_request(struct request_io *io, int i)
{
    uint64_t intended_ns = next_intended_ns(io);
    uint32_t client, ip = 0;

    if (intended_ns > io->now_ns || is_over(io, intended_ns))
        return false;
    if (!io->measuring && intended_ns >= io->setting.measure_ns) {
        if (i > 0)
            return false;
        request_io_begin_measuring(io);
    }
    if (!reply_match_pick(io->match, io->setting.rate != 0, &client))
        return false;
    uint32_t socket = simulated_clients_socket(&io->clients, client, &ip);
    if (i > 0 && socket != io->out_socket) {
        reply_match_unpick(io->match, client);
        return false;
    }
    batch_repeat_from(io->out, ip);
    io->out_socket = socket;
    io->picked[i] = (struct picked_request){intended_ns, client};
    if (io->setting.rate)
        send_schedule_advance(&io->schedule);
    return true;
}

static void count_sent(struct request_io *io, const struct picked_request *picked)
{
    reply_match_sent(io->match, picked->client, picked->intended_ns, io->now_ns);
    if (io->measuring && io->setting.rate)
        histogram_add(&io->lag, io->now_ns - picked->intended_ns);
}

static void count_refused(struct request_io *io, const struct picked_request *picked)
{
    reply_match_unpick(io->match, picked->client);
    io->error = -batch_counts(io->out).last_errno;
}

/* Counts requests that the kernel took or refused. Either all of them are measured, or none is. */
static void settle(struct request_io *io, int from, int to)
{
    uint32_t refused = 0;
    for (int i = from; i < to; i++) {
        if (batch_is_refused(io->out, i)) {
            count_refused(io, &io->picked[i]);
            refused++;
        } else {
            count_sent(io, &io->picked[i]);
        }
    }
    if (!io->measuring)
        return;
    io->counts.sent += (uint32_t)(to - from) - refused;
    io->counts.send_errors += refused;
    if (io->remaining != UINT64_MAX)
        io->remaining -= (uint32_t)(to - from);
}

/* Sends the batch, or the part of it that the kernel did not take last time. */
static void send_batch(struct request_io *io)
{
    uint32_t icmp_errors = batch_counts(io->out).icmp_errors;
    int from = batch_done(io->out);
    int error = batch_send(io->out, io->clients.sockets[io->out_socket]);
    int to = batch_done(io->out);
    settle(io, from, to);
    icmp_errors = batch_counts(io->out).icmp_errors - icmp_errors;
    if (icmp_errors > 0)
        request_io_count_icmp_errors(io, io->out_socket, icmp_errors,
                                     -batch_counts(io->out).icmp_errno);
    if (to > from && !io->first_sent_ns)
        io->first_sent_ns = io->now_ns;
    io->blocked = error != 0;
    if (!io->blocked)
        batch_clear(io->out);
}

bool request_send_batch(struct request_io *io)
{
    io->now_ns = clock_now_ns();
    if (!io->blocked) {
        int most = (int)batch_limit(io), count = 0;
        while (count < most && add_due_request(io, count))
            count++;
        if (count == 0)
            return false;
    }
    int before = batch_done(io->out);
    send_batch(io);
    return !io->blocked || batch_done(io->out) > before;
}

uint64_t request_send_abandon(struct request_io *io, uint64_t most)
{
    uint64_t count = 0;
    if (io->blocked) {
        for (int i = batch_done(io->out); i < batch_queued(io->out); i++, count++)
            reply_match_unpick(io->match, io->picked[i].client);
        batch_clear(io->out);
        io->blocked = false;
    }
    while (io->setting.rate && count < most && count < io->remaining &&
           next_intended_ns(io) < io->setting.end_ns && next_intended_ns(io) < io->now_ns) {
        send_schedule_advance(&io->schedule);
        count++;
    }
    io->remaining = 0;
    return count;
}
