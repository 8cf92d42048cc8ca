/* Broadcasts of which some copies leave as frames and the others by sockets: each client gets one.
 */
#include "server/broadcast/shard_broadcast.h"

#include "copy_offload_fixture.h"
#include "frame_copies_offload_fixture.h"
#include "net/offload/offload_copies.h"
#include "net/offload/offload_state.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"
#include "netns_fixture.h"
#include "os/loop/mailbox.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

enum { LISTENERS = 2, BYTES = 6, FRAME_BYTES = 20, SEND_BUFFER_BYTES = 64 << 10, JOB = 7 };

/* The rate at which each slice may be a whole one, copies a second. */
static const uint32_t FAST_PPS = 100000000;

static struct loop *loop;
static struct loop_timer tick;
static struct send_monitor watch;
static struct datagram_decider datagram_decider;
static struct stats stats;
static int last_errno;
static struct confirmations *confirmations;

/* Of IPv4 and of IPv6. */
static int sockets[LISTENERS];
static struct send_socket_set senders[LISTENERS];
static struct datagram_io *io[LISTENERS];

static struct broadcast_options options;
static struct broadcast *broadcast;
static uint8_t bytes[2000], frame[2000];
static struct shard_job job;
static struct confirmed_payload payload;
static struct shard_confirmation confirmation;
static struct client_selector selector;
static bool ended;

static void on_ended(struct mailbox_message *completion)
{
    (void)completion;
    ended = true;
}

static void stop(void *state)
{
    (void)state;
    loop_stop(loop);
}

static void open_listener(size_t i)
{
    struct udp_socket_options socket_options = {.send_buffer_bytes = SEND_BUFFER_BYTES};
    const struct addr any = {.family = i == 0 ? ADDR_IPV4 : ADDR_IPV6, .port = SERVER_PORT};
    struct addr bound;
    sockets[i] = udp_socket_open(&any, &socket_options, &bound);
    cr_assert_geq(sockets[i], 0);
    udp_socket_allow_sharing(sockets[i], true);
    cr_assert_eq(send_socket_set_open(&senders[i], sockets[i], &bound, SEND_BUFFER_BYTES), 0);
    struct send_socket_set without_reserve = senders[i];
    without_reserve.copy_reserve = -1;
    const struct datagram_io_options io_options = {.loop = loop,
                                                   .senders = without_reserve,
                                                   .send_monitor = &watch,
                                                   .datagram_decider = &datagram_decider,
                                                   .last_errno = &last_errno,
                                                   .stats = &stats,
                                                   .max_datagram_bytes = sizeof bytes,
                                                   .reply_queue_bytes = 1 << 16,
                                                   .socket = sockets[i],
                                                   .listener = (uint8_t)i};
    cr_assert_eq(datagram_io_open(&io[i], &io_options), 0);
}

static void set_up(void)
{
    world_open();
    loop = loop_new();
    cr_assert_eq(loop_timer_open(loop, &tick, stop, NULL), 0);
    cr_assert_eq(send_monitor_open(&watch, loop), 0);
    for (size_t i = 0; i < LISTENERS; i++)
        open_listener(i);
    cr_assert_eq(confirmations_open(&confirmations, registry_slots(FRAME_CLIENTS_MAX)), 0);
    options = (struct broadcast_options){.loop = loop,
                                         .registry = world.shard.registry,
                                         .capacity = FRAME_CLIENTS_MAX,
                                         .io_by_listener = io,
                                         .confirmations = confirmations,
                                         .frames = world.frames,
                                         .stats = &stats,
                                         .last_errno = &last_errno,
                                         .rate_pps = FAST_PPS,
                                         .worker_count = 1};
    cr_assert_eq(broadcast_open(&broadcast, &options), 0);
    memset(bytes, 'b', sizeof bytes);
    memset(frame, 'f', sizeof frame);
    job = (struct shard_job){.completion = {.handle = on_ended}, .bytes = bytes, .size = BYTES};
    world.messages[0] = bytes;
    world.message_bytes[0] = BYTES;
}

static void tear_down(void)
{
    broadcast_close(broadcast);
    confirmations_close(confirmations);
    for (size_t i = 0; i < LISTENERS; i++) {
        datagram_io_close(io[i]);
        send_socket_set_close(&senders[i]);
        socket_close(sockets[i]);
    }
    send_monitor_close(&watch);
    loop_timer_close(&tick);
    loop_free(loop);
    world_close();
}

