/* Batches: receiving, replies, failures, full send buffers. */
#include "net/message/datagram_batch.h"

#include "addr_fixture.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct addr anywhere = {.family = ADDR_NONE};

static int open_at(const char *text, struct addr *bound)
{
    struct addr addr = address(text);
    struct udp_socket_options options = {.receive_buffer_bytes = 1 << 20,
                                         .send_buffer_bytes = 4096};
    int fd = udp_socket_open(&addr, &options, bound);
    if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
        cr_skip("this host has no %s", text);
    cr_assert_geq(fd, 0, "%s: %s", text, strerror(-fd));
    return fd;
}

static void await(int fd, short events)
{
    struct pollfd wait = {.fd = fd, .events = events};
    cr_assert_eq(poll(&wait, 1, 10000), 1, "nothing came");
}

/* Sends bytes from one socket to an address. */
static void send_one(int fd, const struct addr *to, const void *bytes, size_t size)
{
    struct batch *batch = batch_new(0);
    batch_add(batch, to, &anywhere, bytes, size);
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_counts(batch).sent, 1);
    batch_free(batch);
}

/* Receives exactly one datagram into an empty batch. */
static const struct datagram *receive_one(struct batch *batch, int fd)
{
    await(fd, POLLIN);
    cr_assert_eq(batch_receive(batch, fd), 1);
    return batch_datagrams(batch);
}

Test(datagram_batch, distinguishes_nothing_received_from_a_failure)
{
    struct addr bound;
    int fd = open_at("127.0.0.1:0", &bound);
    struct batch *batch = batch_new(64);
    cr_assert_eq(batch_receive(batch, fd), 0);
    cr_assert_eq(batch_receive(batch, -1), -EBADF);
    batch_free(batch);
    socket_close(fd);
}

Test(datagram_batch, shows_source_size_and_bytes_even_of_an_empty_datagram)
{
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.2:0", &client);
    struct batch *batch = batch_new(16);

    send_one(peer, &server, "hello", 5);
    const struct datagram *datagram = receive_one(batch, fd);
    cr_assert(addr_equal(&datagram->source, &client));
    cr_assert_eq(datagram->size, 5);
    cr_assert_arr_eq(datagram->bytes, "hello", 5);
    cr_assert_not(datagram->truncated);
    cr_assert_eq(datagram->local.family, ADDR_NONE, "the address of a bound socket is known");
    batch_clear(batch);

    send_one(peer, &server, "", 0);
    cr_assert_eq(receive_one(batch, fd)->size, 0);
    batch_free(batch);
    socket_close(fd);
    socket_close(peer);
}

Test(datagram_batch, marks_as_truncated_what_is_a_byte_too_long_and_not_what_fits)
{
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    struct batch *batch = batch_new(8);
    send_one(peer, &server, "12345678", 8);
    cr_assert_not(receive_one(batch, fd)->truncated);
    batch_clear(batch);
    send_one(peer, &server, "123456789", 9);
    cr_assert(receive_one(batch, fd)->truncated);
    batch_free(batch);
    socket_close(fd);
    socket_close(peer);
}

/* A client sends a request to one of the addresses of a wildcard listener: the reply must come from
 * that address, and a later copy, too. */
static void expect_reply_from(const char *wildcard, const char *requested, const char *from)
{
    struct addr bound, peer_bound, target = address(requested);
    int fd = open_at(wildcard, &bound), peer = open_at(from, &peer_bound);
    struct batch *batch = batch_new(64), *peer_batch = batch_new(64), *copies = batch_new(0);
    target.port = bound.port;

    for (int round = 0; round < 3; round++) {
        send_one(peer, &target, "ask", 3);
        const struct datagram *request = receive_one(batch, fd);
        cr_assert(addr_equal(&request->source, &peer_bound));
        struct addr local = request->local;
        cr_assert_eq(memcmp(local.ip, target.ip, sizeof local.ip), 0, "request to %s", requested);
        cr_assert_not(request->is_multicast);

        batch_add_reply(batch, batch, 0, "answer", 6);
        cr_assert_eq(batch_send(batch, fd), 0);
        cr_assert(addr_equal(&receive_one(peer_batch, peer)->source, &target), "request to %s",
                  requested);
        batch_clear(peer_batch);
        batch_clear(batch);

        batch_add(copies, &peer_bound, &local, "copy", 4);
        cr_assert_eq(batch_send(copies, fd), 0);
        cr_assert(addr_equal(&receive_one(peer_batch, peer)->source, &target), "request to %s",
                  requested);
        batch_clear(peer_batch);
        batch_clear(copies);
    }
    batch_free(batch);
    batch_free(peer_batch);
    batch_free(copies);
    socket_close(fd);
    socket_close(peer);
}

