/* The relays of two workers, driven in one thread. Recipients of the test record the copies. */
#include "server/broadcast/relay.h"

#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(relay, .timeout = 20);

enum { WORKERS = 2, CAPACITY = 512, LONGEST = 2048 };

/* The parts of one worker. No socket listens on the addresses in its registry. */
static struct worker_parts {
    int socket;
    struct datagram_io *io;
    struct send_monitor watch;
    struct send_socket_set senders;
    struct datagram_decider datagram_decider;
    struct registry *registry;
    void *memory;
    struct mailbox *mailbox;
    struct broadcast *broadcast;
    struct relay *relay;
    struct stats stats;
    int last_errno;
    char received[512]; /* the copies, each in brackets */
    uint64_t copies;
    uint64_t excepted_stream;
    struct addr excepted;
    bool is_blocked;          /* no copies are accepted */
    bool is_operator_blocked; /* no copies of the operator are accepted */
} workers[WORKERS];

static struct relay *relays[WORKERS];
static struct loop *loop;

static uint64_t begin(void *state, const struct shard_job *job, struct recipients_walk *walk)
{
    (void)state;
    (void)job;
    (void)walk;
    return 1;
}

static bool record_copy(void *state, const struct shard_job *job, struct recipients_walk *walk,
                        uint32_t limit, struct recipients_tally *tally, struct loop_task *wake)
{
    struct worker_parts *worker = state;
    (void)limit;
    (void)wake;
    if (worker->is_blocked || (worker->is_operator_blocked && job->queue == BROADCAST_OPERATOR))
        return true;
    size_t used = strlen(worker->received);
    snprintf(worker->received + used, sizeof worker->received - used, "[%.*s]", (int)job->size,
             (const char *)job->bytes);
    worker->copies++;
    worker->excepted = job->except.source;
    worker->excepted_stream = job->except.stream;
    walk->ended = true;
    tally->sent = 1;
    return false;
}

static void open_worker(struct worker_parts *worker)
{
    static const struct siphash_key key = {1, 2};
    const struct recipients recipients = {.state = worker, .begin = begin, .send = record_copy};
    worker->memory = aligned_alloc(64, (registry_bytes(CAPACITY) + 63) / 64 * 64);
    memset(worker->memory, 0, registry_bytes(CAPACITY));
    worker->registry = registry_new(worker->memory, CAPACITY, &key, 60000, clock_now_ms());
    worker->mailbox = mailbox_new(loop);
    struct addr any = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}}, bound;
    struct udp_socket_options none = {.receive_buffer_bytes = 0};
    worker->socket = udp_socket_open(&any, &none, &bound);
    cr_assert_eq(send_socket_set_open_single(&worker->senders, worker->socket, 128 << 10), 0);
    cr_assert_eq(send_monitor_open(&worker->watch, loop), 0);
    const struct datagram_io_options io = {
        .loop = loop,
        .senders = worker->senders,
        .send_monitor = &worker->watch,
        .datagram_decider = &worker->datagram_decider,
        .last_errno = &worker->last_errno,
        .stats = &worker->stats,
        .max_datagram_bytes = LONGEST,
        .socket = worker->socket,
    };
    cr_assert_eq(datagram_io_open(&worker->io, &io), 0);
    const struct broadcast_options broadcast = {
        .loop = loop,
        .registry = worker->registry,
        .capacity = CAPACITY,
        .io_by_listener = &worker->io,
        .stats = &worker->stats,
        .last_errno = &worker->last_errno,
    };
    cr_assert_eq(broadcast_open(&worker->broadcast, &broadcast), 0);
    broadcast_add_recipients(worker->broadcast, &recipients);
    const struct relay_options options = {
        .registry = worker->registry,
        .capacity = CAPACITY,
        .mailbox = worker->mailbox,
        .broadcast = worker->broadcast,
        .stats = &worker->stats,
        .max_message_bytes = LONGEST,
        .worker_count = WORKERS,
    };
    cr_assert_eq(relay_open(&worker->relay, &options), 0);
}