TestSuite(paced_frame_copies, .init = set_up, .fini = tear_down, .timeout = 60);

/* Runs the loop for about a millisecond. */
static void run(void)
{
    loop_timer_every(&tick, 1);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    receive_now();
}

static void run_until_ended(void)
{
    const uint64_t until_ms = clock_now_ms() + 20000;
    while (!ended && clock_now_ms() < until_ms)
        run();
    cr_assert(ended, "sent %d, failed %d", (int)job.sent, (int)job.failed);
}

static void run_job(void)
{
    ended = false;
    broadcast_start(broadcast, &job);
    run_until_ended();
}

/* The job has ended, and all its targets have their copies; so many of them as frames. */
static void expect_sent(uint64_t targets, uint64_t frames)
{
    cr_assert_eq(job.targets, targets);
    cr_assert_eq(job.sent, targets);
    cr_assert_eq(job.failed, 0);
    cr_assert_eq(job.skipped, 0);
    cr_assert_eq(stats.copies_sent, targets);
    cr_assert_eq(stats.offload_copies, frames);
    receive((uint32_t)targets);
}

static void expect_copies(uint32_t n, uint32_t by_frame, uint32_t by_socket)
{
    cr_assert_eq(world.arrived[n].by_frame, by_frame, "client %u: %u frames", n,
                 world.arrived[n].by_frame);
    cr_assert_eq(world.arrived[n].by_socket, by_socket, "client %u: %u datagrams", n,
                 world.arrived[n].by_socket);
}

/* ---- which way ---- */

/* Runs of clients whose copies leave in one way, and single ones in between. */
static bool is_by_frame(uint32_t n)
{
    return n % 200 < 150 && n % 7 != 3;
}

static uint64_t join_mixed(uint32_t count)
{
    uint64_t frames = 0;
    for (uint32_t n = 0; n < count; n++) {
        join(n, is_by_frame(n));
        frames += is_by_frame(n);
    }
    return frames;
}

Test(paced_frame_copies, reach_each_of_mixed_clients_once)
{
    enum { CLIENTS = FRAME_CLIENTS_MAX };
    const uint64_t frames = join_mixed(CLIENTS);

    run_job();
    expect_sent(CLIENTS, frames);
    for (uint32_t n = 0; n < CLIENTS; n++)
        expect_copies(n, is_by_frame(n), !is_by_frame(n));
}

Test(paced_frame_copies, of_one_job_after_another_reach_each_client_once_each)
{
    enum { CLIENTS = 700, JOBS = 4 };
    const uint64_t frames = join_mixed(CLIENTS);

    for (uint32_t i = 1; i <= JOBS; i++) {
        job.targets = job.sent = 0;
        run_job();
        cr_assert_eq(job.sent, CLIENTS);
        cr_assert_eq(stats.offload_copies, i * frames);
        receive(i * CLIENTS);
        for (uint32_t n = 0; n < CLIENTS; n++)
            expect_copies(n, i * is_by_frame(n), i * !is_by_frame(n));
    }
}

Test(paced_frame_copies, all_leave_by_sockets_without_a_rate)
{
    join_mixed(300);
    broadcast_set_rate(broadcast, 0);
    run_job();
    expect_sent(300, 0);
}

Test(paced_frame_copies, leave_once_a_job_has_a_rate)
{
    const uint64_t frames = join_mixed(300);

    broadcast_set_rate(broadcast, 0);
    broadcast_start(broadcast, &job);
    broadcast_set_rate(broadcast, FAST_PPS);
    run_until_ended();
    expect_sent(300, frames);
}

Test(paced_frame_copies, all_leave_by_sockets_when_the_message_is_too_long)
{
    join_mixed(300);
    job.size = world.message_bytes[0] = OFFLOAD_MESSAGE_BYTES + 1;
    run_job();
    expect_sent(300, 0);
}

Test(paced_frame_copies, that_exceed_the_mtu_leave_by_sockets)
{
    for (uint32_t n = 0; n < 200; n += 2)
        join(n, true);
    ip("ip link set near mtu 600");
    job.size = world.message_bytes[0] = 600;
    run_job();
    expect_sent(100, 0);
}

/* ---- which clients ---- */

