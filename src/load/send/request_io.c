#include "load/send/request_io.h"

#include "net/socket/icmp_errors.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdlib.h>

enum {
    /* Replies are compared up to this number of bytes, or up to the longest of --expect. */
    DATAGRAM_BYTES = 2048,
};

/* Returns this share of a number that is divided among all shares. */
static uint64_t share_of(const struct request_io_setting *setting, uint64_t number)
{
    return number / setting->shares + (setting->share < number % setting->shares);
}

static size_t reply_capacity(const struct load_options *options)
{
    size_t bytes = DATAGRAM_BYTES;
    /* A broadcast is as long as a request; in a frame it has a head. */
    if (options->fanout && options->message_size + FRAME_MESSAGE_HEAD_BYTES > bytes)
        bytes = options->message_size + FRAME_MESSAGE_HEAD_BYTES;
    for (size_t i = 0; i < options->expected_count; i++)
        if (options->expected[i].size >= bytes)
            bytes = options->expected[i].size + 1; /* a longer reply must differ */
    return bytes;
}

static void start_schedule(struct request_io *io)
{
    const struct request_io_setting *setting = &io->setting;
    if (setting->rate == 0)
        return;
    if (setting->options->poisson)
        send_schedule_init_poisson(&io->schedule, setting->rate, setting->shares, setting->share,
                                   setting->options->seed);
    else
        send_schedule_init(&io->schedule, setting->rate, setting->shares, setting->share);
}

static void reset_counts(struct request_io *io)
{
    io->counts = (struct load_counts){0};
    histogram_init(&io->corrected);
    histogram_init(&io->raw);
    histogram_init(&io->lag);
    io->remaining = io->setting.options->count == UINT64_MAX
                        ? UINT64_MAX
                        : share_of(&io->setting, io->setting.options->count);
}

/* What a fan-out needs beyond requests and replies. Returns 0 or -ENOMEM. */
static int open_fanout(struct request_io *io)
{
    const struct load_options *options = io->setting.options;
    if (!io->setting.counts_copies)
        return 0;
    io->copies = copy_counts_new(io->clients.count);
    io->leave = leave_frames_new(&io->clients);
    if (!io->copies || !io->leave)
        return -ENOMEM;
    if (!options->confirm)
        return 0;
    io->confirming =
        confirming_clients_new(&io->clients, options->drop_ppm, options->seed + io->setting.share);
    io->hello = hello_frames_new(&io->clients);
    return io->confirming && io->hello ? 0 : -ENOMEM;
}

int request_io_open(struct request_io *io, const struct request_io_setting *setting,
                    const struct simulated_clients *clients)
{
    const struct load_options *options = setting->options;
    *io = (struct request_io){.setting = *setting, .clients = *clients};
    io->match = reply_match_new(clients->count, options->timeout_ns);
    io->replies = reply_counts_new(options->expected, options->expected_count);
    io->in = batch_new(reply_capacity(options));
    io->out = batch_new(0);
    io->challenge_answers = challenge_answers_new(options->message, options->message_size);
    if (!io->match || !io->replies || !io->in || !io->out || !io->challenge_answers ||
        open_fanout(io) != 0) {
        /* The caller still owns them. */
        io->clients = (struct simulated_clients){.sockets = NULL};
        request_io_close(io);
        return -ENOMEM;
    }
    simulated_clients_prepare(clients, io->out, options->message, options->message_size);
    uint64_t limit = share_of(setting, options->outstanding);
    limit = limit < clients->count ? limit : clients->count;
    io->max_open = limit ? (uint32_t)limit : 1;
    io->min_batch = io->max_open / 4 < BATCH_MAX ? io->max_open / 4 : BATCH_MAX;
    start_schedule(io);
    reset_counts(io);
    return 0;
}

void request_io_close(struct request_io *io)
{
    simulated_clients_close(&io->clients);
    reply_match_free(io->match);
    reply_counts_free(io->replies);
    copy_counts_free(io->copies);
    batch_free(io->in);
    batch_free(io->out);
    challenge_answers_free(io->challenge_answers);
    leave_frames_free(io->leave);
    confirming_clients_free(io->confirming);
    hello_frames_free(io->hello);
}

void request_io_begin_measuring(struct request_io *io)
{
    io->measuring = true;
    io->measuring_ns = io->now_ns;
    io->open_at_warmup = reply_match_open(io->match);
    reply_match_measure(io->match);
    reset_counts(io);
}

void request_io_count_icmp_errors(struct request_io *io, uint32_t socket, uint32_t count, int error)
{
    /* Where clients share a socket, the kernel has queued each error, and that queue is exact. */
    if (io->clients.by_address)
        count = icmp_errors_receive(io->clients.sockets[socket], &error);
    if (count > 0)
        io->error = error;
    if (io->measuring)
        io->counts.refused += count;
}