Test(datagram_batch, replies_from_the_ipv4_address_of_the_request)
{
    expect_reply_from("0.0.0.0:0", "127.0.0.1", "127.0.0.1:0");
    expect_reply_from("0.0.0.0:0", "127.0.0.3", "127.0.0.1:0");
}

Test(datagram_batch, replies_from_the_ipv6_address_of_the_request)
{
    expect_reply_from("[::]:0", "::1", "[::1]:0");
}

/* What arrived before IP_PKTINFO was set has no destination, and other reports are no destination.
 */
Test(datagram_batch, replies_to_what_waited_in_a_socket_that_another_process_has_opened)
{
    struct addr server = address("0.0.0.0:0"), client;
    const int on = 1;
    int plain = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    union socket_address name;
    socklen_t size = sockaddr_from_addr(&name, &server);
    cr_assert_eq(bind(plain, &name.any, size), 0);
    cr_assert_eq(socket_get_local_addr(plain, &server), 0);
    cr_assert_eq(setsockopt(plain, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
    struct udp_socket_options options = {.receive_buffer_bytes = 1 << 16};
    struct addr to = address("127.0.0.2:0");
    to.port = server.port;
    int peer = open_at("127.0.0.1:0", &client);
    struct batch *batch = batch_new(16);
    for (int i = 0; i < 3; i++) {
        if (i < 2)
            send_one(peer, &to, "early", 5);
        if (i == 1) /* the second one waits meanwhile */
            cr_assert_eq(udp_socket_adopt(plain, &server, &options), 0);
        if (i == 2)
            send_one(peer, &to, "later", 5);
        const struct datagram *datagram = receive_one(batch, plain);
        cr_expect_eq(datagram->local.family, i < 2 ? ADDR_NONE : ADDR_IPV4);
        cr_expect_not(datagram->is_multicast);
        batch_add_reply(batch, batch, 0, "yes", 3);
        cr_assert_eq(batch_send(batch, plain), 0);
        cr_assert_eq(batch_counts(batch).sent, 1);
        batch_clear(batch);
    }
    batch_free(batch);
    socket_close(peer);
    socket_close(plain);
}

Test(datagram_batch, recognizes_a_broadcast_destination)
{
    struct addr bound, peer_bound, target = address("127.255.255.255");
    int fd = open_at("0.0.0.0:0", &bound), peer = open_at("127.0.0.1:0", &peer_bound), on = 1;
    struct batch *batch = batch_new(64);
    cr_assert_eq(setsockopt(peer, SOL_SOCKET, SO_BROADCAST, &on, sizeof on), 0);
    target.port = bound.port;
    send_one(peer, &target, "all", 3);
    cr_assert(receive_one(batch, fd)->is_multicast);
    batch_free(batch);
    socket_close(fd);
    socket_close(peer);
}

Test(datagram_batch, counts_those_that_fail_and_sends_the_other_sixty)
{
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    struct batch *batch = batch_new(0), *received = batch_new(8);
    struct addr nowhere = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}, .port = 0};
    uint8_t numbers[BATCH_MAX];

    /* The first, the last, and two in a row. */
    for (int i = 0; i < BATCH_MAX; i++) {
        bool fails = i == 0 || i == 30 || i == 31 || i == BATCH_MAX - 1;
        numbers[i] = (uint8_t)i;
        batch_add(batch, fails ? &nowhere : &client, &anywhere, &numbers[i], 1);
    }
    cr_assert_eq(batch_queued(batch), BATCH_MAX);
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_counts(batch).failed, 4);
    cr_assert_eq(batch_counts(batch).sent, BATCH_MAX - 4);
    cr_assert_eq(batch_counts(batch).last_errno, EINVAL);

    await(peer, POLLIN);
    cr_assert_eq(batch_receive(received, peer), BATCH_MAX - 4);
    for (int i = 0, expected = 1; i < BATCH_MAX - 4; i++, expected++) {
        if (expected == 30)
            expected = 32;
        cr_assert_eq(batch_datagrams(received)[i].bytes[0], expected);
    }
    batch_free(batch);
    batch_free(received);
    socket_close(fd);
    socket_close(peer);
}