Test(paced_frame_copies, of_a_selector_reach_only_clients_that_match)
{
    enum { CLIENTS = 1000 };
    uint64_t targets = 0, frames = 0;

    join_mixed(CLIENTS);
    selector = client_selector_all();
    cr_assert_null(cidr_parse(&selector.blocks[selector.block_count++], "10.98.1.0/24"));
    cr_assert_null(cidr_parse(&selector.blocks[selector.block_count++], "fd98::200/119"));
    job.selector = &selector;
    run_job();
    for (uint32_t n = 0; n < CLIENTS; n++) {
        const bool matches = n % 2 == 0 ? n >> 8 == 1 : n >> 9 == 1;
        targets += matches;
        frames += matches && is_by_frame(n);
    }
    expect_sent(targets, frames);
    for (uint32_t n = 0; n < CLIENTS; n++) {
        const bool matches = n % 2 == 0 ? n >> 8 == 1 : n >> 9 == 1;
        expect_copies(n, matches && is_by_frame(n), matches && !is_by_frame(n));
    }
}

/* As a relayed message, which its sender does not get: it is a target that is skipped. */
Test(paced_frame_copies, do_not_reach_the_excepted_client)
{
    enum { CLIENTS = 100, EXCEPTED = 40 };

    for (uint32_t n = 0; n < CLIENTS; n++)
        join(n, true);
    job.except.source = client_source(EXCEPTED);
    run_job();
    cr_assert_eq(job.sent, CLIENTS - 1);
    cr_assert_eq(stats.offload_copies, CLIENTS - 1);
    receive(CLIENTS - 1);
    expect_copies(EXCEPTED, 0, 0);
}

/* ---- confirmed broadcasts ---- */

static void confirm_by_frames(void)
{
    payload = (struct confirmed_payload){.job = JOB, .frame = frame, .frame_bytes = FRAME_BYTES};
    confirmation.payload = &payload;
    job.confirmation = &confirmation;
    world.messages[1] = frame;
    world.message_bytes[1] = FRAME_BYTES;
}

static bool wants_frames(uint32_t n)
{
    return n % 3 == 0;
}

static void join_wanting_frames(uint32_t count)
{
    for (uint32_t n = 0; n < count; n++) {
        join(n, is_by_frame(n));
        registry_set_frames(world.shard.registry, client_of(n).slot, wants_frames(n));
    }
}

Test(paced_frame_copies, of_a_confirmed_job_are_frames_for_those_that_want_them)
{
    enum { CLIENTS = 700 };
    uint32_t framed = 0, due = 0;

    confirm_by_frames();
    join_wanting_frames(CLIENTS);
    run_job();
    cr_assert_eq(job.sent, CLIENTS);
    cr_assert_eq(confirmation.datagrams, CLIENTS);
    receive(CLIENTS);
    for (uint32_t n = 0; n < CLIENTS; n++) {
        expect_copies(n, is_by_frame(n), !is_by_frame(n));
        cr_assert_eq(world.arrived[n].messages[wants_frames(n)], 1, "client %u", n);
        framed += wants_frames(n);
        due += confirmations_is_due(confirmations, JOB, client_of(n).slot);
        cr_assert_eq(confirmations_is_due(confirmations, JOB, client_of(n).slot), wants_frames(n));
    }
    cr_assert_eq(due, framed);
    cr_assert_eq(atomic_load(&confirmations_counts(confirmations, JOB)->framed), framed);
}

Test(paced_frame_copies, of_a_repeated_round_reach_only_clients_that_have_not_confirmed)
{
    enum { CLIENTS = 700 };
    uint32_t expected = CLIENTS;

    confirm_by_frames();
    join_wanting_frames(CLIENTS);
    run_job();
    for (uint32_t n = 0; n < CLIENTS; n += 6) {
        const struct client client = client_of(n);
        cr_assert_eq(confirmations_confirm(confirmations, JOB, client.slot, client.join_number),
                     CONFIRMATION_FIRST);
    }
    confirmation.is_repeat = true;
    run_job();
    for (uint32_t n = 3; n < CLIENTS; n += 6)
        expected++;
    cr_assert_eq(job.sent, CLIENTS, "a repeated round does not count");
    cr_assert_eq(confirmation.datagrams, expected);
    receive(expected);
    for (uint32_t n = 0; n < CLIENTS; n++) {
        const uint32_t copies = n % 6 == 3 ? 2 : 1;
        expect_copies(n, is_by_frame(n) ? copies : 0, is_by_frame(n) ? 0 : copies);
    }
}

static void send_to_only(uint32_t n)
{
    confirm_by_frames();
    for (uint32_t i = 0; i < 100; i++) {
        join(i, true);
        registry_set_frames(world.shard.registry, client_of(i).slot, true);
    }
    payload.only = (struct only_client){.source = client_source(n), .listener = n % 2};
    run_job();
    cr_assert_eq(job.targets, 1);
    cr_assert_eq(job.sent, 1);
    receive(1);
    cr_assert_eq(world.arrived[n].messages[1], 1);
}

