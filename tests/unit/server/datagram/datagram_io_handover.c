/* Waiting replies and counted drops that another process takes over: two listeners' io in loops of
 * their own, on the same socket. */
#include "server/datagram/datagram_io_handover.h"

#include "handover_fixture.h"
#include "net/socket/socket_buffer.h"
#include "server/datagram/datagram_io_state.h"
#include "server/send/reply_queue.h"
#include "udp_socket_fixture.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(datagram_io_handover, .timeout = 20);

enum { CAPACITY = 4, MESSAGE_BYTES = 64, HEAD_BYTES = 9 /* of a record */ };

/* What a process has. */
struct process {
    struct loop *loop;
    struct send_monitor monitor;
    struct send_socket_set senders;
    struct datagram_decider decider;
    struct stats stats;
    int last_errno;
    void *memory;
    struct datagram_io *io;
};

static struct own_ports own_ports;
static struct event_publisher nobody;
static int receiver, client;
static struct addr server, source;

static void open_sockets(const char *text)
{
    receiver = open_at(text, &server);
    client = open_at("127.0.0.1:0", &source);
}

static void close_sockets(void)
{
    close(receiver);
    close(client);
}

/* No reply fits into a send buffer of 0 bytes. */
static void open_process(struct process *process, uint32_t buffer_bytes, size_t queue_bytes)
{
    static const struct siphash_key key = {1, 2};
    *process = (struct process){.loop = loop_new()};
    process->memory = aligned_alloc(64, registry_bytes(CAPACITY));
    memset(process->memory, 0, registry_bytes(CAPACITY));
    process->decider = (struct datagram_decider){
        .registry = registry_new(process->memory, CAPACITY, &key, 60000, 1000),
        .reply = reply_rotation_new(REPLY_ECHO, NULL, 0),
        .events = &nobody,
        .own_ports = &own_ports,
        .stats = &process->stats,
        .max_datagram_bytes = MESSAGE_BYTES,
    };
    cr_assert_eq(send_monitor_open(&process->monitor, process->loop), 0);
    if (server.ip[0] == 127) {
        cr_assert_eq(send_socket_set_open_single(&process->senders, receiver, buffer_bytes), 0);
    } else {
        udp_socket_allow_sharing(receiver, true);
        cr_assert_eq(send_socket_set_open(&process->senders, receiver, &server, buffer_bytes), 0);
    }
    const struct datagram_io_options options = {
        .loop = process->loop,
        .datagram_decider = &process->decider,
        .last_errno = &process->last_errno,
        .stats = &process->stats,
        .max_datagram_bytes = MESSAGE_BYTES,
        .drain_batches = 4,
        .socket = receiver,
        .senders = process->senders,
        .send_monitor = &process->monitor,
        .reply_queue_bytes = queue_bytes,
    };
    cr_assert_eq(datagram_io_open(&process->io, &options), 0);
}

static void close_process(struct process *process)
{
    datagram_io_close(process->io);
    send_monitor_close(&process->monitor);
    send_socket_set_close(&process->senders);
    reply_rotation_release(process->decider.reply);
    registry_free(process->decider.registry);
    free(process->memory);
    loop_free(process->loop);
}

static void stop(void *state)
{
    loop_stop(state);
}

static void run_rounds(struct process *process, int rounds)
{
    struct loop_task task = {.run = stop, .state = process->loop};
    while (rounds-- > 0) {
        loop_defer(process->loop, &task);
        cr_assert_eq(loop_run_until_stopped(process->loop), 0);
    }
}

static void send_text(const char *text)
{
    struct addr to = server;
    if (to.ip[0] == 0)
        memcpy(to.ip, (uint8_t[]){127, 0, 0, 1}, 4);
    const struct addr none = {.family = ADDR_NONE};
    struct batch *batch = batch_new(0);
    batch_add(batch, &to, &none, text, strlen(text));
    cr_assert_eq(batch_send(batch, client), 0);
    batch_free(batch);
}

/* Expects that the client has got a datagram for each character, and no more. */
static void expect_replies(const char *characters)
{
    char bytes[MESSAGE_BYTES];
    for (size_t i = 0; characters[i] != '\0'; i++) {
        cr_assert_eq(recv(client, bytes, sizeof bytes, MSG_DONTWAIT), 1, "%s", &characters[i]);
        cr_assert_eq(bytes[0], characters[i]);
    }
    cr_assert_eq(recv(client, bytes, sizeof bytes, MSG_DONTWAIT), -1);
}

