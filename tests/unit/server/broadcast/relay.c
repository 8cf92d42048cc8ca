/* Two workers' relays, driven in one thread; whom they reach is told by an audience that writes
 * down what it is given. */
#include "server/broadcast/relay.h"

#include "net/socket/udp_socket.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(relay, .timeout = 20);

enum { WORKERS = 2, CAPACITY = 512, LONGEST = 2048 };

/* What one worker has. Nobody listens at the addresses in its registry. */
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
    char heard[512]; /* the copies, each in brackets */
    uint64_t copies;
    uint64_t excepted_stream;
    struct addr excepted;
    bool deaf;             /* copies are not taken, */
    bool deaf_to_operator; /* or those of the operator are not */
} workers[WORKERS];

static struct relay *relays[WORKERS];
static struct loop *loop;

static uint64_t begin(void *state, const struct shard_job *part, struct recipients_walk *walk)
{
    (void)state;
    (void)part;
    (void)walk;
    return 1;
}

static bool hear(void *state, const struct shard_job *part, struct recipients_walk *walk,
                 uint32_t may, struct recipients_tally *tally, struct loop_task *wake)
{
    struct worker_parts *worker = state;
    (void)may;
    (void)wake;
    if (worker->deaf || (worker->deaf_to_operator && part->lane == BROADCAST_OPERATOR))
        return true;
    size_t used = strlen(worker->heard);
    snprintf(worker->heard + used, sizeof worker->heard - used, "[%.*s]", (int)part->size,
             (const char *)part->bytes);
    worker->copies++;
    worker->excepted = part->except.source;
    worker->excepted_stream = part->except.stream;
    walk->ended = true;
    tally->sent = 1;
    return false;
}

static void open_worker(struct worker_parts *worker)
{
    static const struct siphash_key key = {1, 2};
    const struct recipients on_message = {.state = worker, .begin = begin, .send = hear};
    worker->memory = aligned_alloc(64, (registry_bytes(CAPACITY) + 63) / 64 * 64);
    memset(worker->memory, 0, registry_bytes(CAPACITY));
    worker->registry = registry_init(worker->memory, CAPACITY, &key, 60000, clock_now_ms());
    worker->mailbox = mailbox_new(loop);
    struct addr any = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}}, bound;
    struct socket_options none = {.receive_buffer_bytes = 0};
    worker->socket = socket_open(&any, &none, &bound);
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
    broadcast_add_recipients(worker->broadcast, &on_message);
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
        free(workers[i].memory);
    }
    loop_free(loop);
}

static void stop(void *state)
{
    (void)state;
    loop_stop(loop);
}

/* Rounds enough for what is under way to arrive. */
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
    struct registry_datagram visit = {.source = &source, .local = &none};
    registry_update(workers[0].registry, 0, &visit, 1, clock_now_ms());
}

static void join(int number)
{
    join_from(client_of(number));
}

/* A client of the first worker says something. */
static void say_from(struct addr source, const char *text)
{
    const struct datagram datagram = {
        .bytes = (const uint8_t *)text,
        .size = (uint32_t)strlen(text),
        .source = source,
    };
    relay_datagram(relays[0], 0, &datagram, clock_now_ms());
}

static void say(int number, const char *text)
{
    say_from(client_of(number), text);
}

Test(relay, what_a_client_says_reaches_every_worker_in_its_order)
{
    open_all(RELAY_OTHERS, 0);
    join(1);
    say(1, "one");
    say(1, "two");
    say(1, "three");
    turn(20);
    for (int i = 0; i < WORKERS; i++)
        cr_assert_str_eq(workers[i].heard, "[one][two][three]");
    cr_assert_eq(workers[0].stats.relayed, 3);
    cr_assert_eq(workers[1].stats.relayed, 0);
    close_all();
}

Test(relay, strangers_and_empty_datagrams_are_passed_over)
{
    open_all(RELAY_OTHERS, 0);
    join(1);
    say(2, "stranger");
    say(1, "");
    turn(10);
    cr_assert_str_eq(workers[0].heard, "");
    cr_assert_eq(workers[0].stats.relayed, 0);
    close_all();
}

Test(relay, others_leaves_the_speaker_out_and_all_does_not)
{
    uint64_t due_ns = 0;
    struct addr speaker = client_of(1);
    open_all(RELAY_OTHERS, 0);
    join(1);
    say(1, "hi");
    turn(10);
    cr_assert(addr_equal(&workers[1].excepted, &speaker));
    relay_line(relays[0], 7, &due_ns, "line", 4, clock_now_ms());
    turn(10);
    cr_assert_eq(workers[1].excepted.family, ADDR_NONE);
    cr_assert_eq(workers[1].excepted_stream, 7);

    relay_set(relays[0], RELAY_ALL, 0);
    say(1, "hi");
    turn(10);
    cr_assert_eq(workers[1].excepted.family, ADDR_NONE);
    relay_line(relays[0], 7, &due_ns, "line", 4, clock_now_ms());
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
        say(1, "x");
    cr_assert_lt(workers[0].stats.relayed, 100);
    cr_assert_geq(workers[0].stats.relayed, 5 * RELAY_BURST_S);
    cr_assert_eq(workers[0].stats.relayed + workers[0].stats.relay_limited, 100);
    uint64_t before = workers[0].stats.relayed;
    say(2, "y");
    relay_line(relays[0], 7, &due_ns, "z", 1, clock_now_ms());
    cr_assert_eq(workers[0].stats.relayed, before + 2);
    turn(200);
    cr_assert_eq(workers[1].copies, before + 2);
    close_all();
}

/* Its slots lie behind those of IPv4, and so do the times until which it has to wait: with this
 * capacity a page behind theirs, where a table that ends too early leaves the ring to them. */