Test(paced_frame_copies, of_a_job_for_one_client_leave_as_frames)
{
    send_to_only(41);
    expect_copies(41, 1, 0);
}

Test(paced_frame_copies, of_a_job_for_one_client_leave_by_its_socket_after_a_failure)
{
    const int program = world.program->program;

    world.program->program = -1;
    send_to_only(41);
    world.program->program = program;
    expect_copies(41, 0, 1);
}

/* ---- failures ---- */

Test(paced_frame_copies, that_the_kernel_refuses_leave_by_sockets)
{
    enum { CLIENTS = 700 };
    const int program = world.program->program;

    join_mixed(CLIENTS);
    world.program->program = -1;
    run_job();
    world.program->program = program;
    expect_sent(CLIENTS, 0);
    for (uint32_t n = 0; n < CLIENTS; n++)
        expect_copies(n, 0, 1);
}

/* The kernel does not see the second page of the copies, so it makes no frames of these. */
static void hide_a_page(void)
{
    enum { PAGE = 4096 };
    uint8_t *table = (uint8_t *)offload_copies(world.program, 0);
    cr_assert_neq(mmap(table + PAGE, PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                  MAP_FAILED);
}

/* The slots of the two families are in different clusters, so the order of the clients is mixed. */
Test(paced_frame_copies, that_fail_in_the_middle_leave_by_sockets)
{
    enum { CLIENTS = FRAME_CLIENTS_MAX, PER_PAGE = 4096 / (int)sizeof(struct offload_copy) };
    uint32_t by_frame = 0;

    join_mixed(CLIENTS);
    hide_a_page();
    run_job();
    cr_assert_geq(stats.offload_copies, PER_PAGE);
    expect_sent(CLIENTS, stats.offload_copies);
    for (uint32_t n = 0; n < CLIENTS; n++) {
        by_frame += world.arrived[n].by_frame;
        cr_assert_eq(world.arrived[n].by_frame + world.arrived[n].by_socket, 1, "client %u", n);
        if (!is_by_frame(n))
            expect_copies(n, 0, 1);
    }
    cr_assert_eq(by_frame, stats.offload_copies);
}

Test(paced_frame_copies, are_tried_again_by_the_next_job_after_a_failure)
{
    enum { CLIENTS = 200 };
    const int program = world.program->program;

    for (uint32_t n = 0; n < CLIENTS; n++)
        join(n, true);
    world.program->program = -1;
    run_job();
    world.program->program = program;
    cr_assert_eq(stats.offload_copies, 0);
    run_job();
    cr_assert_eq(stats.offload_copies, CLIENTS);
    receive(2 * CLIENTS);
    for (uint32_t n = 0; n < CLIENTS; n++)
        expect_copies(n, 1, 1);
}

/* ---- a blocked socket ---- */

/* Frames do not pass through the queue of the interface, which is so slow that the sockets block.
 */
static void expect_each_once_with_blocked_sockets(bool fails)
{
    enum { CLIENTS = 1200 };

    ip("tc qdisc add dev near root tbf rate 8kbit burst 2kb limit 4m");
    join_mixed(CLIENTS);
    job.size = world.message_bytes[0] = 1000;
    if (fails)
        hide_a_page();
    broadcast_start(broadcast, &job);
    for (int i = 0; i < 30; i++)
        run();
    cr_assert(!ended, "copies by the sockets wait");
    cr_assert_gt(stats.offload_copies, 0);
    ip("tc qdisc change dev near root tbf rate 1gbit burst 2mb limit 4m"); /* keeps its queue */
    run_until_ended();
    expect_sent(CLIENTS, stats.offload_copies);
    for (uint32_t n = 0; n < CLIENTS; n++)
        cr_assert_eq(world.arrived[n].by_frame + world.arrived[n].by_socket, 1, "client %u", n);
}

Test(paced_frame_copies, reach_each_client_once_while_the_sockets_are_blocked)
{
    expect_each_once_with_blocked_sockets(false);
}

Test(paced_frame_copies, reach_each_client_once_while_frames_fail_and_sockets_are_blocked)
{
    expect_each_once_with_blocked_sockets(true);
}

/* ---- slices, pace, cancellation ---- */

static void do_nothing(void *state)
{
    (void)state;
}

Test(paced_frame_copies, fill_a_slice_while_all_leave_as_frames)
{
    enum { CLIENTS = 1100 };
    struct paced_copies copies = {.recipients_count = 0};
    struct copy_progress progress = {.avoids_frames = true};

    for (uint32_t n = 0; n < CLIENTS; n++)
        join(n, true);
    cr_assert_eq(paced_copies_init(&copies, &options, do_nothing, do_nothing, NULL), 0);
    cr_assert_eq(blocked_sockets_init(&progress.sockets, FRAME_CLIENTS_MAX), 0);
    paced_copies_start(&copies, &progress, &job);
    cr_assert_eq(paced_copies_send_slice(&copies, &progress, &job), SLICE_CONTINUE);
    cr_assert_eq(job.sent, OFFLOAD_COPIES_MAX);
    cr_assert_eq(paced_copies_send_slice(&copies, &progress, &job), SLICE_CONTINUE);
    cr_assert_eq(job.sent, 2 * OFFLOAD_COPIES_MAX);
    enum slice_result result = SLICE_CONTINUE;
    while (result == SLICE_CONTINUE)
        result = paced_copies_send_slice(&copies, &progress, &job);
    cr_assert_eq(result, SLICE_ENDED);
    expect_sent(CLIENTS, CLIENTS);
    blocked_sockets_free(&progress.sockets);
    paced_copies_free(&copies);
}

enum { RATE_PPS = 2000, PACED_CLIENTS = 800 };

/* Of copies since the start of the job. */
static void expect_pace(uint64_t start_ms)
{
    const uint64_t elapsed_ms = clock_now_ms() - start_ms + 1;
    cr_assert_leq(job.sent, (elapsed_ms + PACER_BURST_MS) * RATE_PPS / 1000 + 1);
}

static void start_paced(void)
{
    for (uint32_t n = 0; n < PACED_CLIENTS; n++)
        join(n, is_by_frame(n));
    broadcast_set_rate(broadcast, RATE_PPS);
    broadcast_start(broadcast, &job);
}

Test(paced_frame_copies, keep_the_rate)
{
    const uint64_t start_ms = clock_now_ms();

    start_paced();
    while (!ended && clock_now_ms() - start_ms < 20000) {
        run();
        expect_pace(start_ms);
    }
    cr_assert(ended);
    cr_assert_geq(clock_now_ms() - start_ms, PACED_CLIENTS * 1000 / RATE_PPS - PACER_BURST_MS - 1);
    expect_sent(PACED_CLIENTS, stats.offload_copies);
    for (uint32_t n = 0; n < PACED_CLIENTS; n++)
        expect_copies(n, is_by_frame(n), !is_by_frame(n));
}

Test(paced_frame_copies, that_have_not_left_when_the_job_is_cancelled_are_skipped)
{
    start_paced();
    while (job.sent < PACED_CLIENTS / 4)
        run();
    cr_assert(!ended);
    broadcast_cancel(broadcast, &job);
    cr_assert(ended);
    cr_assert_eq(job.targets, PACED_CLIENTS);
    cr_assert_eq(job.sent + job.skipped, PACED_CLIENTS);
    cr_assert_gt(job.skipped, 0);
    const uint64_t sent = job.sent;
    for (int i = 0; i < 20; i++)
        run();
    cr_assert_eq(job.sent, sent);
    receive((uint32_t)sent);
    for (uint32_t n = 0; n < PACED_CLIENTS; n++)
        cr_assert_leq(world.arrived[n].by_frame + world.arrived[n].by_socket, 1);
}

/* A slice has queued nothing that the next job could send. */
Test(paced_frame_copies, of_the_job_after_a_cancelled_one_reach_each_client_once)
{
    start_paced();
    while (job.sent < PACED_CLIENTS / 4)
        run();
    broadcast_cancel(broadcast, &job);
    receive((uint32_t)job.sent);
    memset(world.arrived, 0, sizeof world.arrived);
    world.arrived_count = 0;
    memset(bytes, 'c', sizeof bytes);
    job.targets = job.sent = job.skipped = 0;
    stats.copies_sent = 0;
    broadcast_set_rate(broadcast, FAST_PPS);
    run_job();
    cr_assert_eq(job.sent, PACED_CLIENTS);
    receive(PACED_CLIENTS);
    for (uint32_t n = 0; n < PACED_CLIENTS; n++)
        expect_copies(n, is_by_frame(n), !is_by_frame(n));
}