static void open_all(enum config_relay mode, uint32_t rate)
{
    loop = loop_new();
    memset(workers, 0, sizeof workers);
    for (int i = 0; i < WORKERS; i++) {
        open_worker(&workers[i]);
        relays[i] = workers[i].relay;
    }
    for (int i = 0; i < WORKERS; i++) {
        relay_set_peers(relays[i], relays);
        relay_set(relays[i], mode, rate);
    }
}

static void close_all(void)
{
    for (int i = 0; i < WORKERS; i++) {
        relay_close(relays[i]);
        broadcast_close(workers[i].broadcast);
        datagram_io_close(workers[i].io);
        send_monitor_close(&workers[i].watch);
        send_socket_set_close(&workers[i].senders);
        socket_close(workers[i].socket);
    }
    for (int i = 0; i < WORKERS; i++)
        mailbox_free(workers[i].mailbox);
    for (int i = 0; i < WORKERS; i++) {
        relay_free(relays[i]);
        registry_free(workers[i].registry);
        free(workers[i].memory);
    }
    loop_free(loop);
}

static void stop(void *state)
{
    (void)state;
    loop_stop(loop);
}

/* Enough rounds for all messages between the workers to be handled. */
static void turn(int rounds)
{
    struct loop_task task = {.run = stop};
    while (rounds-- > 0) {
        loop_defer(loop, &task);
        cr_assert_eq(loop_run_until_stopped(loop), 0);
    }
}

static struct addr client_of(int number)
{
    struct addr addr = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}, .port = (uint16_t)number};
    return addr;
}

static void join_from(struct addr source)
{
    struct addr none = {.family = ADDR_NONE};
    struct registry_datagram datagram = {.source = &source, .local = &none};
    registry_update(workers[0].registry, 0, &datagram, 1, clock_now_ms());
}

static void join(int number)
{
    join_from(client_of(number));
}

/* A client of the first worker sends a message. */
static void send_from(struct addr source, const char *text)
{
    const struct datagram datagram = {
        .bytes = (const uint8_t *)text,
        .size = (uint32_t)strlen(text),
        .source = source,
    };
    relay_datagram(relays[0], 0, &datagram, clock_now_ms());
}

static void send_message(int number, const char *text)
{
    send_from(client_of(number), text);
}

Test(relay, messages_of_a_client_reach_every_worker_in_their_order)
{
    open_all(RELAY_OTHERS, 0);
    join(1);
    send_message(1, "one");
    send_message(1, "two");
    send_message(1, "three");
    turn(20);
    for (int i = 0; i < WORKERS; i++)
        cr_assert_str_eq(workers[i].received, "[one][two][three]");
    cr_assert_eq(workers[0].stats.relayed, 3);
    cr_assert_eq(workers[1].stats.relayed, 0);
    close_all();
}

Test(relay, datagrams_of_unknown_sources_and_empty_ones_are_ignored)
{
    open_all(RELAY_OTHERS, 0);
    join(1);
    send_message(2, "unknown");
    send_message(1, "");
    turn(10);
    cr_assert_str_eq(workers[0].received, "");
    cr_assert_eq(workers[0].stats.relayed, 0);
    close_all();
}

Test(relay, others_excludes_the_sender_and_all_does_not)
{
    uint64_t due_ns = 0;
    struct addr sender = client_of(1);
    open_all(RELAY_OTHERS, 0);
    join(1);
    send_message(1, "hi");
    turn(10);
    cr_assert(addr_equal(&workers[1].excepted, &sender));
    relay_stream_message(relays[0], 7, &due_ns, "line", 4, clock_now_ms());
    turn(10);
    cr_assert_eq(workers[1].excepted.family, ADDR_NONE);
    cr_assert_eq(workers[1].excepted_stream, 7);

    relay_set(relays[0], RELAY_ALL, 0);
    send_message(1, "hi");
    turn(10);
    cr_assert_eq(workers[1].excepted.family, ADDR_NONE);
    relay_stream_message(relays[0], 7, &due_ns, "line", 4, clock_now_ms());
    turn(10);
    cr_assert_eq(workers[1].excepted_stream, 0);
    close_all();
}