Test(datagram_batch, icmp_error_about_a_closed_port_fails_neither_send_nor_receive)
{
    struct addr server, client, closed_port;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    int closed = open_at("127.0.0.1:0", &closed_port);
    socket_close(closed);
    struct batch *batch = batch_new(8);
    for (int i = 0; i < 100; i++) {
        send_one(fd, &closed_port, "x", 1);
        send_one(peer, &server, "y", 1);
        receive_one(batch, fd);
        batch_add_reply(batch, batch, 0, "z", 1);
        cr_assert_eq(batch_send(batch, fd), 0);
        cr_assert_eq(batch_counts(batch).failed, 0);
        batch_clear(batch);
    }
    batch_free(batch);
    socket_close(fd);
    socket_close(peer);
}

/* Limits the rate of the loopback interface, in a new network namespace: otherwise its queue is
 * never full. */
static void limit_loopback_rate(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("a network namespace isn't allowed here: %s", strerror(errno));
    if (system("ip link set lo up mtu 1500 && tc qdisc add dev lo root tbf rate 2mbit burst 4kb"
               " latency 60s 2>/dev/null") != 0)
        cr_skip("the kernel has no token bucket queue (sch_tbf), or iproute2 is missing");
}

Test(datagram_batch, full_send_buffer_waits_and_loses_nothing, .timeout = 60)
{
    limit_loopback_rate();
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    struct batch *batch = batch_new(0), *received = batch_new(1024);
    uint8_t bytes[BATCH_MAX][1024] = {{0}};
    for (int i = 0; i < BATCH_MAX; i++) {
        bytes[i][0] = (uint8_t)i;
        batch_add(batch, &client, &anywhere, bytes[i], sizeof bytes[i]);
    }
    int waits = 0;
    while (batch_send(batch, fd) == -EAGAIN) {
        waits++;
        await(fd, POLLOUT);
    }
    cr_assert_gt(waits, 0, "64 KiB fit into a buffer of 4 KiB");
    cr_assert_eq(batch_counts(batch).sent, BATCH_MAX);
    cr_assert_eq(batch_counts(batch).failed, 0);

    for (int seen = 0; seen < BATCH_MAX;) {
        await(peer, POLLIN);
        int count = batch_receive(received, peer);
        for (int i = 0; i < count; i++)
            cr_assert_eq(batch_datagrams(received)[i].bytes[0], seen++, "in order");
        batch_clear(received);
    }
    batch_free(batch);
    batch_free(received);
    socket_close(fd);
    socket_close(peer);
}

/* 4096 bytes are requested and 8192 given; all fragments but the last must fit into 16384. */
Test(datagram_batch, fragments_that_will_fit_wait_for_room, .timeout = 60)
{
    enum { BYTES = 5000 };
    limit_loopback_rate();
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    struct batch *batch = batch_new(0), *received = batch_new(BYTES);
    static uint8_t bytes[BYTES];
    for (int i = 0; i < BATCH_MAX; i++)
        batch_add(batch, &client, &anywhere, bytes, sizeof bytes);
    while (batch_send(batch, fd) == -EAGAIN)
        await(fd, POLLOUT);
    cr_assert_eq(batch_counts(batch).failed, 0, "%s", strerror(batch_counts(batch).last_errno));
    for (int seen = 0; seen < BATCH_MAX;) {
        await(peer, POLLIN);
        seen += batch_receive(received, peer);
        batch_clear(received);
    }
    batch_free(batch);
    batch_free(received);
    socket_close(fd);
    socket_close(peer);
}