static void write_record(const struct process *process, struct handover_writer *writer)
{
    handover_begin(writer, 1);
    datagram_io_hand_over(process->io, writer);
    handover_end(writer);
}

static void hand_over(const struct process *from, struct process *to)
{
    struct handover_writer writer = {.size = 0};
    write_record(from, &writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(datagram_io_take_over(to->io, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    handover_forget(&reader);
    handover_writer_free(&writer);
}

static void expect_counters_to_add_up(const struct process *process)
{
    cr_assert_eq(process->stats.received, stats_outcomes(&process->stats));
}

/* Has a process that can send nothing receive five requests, and one that is too long. */
static void block(struct process *process)
{
    char too_long[MESSAGE_BYTES + 2];
    memset(too_long, 'x', sizeof too_long);
    too_long[sizeof too_long - 1] = '\0';
    open_process(process, 0, 1 << 16);
    send_text("1");
    send_text("2");
    send_text(too_long);
    send_text("3");
    run_rounds(process, 2);
    expect_replies("");
    cr_assert_eq(process->stats.received, 0);
}

/* ---- a listener with a single send socket: the batch waits ---- */

Test(datagram_io_handover, batch_that_waits_is_answered_by_the_other_process)
{
    struct process first, second;
    open_sockets("127.0.0.1:0");
    block(&first);
    send_text("4");
    open_process(&second, 64 << 10, 1 << 16);
    hand_over(&first, &second);
    run_rounds(&second, 4);
    expect_replies("1234");
    cr_assert_eq(second.stats.received, 5);
    cr_assert_eq(second.stats.replied, 4);
    cr_assert_eq(second.stats.drop_oversize, 1);
    cr_assert_eq(first.stats.received, 0);
    send_text("5");
    run_rounds(&second, 2);
    expect_replies("5");
    expect_counters_to_add_up(&second);
    close_process(&second);
    close_process(&first);
    close_sockets();
}

Test(datagram_io_handover, nothing_is_received_while_the_other_process_cannot_send_either)
{
    struct process first, second, third;
    open_sockets("127.0.0.1:0");
    block(&first);
    open_process(&second, 0, 1 << 16);
    hand_over(&first, &second);
    send_text("4");
    run_rounds(&second, 4);
    expect_replies("");
    cr_assert_eq(second.io->handler.events, 0, "what waits does not wake it");
    open_process(&third, 64 << 10, 1 << 16);
    hand_over(&second, &third);
    run_rounds(&third, 4);
    expect_replies("1234");
    /* The oversized one was counted by the second process, which would have handed its counters
     * over, too. */
    cr_assert_eq(third.stats.received, 4);
    expect_counters_to_add_up(&third);
    close_process(&third);
    close_process(&second);
    close_process(&first);
    close_sockets();
}

Test(datagram_io_handover, first_process_has_everything_as_before)
{
    struct process process;
    struct handover_writer once = {.size = 0}, again = {.size = 0};
    open_sockets("127.0.0.1:0");
    block(&process);
    write_record(&process, &once);
    write_record(&process, &again);
    cr_assert_eq(once.size, again.size);
    cr_assert_arr_eq(once.bytes, again.bytes, once.size);
    cr_assert_eq(process.stats.received, 0);
    handover_writer_free(&once);
    handover_writer_free(&again);
    close_process(&process);
    close_sockets();
}

Test(datagram_io_handover, replies_that_do_not_fit_into_the_memory_count_as_failed)
{
    struct process first, second;
    open_sockets("127.0.0.1:0");
    block(&first);
    open_process(&second, 64 << 10, 128);
    hand_over(&first, &second);
    run_rounds(&second, 4);
    expect_replies("1");
    cr_assert_eq(second.stats.reply_failed, 2);
    cr_assert_eq(second.last_errno, EAGAIN);
    expect_counters_to_add_up(&second);
    close_process(&second);
    close_process(&first);
    close_sockets();
}

Test(datagram_io_handover, replies_of_a_listener_that_is_gone_count_as_failed)
{
    struct process first;
    struct handover_writer writer = {.size = 0};
    struct stats stats = {.received = 0};
    open_sockets("127.0.0.1:0");
    block(&first);
    write_record(&first, &writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(datagram_io_drop_handed_over(&stats, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    cr_assert_eq(stats.received, 4);
    cr_assert_eq(stats.reply_failed, 3);
    cr_assert_eq(stats.drop_oversize, 1);
    handover_forget(&reader);
    handover_writer_free(&writer);
    close_process(&first);
    close_sockets();
}

Test(datagram_io_handover, record_that_is_truncated_anywhere_is_refused)
{
    struct process first, second;
    struct handover_writer writer = {.size = 0};
    struct stats stats = {.received = 0};
    open_sockets("127.0.0.1:0");
    block(&first);
    open_process(&second, 64 << 10, 1 << 16);
    write_record(&first, &writer);
    for (size_t end = HEAD_BYTES; end < writer.size; end++) {
        struct handover_reader reader = {
            .bytes = writer.bytes, .size = writer.size, .at = HEAD_BYTES, .end = end};
        struct handover_reader same = reader;
        cr_assert_eq(datagram_io_take_over(second.io, &reader), -EPROTO);
        cr_assert_eq(datagram_io_drop_handed_over(&stats, &same), -EPROTO);
    }
    handover_writer_free(&writer);
    close_process(&second);
    close_process(&first);
    close_sockets();
}

/* ---- a listener with sockets by interface: replies wait in queues ---- */

/* Takes over three replies to the client, from a process that had received their requests by the
 * interface of that number. */
static void take_over_queue(struct process *process, uint32_t interface)
{
    const struct addr local = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}, .scope = interface};
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    handover_put64(&writer, 0);
    handover_put32(&writer, 0);
    handover_put32(&writer, 0);
    handover_put32(&writer, 2);
    handover_put32(&writer, 77);
    handover_put32(&writer, interface);
    handover_put_text(&writer, NULL);
    handover_put64(&writer, 3);
    reply_queue_put(&writer, &source, &local, "a", 1);
    reply_queue_put(&writer, &source, &local, "b", 1);
    reply_queue_put(&writer, &source, &local, "c", 1);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(datagram_io_take_over(process->io, &reader), 0);
    handover_forget(&reader);
    handover_writer_free(&writer);
}

Test(datagram_io_handover, queued_replies_leave_in_order_and_interfaces_keep_their_slots)
{
    struct process first, second;
    const struct addr by_77 = {.family = ADDR_IPV4, .ip = {10, 8, 0, 1}, .scope = 77},
                      by_1 = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}, .scope = 1};
    open_sockets("0.0.0.0:0");
    open_process(&first, 64 << 10, 1 << 16);
    take_over_queue(&first, 1);
    open_process(&second, 64 << 10, 1 << 16);
    hand_over(&first, &second);
    send_text("d");
    run_rounds(&second, 3);
    expect_replies("abcd");
    cr_assert_eq(datagram_io_copy_slot(second.io, &by_77), 0);
    cr_assert_eq(datagram_io_copy_slot(second.io, &by_1), 1);
    cr_assert_eq(second.stats.received, 4);
    expect_counters_to_add_up(&second);
    close_process(&second);
    close_process(&first);
    close_sockets();
}

Test(datagram_io_handover, queues_of_two_workers_can_be_taken_over_by_one)
{
    struct process one;
    open_sockets("0.0.0.0:0");
    open_process(&one, 64 << 10, 1 << 16);
    take_over_queue(&one, 1);
    take_over_queue(&one, 1);
    run_rounds(&one, 3);
    expect_replies("abcabc");
    expect_counters_to_add_up(&one);
    close_process(&one);
    close_sockets();
}

Test(datagram_io_handover, queue_becomes_a_batch_that_waits_where_there_is_a_single_send_socket)
{
    struct process first, second;
    open_sockets("0.0.0.0:0");
    open_process(&first, 64 << 10, 1 << 16);
    take_over_queue(&first, 1);
    int wildcard = receiver;
    struct addr before = server;
    receiver = open_at("127.0.0.1:0", &server);
    open_process(&second, 64 << 10, 1 << 16);
    hand_over(&first, &second);
    run_rounds(&second, 3);
    expect_replies("abc");
    send_text("d");
    run_rounds(&second, 2);
    expect_replies("d");
    expect_counters_to_add_up(&second);
    close_process(&second);
    close(receiver);
    receiver = wildcard;
    server = before;
    close_process(&first);
    close_sockets();
}

/* ---- a socket of a worker that is no more ---- */

/* A socket with a datagram of a peer that has closed its port since: the next receive returns the
 * error of ICMP, and the one after it the datagram. */
static int open_failing(void)
{
    struct addr at, to;
    int socket = open_at("127.0.0.1:0", &at), peer = open_at("127.0.0.1:0", &to);
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    cr_assert_eq(getsockname(socket, (struct sockaddr *)&name, &size), 0);
    cr_assert_eq(connect(peer, (struct sockaddr *)&name, size), 0);
    size = sizeof name;
    cr_assert_eq(getsockname(peer, (struct sockaddr *)&name, &size), 0);
    cr_assert_eq(connect(socket, (struct sockaddr *)&name, size), 0);
    cr_assert_eq(send(peer, "a", 1, 0), 1);
    close(peer);
    cr_assert_eq(send(socket, "b", 1, 0), 1);
    return socket;
}

Test(datagram_io_handover, what_waits_in_a_socket_is_answered_after_a_receive_that_fails)
{
    struct process process;
    open_sockets("127.0.0.1:0");
    open_process(&process, 64 << 10, 1 << 16);
    int socket = open_failing();
    datagram_io_answer_waiting(process.io, socket);
    cr_assert_eq(process.stats.received, 1);
    expect_counters_to_add_up(&process);
    close(socket);
    close_process(&process);
    close_sockets();
}

/* ---- drops ---- */

/* Sends datagrams until the kernel has dropped that many more. */
static void overflow(uint32_t drops)
{
    uint32_t before = socket_receive_drops(receiver);
    while (socket_receive_drops(receiver) - before < drops)
        send_text("x");
}

Test(datagram_io_handover, each_drop_is_counted_once)
{
    struct process first, second;
    open_sockets("127.0.0.1:0");
    open_process(&first, 64 << 10, 1 << 16);
    overflow(3);
    datagram_io_count_drops(first.io);
    uint64_t counted = first.stats.kernel_drops;
    overflow(5);
    open_process(&second, 64 << 10, 1 << 16);
    hand_over(&first, &second);
    cr_assert_eq(second.stats.kernel_drops, 0);
    datagram_io_start_counting_drops(second.io);
    overflow(7);
    datagram_io_count_drops(second.io);
    cr_assert_eq(counted + second.stats.kernel_drops, socket_receive_drops(receiver));
    close_process(&second);
    close_process(&first);
    close_sockets();
}

Test(datagram_io_handover, drops_of_a_socket_that_is_not_taken_over_are_counted_at_once)
{
    struct process first, second;
    open_sockets("127.0.0.1:0");
    open_process(&first, 64 << 10, 1 << 16);
    overflow(3);
    datagram_io_count_drops(first.io);
    uint64_t counted = first.stats.kernel_drops, all;
    overflow(5);
    all = socket_receive_drops(receiver);
    int before = receiver;
    receiver = open_at("127.0.0.1:0", &server);
    open_process(&second, 64 << 10, 1 << 16);
    hand_over(&first, &second);
    datagram_io_start_counting_drops(second.io);
    overflow(2);
    datagram_io_count_drops(second.io);
    cr_assert_eq(counted + second.stats.kernel_drops, all + socket_receive_drops(receiver));
    close_process(&second);
    close(receiver);
    receiver = before;
    close_process(&first);
    close_sockets();
}

Test(datagram_io_handover, drops_of_the_start_are_not_counted_and_later_ones_are)
{
    struct process process;
    open_sockets("127.0.0.1:0");
    open_process(&process, 64 << 10, 1 << 16);
    overflow(3);
    datagram_io_start_counting_drops(process.io);
    overflow(2);
    uint32_t all = socket_receive_drops(receiver);
    datagram_io_start_counting_drops(process.io);
    datagram_io_count_drops(process.io);
    cr_assert_geq(process.stats.kernel_drops, 2);
    cr_assert_leq(process.stats.kernel_drops, all - 3);
    close_process(&process);
    close_sockets();
}