Test(relay, each_client_has_a_rate_of_its_own)
{
    uint64_t due_ns = 0;
    open_all(RELAY_OTHERS, 5);
    join(1);
    join(2);
    for (int i = 0; i < 100; i++)
        send_message(1, "x");
    cr_assert_lt(workers[0].stats.relayed, 100);
    cr_assert_geq(workers[0].stats.relayed, 5 * RELAY_BURST_S);
    cr_assert_eq(workers[0].stats.relayed + workers[0].stats.relay_limited, 100);
    uint64_t before = workers[0].stats.relayed;
    send_message(2, "y");
    relay_stream_message(relays[0], 7, &due_ns, "z", 1, clock_now_ms());
    cr_assert_eq(workers[0].stats.relayed, before + 2);
    turn(200);
    cr_assert_eq(workers[1].copies, before + 2);
    close_all();
}

/* The slots of IPv6 follow those of IPv4, and so do their rate limits: with this capacity they
 * start on another page, where a table that is too short would overlap the ring. */
Test(relay, a_client_of_ipv6_has_a_rate_of_its_own_and_harms_no_message)
{
    struct addr source = {.family = ADDR_IPV6, .ip = {[15] = 1}, .port = 1};
    open_all(RELAY_OTHERS, 5);
    join_from(source);
    for (int i = 0; i < 5 * RELAY_BURST_S; i++)
        send_from(source, "x");
    cr_assert_eq(workers[0].stats.relayed, 5 * RELAY_BURST_S);
    send_from(source, "y");
    cr_assert_eq(workers[0].stats.relay_limited, 1);
    turn(200);
    join(1);
    for (int i = 0; i < 5 * RELAY_BURST_S; i++)
        send_message(1, "z");
    turn(200);
    cr_assert_eq(workers[0].stats.relay_dropped, 0);
    cr_assert_eq(workers[1].copies, 2 * 5 * RELAY_BURST_S);
    close_all();
}

Test(relay, a_full_ring_drops_the_newest_message_and_relays_the_others)
{
    char text[LONGEST + 1];
    memset(text, 'x', LONGEST);
    text[LONGEST] = '\0';
    open_all(RELAY_OTHERS, 0);
    join(1);
    workers[1].is_blocked = true;
    while (workers[0].stats.relay_dropped < 10)
        send_message(1, text);
    uint64_t relayed = workers[0].stats.relayed;
    cr_assert_geq(relayed, RELAY_RING_BYTES / (LONGEST + 1024));
    turn(20000);
    cr_assert_eq(workers[0].copies, relayed, "the other worker delays no copy");
    send_message(1, text);
    cr_assert_eq(workers[0].stats.relay_dropped, 11);

    workers[1].is_blocked = false;
    struct shard_job resume_job = {.bytes = NULL, .size = 0, .queue = BROADCAST_OPERATOR};
    resume_job.reply_mailbox = workers[1].mailbox;
    resume_job.completion.handle = (void (*)(struct mailbox_message *))stop;
    broadcast_start(workers[1].broadcast, &resume_job);
    turn(20000);
    cr_assert_eq(workers[1].copies, relayed + 1);
    send_message(1, "again");
    turn(20);
    cr_assert_eq(workers[0].stats.relayed, relayed + 1);
    cr_assert_eq(workers[1].copies, relayed + 2);
    close_all();
}

static void ignore_completion(struct mailbox_message *completion)
{
    (void)completion;
}