Test(datagram_batch, fragments_that_never_fit_fail_and_the_others_are_sent, .timeout = 60)
{
    enum { BYTES = 40000 };
    limit_loopback_rate();
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    struct batch *batch = batch_new(0), *received = batch_new(8);
    static uint8_t bytes[BYTES];
    batch_add(batch, &client, &anywhere, "before", 6);
    batch_add(batch, &client, &anywhere, bytes, sizeof bytes);
    batch_add(batch, &client, &anywhere, "after", 5);
    while (batch_send(batch, fd) == -EAGAIN)
        await(fd, POLLOUT);
    cr_assert_eq(batch_counts(batch).failed, 1);
    cr_assert_eq(batch_counts(batch).last_errno, ENOBUFS);
    cr_assert_eq(batch_counts(batch).sent, 2);
    for (int seen = 0; seen < 2;) {
        await(peer, POLLIN);
        seen += batch_receive(received, peer);
        batch_clear(received);
    }
    batch_free(batch);
    batch_free(received);
    socket_close(fd);
    socket_close(peer);
}

Test(datagram_batch, reports_which_datagrams_were_refused)
{
    struct addr bound, to;
    int fd = open_at("127.0.0.1:0", &bound);
    struct batch *batch = batch_new(0);
    for (int i = 0; i < BATCH_MAX; i++) {
        /* A limited broadcast fails without SO_BROADCAST: EACCES. */
        to = i % 3 == 1 ? address("255.255.255.255:9") : bound;
        batch_add(batch, &to, &anywhere, "x", 1);
    }
    cr_assert_eq(batch_done(batch), 0);
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_done(batch), BATCH_MAX);
    for (int i = 0; i < BATCH_MAX; i++)
        cr_assert_eq(batch_is_refused(batch, i), i % 3 == 1, "datagram %d", i);
    batch_clear(batch);
    cr_assert_not(batch_is_refused(batch, 1));
    batch_free(batch);
    socket_close(fd);
}

Test(datagram_batch, sends_to_the_peer_of_a_connected_socket)
{
    struct addr bound, from = address("127.0.0.9:0"), ours;
    int server = open_at("127.0.0.1:0", &bound);
    int client = udp_socket_connect_from(&from, &bound, &ours);
    cr_assert_geq(client, 0);
    struct batch *out = batch_new(0), *in = batch_new(64);
    batch_add(out, &anywhere, &anywhere, "hi", 2);
    cr_assert_eq(batch_send(out, client), 0);
    cr_assert(addr_equal(&receive_one(in, server)->source, &ours));
    cr_assert_eq(ours.ip[3], 9);
    batch_free(out);
    batch_free(in);
    socket_close(client);
    socket_close(server);
}

/* The same bytes to the same peer. A datagram without a local address ignores the new one. */
Test(datagram_batch, repeats_the_datagram_at_a_position_from_another_address)
{
    struct addr everywhere, bound, from = address("127.0.0.9:0"), ours, other;
    int sender = open_at("0.0.0.0:0", &everywhere), server = open_at("127.0.0.1:0", &bound);
    int connected = udp_socket_connect_from(&from, &bound, &ours);
    struct batch *out = batch_new(0), *in = batch_new(64);
    struct addr first = address("127.0.0.2"), second = address("127.0.0.3");
    uint32_t ip;
    batch_add(out, &bound, &first, "one", 3);
    batch_add(out, &bound, &second, "two", 3);
    batch_clear(out);
    for (uint8_t i = 40; i < 60; i++) {
        other = (struct addr){.ip = {127, 1, 0, i}};
        memcpy(&ip, other.ip, sizeof ip);
        batch_repeat_from(out, ip);
        if (i % 2 == 0)
            continue;
        cr_assert_eq(batch_send(out, sender), 0);
        cr_assert_eq(batch_counts(out).sent, 2);
        batch_clear(out);
        for (int seen = 0; seen < 2; batch_clear(in)) {
            await(server, POLLIN);
            int count = batch_receive(in, server);
            for (int k = 0; k < count; k++, seen++) {
                const struct datagram *datagram = &batch_datagrams(in)[k];
                cr_assert_eq(datagram->source.ip[3], i - 1 + seen);
                cr_assert_eq(datagram->source.port, everywhere.port);
                cr_assert_eq(memcmp(datagram->bytes, seen ? "two" : "one", 3), 0);
            }
        }
    }
    batch_add(out, &anywhere, &anywhere, "three", 5);
    batch_clear(out);
    batch_repeat_from(out, ip);
    cr_assert_eq(batch_send(out, connected), 0);
    cr_assert(addr_equal(&receive_one(in, server)->source, &ours));
    batch_free(out);
    batch_free(in);
    socket_close(sender);
    socket_close(connected);
    socket_close(server);
}