Test(relay, a_client_of_ipv6_has_a_rate_of_its_own_and_harms_no_message)
{
    struct addr source = {.family = ADDR_IPV6, .ip = {[15] = 1}, .port = 1};
    open_all(RELAY_OTHERS, 5);
    join_from(source);
    for (int i = 0; i < 5 * RELAY_BURST_S; i++)
        say_from(source, "x");
    cr_assert_eq(workers[0].stats.relayed, 5 * RELAY_BURST_S);
    say_from(source, "y");
    cr_assert_eq(workers[0].stats.relay_limited, 1);
    turn(200);
    join(1);
    for (int i = 0; i < 5 * RELAY_BURST_S; i++)
        say(1, "z");
    turn(200);
    cr_assert_eq(workers[0].stats.relay_dropped, 0);
    cr_assert_eq(workers[1].copies, 2 * 5 * RELAY_BURST_S);
    close_all();
}

Test(relay, a_full_ring_drops_the_newest_and_passes_the_others_on)
{
    char text[LONGEST + 1];
    memset(text, 'x', LONGEST);
    text[LONGEST] = '\0';
    open_all(RELAY_OTHERS, 0);
    join(1);
    workers[1].deaf = true;
    while (workers[0].stats.relay_dropped < 10)
        say(1, text);
    uint64_t held = workers[0].stats.relayed;
    cr_assert_geq(held, RELAY_RING_BYTES / (LONGEST + 1024));
    turn(20000);
    cr_assert_eq(workers[0].copies, held, "the other worker holds nobody up");
    say(1, text);
    cr_assert_eq(workers[0].stats.relay_dropped, 11);

    workers[1].deaf = false;
    struct shard_job poke = {.bytes = NULL, .size = 0, .lane = BROADCAST_OPERATOR};
    poke.reply_mailbox = workers[1].mailbox;
    poke.mailbox_message.open = (void (*)(struct mailbox_message *))stop;
    broadcast_start(workers[1].broadcast, &poke);
    turn(20000);
    cr_assert_eq(workers[1].copies, held + 1);
    say(1, "again");
    turn(20);
    cr_assert_eq(workers[0].stats.relayed, held + 1);
    cr_assert_eq(workers[1].copies, held + 2);
    close_all();
}

static void open_nothing(struct mailbox_message *mailbox_message)
{
    (void)mailbox_message;
}

Test(relay, does_not_wait_for_the_operators_broadcasts_nor_they_for_it)
{
    struct shard_job job = {.bytes = (const uint8_t *)"news", .size = 4};
    open_all(RELAY_OTHERS, 0);
    join(1);
    job.reply_mailbox = workers[0].mailbox;
    job.mailbox_message.open = open_nothing;
    workers[0].deaf_to_operator = true;
    broadcast_start(workers[0].broadcast, &job);
    turn(5);
    say(1, "one");
    turn(5);
    say(1, "two");
    turn(5);
    cr_assert_str_eq(workers[0].heard, "[one][two]");
    workers[0].deaf_to_operator = false;
    say(1, "three");
    turn(10);
    cr_assert_str_eq(workers[0].heard + strlen("[one][two]"), "[news][three]");
    /* The ear, and the one who spoke. */
    cr_assert_eq(job.targets, 2);
    cr_assert_eq(job.sent, 2);
    close_all();
}

Test(relay, a_part_that_waits_in_its_lane_can_be_cancelled)
{
    struct shard_job first = {.bytes = (const uint8_t *)"first", .size = 5}, second = first,
                     third = {.bytes = (const uint8_t *)"third", .size = 5};
    open_all(RELAY_OFF, 0);
    first.mailbox_message.open = second.mailbox_message.open = third.mailbox_message.open =
        open_nothing;
    workers[0].deaf = true;
    broadcast_start(workers[0].broadcast, &first);
    broadcast_start(workers[0].broadcast, &second);
    broadcast_start(workers[0].broadcast, &third);
    turn(5);
    broadcast_cancel(workers[0].broadcast, &second);
    broadcast_cancel(workers[0].broadcast, &second);
    workers[0].deaf = false;
    broadcast_cancel(workers[0].broadcast, &first);
    turn(10);
    cr_assert_str_eq(workers[0].heard, "[third]");
    cr_assert_eq(first.skipped, 1);
    cr_assert_eq(second.targets + second.sent + second.skipped, 0, "it never began");
    cr_assert_eq(third.sent, 1);
    close_all();
}

Test(relay, the_ring_is_used_again_and_again)
{
    open_all(RELAY_ALL, 0);
    join(1);
    for (int i = 0; i < 20000; i++) {
        say(1, "a line of some length, as people write it to each other all day");
        if (i % 100 == 0)
            turn(300);
    }
    turn(2000);
    cr_assert_eq(workers[0].stats.relay_dropped, 0);
    for (int i = 0; i < WORKERS; i++)
        cr_assert_eq(workers[i].copies, 20000);
    close_all();
}

Test(relay, letters_to_a_worker_that_has_ended_are_kept_without_a_word)
{
    open_all(RELAY_OTHERS, 0);
    join(1);
    relay_close(relays[1]);
    broadcast_close(workers[1].broadcast);
    workers[1].broadcast = NULL;
    say(1, "anyone there?");
    turn(10);
    cr_assert_str_eq(workers[0].heard, "[anyone there?]");
    cr_assert_str_eq(workers[1].heard, "");
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
        relay_line(relays[1], 1, &due_ns, bytes, sizeof bytes, clock_now_ms());
    cr_assert_eq(workers[1].stats.relayed, 8);
    turn(100);
    cr_assert_eq(workers[0].copies, 8);
    close_all();
}