Test(relay, does_not_wait_for_the_operators_broadcasts_nor_they_for_it)
{
    struct shard_job job = {.bytes = (const uint8_t *)"news", .size = 4};
    open_all(RELAY_OTHERS, 0);
    join(1);
    job.reply_mailbox = workers[0].mailbox;
    job.completion.handle = ignore_completion;
    workers[0].is_operator_blocked = true;
    broadcast_start(workers[0].broadcast, &job);
    turn(5);
    send_message(1, "one");
    turn(5);
    send_message(1, "two");
    turn(5);
    cr_assert_str_eq(workers[0].received, "[one][two]");
    workers[0].is_operator_blocked = false;
    send_message(1, "three");
    turn(10);
    cr_assert_str_eq(workers[0].received + strlen("[one][two]"), "[news][three]");
    /* The recipients of the test, and the client. */
    cr_assert_eq(job.targets, 2);
    cr_assert_eq(job.sent, 2);
    close_all();
}

Test(relay, a_job_that_waits_in_its_queue_can_be_cancelled)
{
    struct shard_job first = {.bytes = (const uint8_t *)"first", .size = 5}, second = first,
                     third = {.bytes = (const uint8_t *)"third", .size = 5};
    open_all(RELAY_OFF, 0);
    first.completion.handle = second.completion.handle = third.completion.handle =
        ignore_completion;
    workers[0].is_blocked = true;
    broadcast_start(workers[0].broadcast, &first);
    broadcast_start(workers[0].broadcast, &second);
    broadcast_start(workers[0].broadcast, &third);
    turn(5);
    broadcast_cancel(workers[0].broadcast, &second);
    broadcast_cancel(workers[0].broadcast, &second);
    workers[0].is_blocked = false;
    broadcast_cancel(workers[0].broadcast, &first);
    turn(10);
    cr_assert_str_eq(workers[0].received, "[third]");
    cr_assert_eq(first.skipped, 1);
    cr_assert_eq(second.targets + second.sent + second.skipped, 0, "it never started");
    cr_assert_eq(third.sent, 1);
    close_all();
}

Test(relay, the_ring_is_used_again_and_again)
{
    open_all(RELAY_ALL, 0);
    join(1);
    for (int i = 0; i < 20000; i++) {
        send_message(1, "a line of some length, as people write it to each other all day");
        if (i % 100 == 0)
            turn(300);
    }
    turn(2000);
    cr_assert_eq(workers[0].stats.relay_dropped, 0);
    for (int i = 0; i < WORKERS; i++)
        cr_assert_eq(workers[i].copies, 20000);
    close_all();
}

Test(relay, messages_to_a_worker_that_has_ended_are_dropped)
{
    open_all(RELAY_OTHERS, 0);
    join(1);
    relay_close(relays[1]);
    broadcast_close(workers[1].broadcast);
    workers[1].broadcast = NULL;
    send_message(1, "anyone there?");
    turn(10);
    cr_assert_str_eq(workers[0].received, "[anyone there?]");
    cr_assert_str_eq(workers[1].received, "");
    close_all();
}

Test(relay, any_datagram_fits_however_long)
{
    open_all(RELAY_OTHERS, 0);
    relay_free(relays[1]);
    const struct relay_options options = {
        .registry = workers[1].registry,
        .capacity = CAPACITY,
        .mailbox = workers[1].mailbox,
        .broadcast = workers[1].broadcast,
        .stats = &workers[1].stats,
        .max_message_bytes = CONFIG_MESSAGE_BYTES_MAX,
        .worker_count = WORKERS,
    };
    static uint8_t bytes[CONFIG_MESSAGE_BYTES_MAX];
    uint64_t due_ns = 0;
    cr_assert_eq(relay_open(&workers[1].relay, &options), 0);
    relays[1] = workers[1].relay;
    relay_set_peers(relays[1], relays);
    relay_set(relays[1], RELAY_ALL, 0);
    for (int i = 0; i < 8; i++)
        relay_stream_message(relays[1], 1, &due_ns, bytes, sizeof bytes, clock_now_ms());
    cr_assert_eq(workers[1].stats.relayed, 8);
    turn(100);
    cr_assert_eq(workers[0].copies, 8);
    close_all();
}
