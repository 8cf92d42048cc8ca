#include "net/message/datagram_batch.h"

#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct addr anywhere = {.family = ADDR_NONE};

static struct addr address(const char *text)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, text, 0));
    return addr;
}

static int open_at(const char *text, struct addr *bound)
{
    struct addr addr = address(text);
    struct socket_options options = {.receive_buffer_bytes = 1 << 20, .send_buffer_bytes = 4096};
    int fd = socket_open(&addr, &options, bound);
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
    batch_address(batch, to, &anywhere, bytes, size);
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_tally(batch).sent, 1);
    batch_free(batch);
}

/* Receives exactly one datagram into an empty batch. */
static const struct datagram *receive_one(struct batch *batch, int fd)
{
    await(fd, POLLIN);
    cr_assert_eq(batch_receive(batch, fd), 1);
    return batch_datagrams(batch);
}

Test(datagram_batch, tells_nothing_received_from_a_failure)
{
    struct addr bound;
    int fd = open_at("127.0.0.1:0", &bound);
    struct batch *batch = batch_new(64);
    cr_assert_eq(batch_receive(batch, fd), 0);
    cr_assert_eq(batch_receive(batch, -1), -EBADF);
    batch_free(batch);
    socket_close(fd);
}

Test(datagram_batch, shows_source_size_and_bytes_even_of_nothing)
{
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.2:0", &client);
    struct batch *batch = batch_new(16);

    send_one(peer, &server, "hello", 5);
    const struct datagram *datagram = receive_one(batch, fd);
    cr_assert(addr_equal(&datagram->source, &client));
    cr_assert_eq(datagram->size, 5);
    cr_assert_arr_eq(datagram->bytes, "hello", 5);
    cr_assert_not(datagram->cut);
    cr_assert_eq(datagram->local.family, ADDR_NONE, "a bound socket says it itself");
    batch_clear(batch);

    send_one(peer, &server, "", 0);
    cr_assert_eq(receive_one(batch, fd)->size, 0);
    batch_free(batch);
    socket_close(fd);
    socket_close(peer);
}

Test(datagram_batch, marks_as_cut_what_is_a_byte_too_long_and_not_what_fits)
{
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    struct batch *batch = batch_new(8);
    send_one(peer, &server, "12345678", 8);
    cr_assert_not(receive_one(batch, fd)->cut);
    batch_clear(batch);
    send_one(peer, &server, "123456789", 9);
    cr_assert(receive_one(batch, fd)->cut);
    batch_free(batch);
    socket_close(fd);
    socket_close(peer);
}

/* A peer asks a wildcard listener through one of its addresses: the answer must come from that one,
 * and a later copy, too. */
static void answers_from(const char *wildcard, const char *asked, const char *from)
{
    struct addr bound, peer_bound, target = address(asked);
    int fd = open_at(wildcard, &bound), peer = open_at(from, &peer_bound);
    struct batch *batch = batch_new(64), *peer_batch = batch_new(64), *copies = batch_new(0);
    target.port = bound.port;

    for (int turn = 0; turn < 3; turn++) {
        send_one(peer, &target, "ask", 3);
        const struct datagram *request = receive_one(batch, fd);
        cr_assert(addr_equal(&request->source, &peer_bound));
        struct addr local = request->local;
        cr_assert_eq(memcmp(local.ip, target.ip, sizeof local.ip), 0, "asked at %s", asked);
        cr_assert_not(request->to_many);

        batch_answer(batch, batch, 0, "answer", 6);
        cr_assert_eq(batch_send(batch, fd), 0);
        cr_assert(addr_equal(&receive_one(peer_batch, peer)->source, &target), "asked at %s",
                  asked);
        batch_clear(peer_batch);
        batch_clear(batch);

        batch_address(copies, &peer_bound, &local, "copy", 4);
        cr_assert_eq(batch_send(copies, fd), 0);
        cr_assert(addr_equal(&receive_one(peer_batch, peer)->source, &target), "asked at %s",
                  asked);
        batch_clear(peer_batch);
        batch_clear(copies);
    }
    batch_free(batch);
    batch_free(peer_batch);
    batch_free(copies);
    socket_close(fd);
    socket_close(peer);
}

Test(datagram_batch, answers_from_the_ipv4_address_that_was_asked)
{
    answers_from("0.0.0.0:0", "127.0.0.1", "127.0.0.1:0");
    answers_from("0.0.0.0:0", "127.0.0.3", "127.0.0.1:0");
}

Test(datagram_batch, answers_from_the_ipv6_address_that_was_asked)
{
    answers_from("[::]:0", "::1", "[::1]:0");
}

Test(datagram_batch, knows_a_broadcast_destination)
{
    struct addr bound, peer_bound, target = address("127.255.255.255");
    int fd = open_at("0.0.0.0:0", &bound), peer = open_at("127.0.0.1:0", &peer_bound), on = 1;
    struct batch *batch = batch_new(64);
    cr_assert_eq(setsockopt(peer, SOL_SOCKET, SO_BROADCAST, &on, sizeof on), 0);
    target.port = bound.port;
    send_one(peer, &target, "all", 3);
    cr_assert(receive_one(batch, fd)->to_many);
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
        batch_address(batch, fails ? &nowhere : &client, &anywhere, &numbers[i], 1);
    }
    cr_assert_eq(batch_queued(batch), BATCH_MAX);
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_tally(batch).failed, 4);
    cr_assert_eq(batch_tally(batch).sent, BATCH_MAX - 4);
    cr_assert_eq(batch_tally(batch).last_errno, EINVAL);

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

Test(datagram_batch, a_dead_peers_icmp_error_fails_neither_send_nor_receive)
{
    struct addr server, client, dead;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    int closed = open_at("127.0.0.1:0", &dead);
    socket_close(closed);
    struct batch *batch = batch_new(8);
    for (int i = 0; i < 100; i++) {
        send_one(fd, &dead, "x", 1);
        send_one(peer, &server, "y", 1);
        receive_one(batch, fd);
        batch_answer(batch, batch, 0, "z", 1);
        cr_assert_eq(batch_send(batch, fd), 0);
        cr_assert_eq(batch_tally(batch).failed, 0);
        batch_clear(batch);
    }
    batch_free(batch);
    socket_close(fd);
    socket_close(peer);
}

/* Loopback is never full, unless its queue is told to be slow; so this one is a namespace's own. */
static void slow_loopback_down(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("a network namespace isn't allowed here: %s", strerror(errno));
    if (system("ip link set lo up mtu 1500 && tc qdisc add dev lo root tbf rate 2mbit burst 4kb"
               " latency 60s 2>/dev/null") != 0)
        cr_skip("the kernel has no token bucket queue (sch_tbf), or iproute2 is missing");
}

Test(datagram_batch, a_full_socket_waits_and_loses_nothing, .timeout = 60)
{
    slow_loopback_down();
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    struct batch *batch = batch_new(0), *received = batch_new(1024);
    uint8_t bytes[BATCH_MAX][1024] = {{0}};
    for (int i = 0; i < BATCH_MAX; i++) {
        bytes[i][0] = (uint8_t)i;
        batch_address(batch, &client, &anywhere, bytes[i], sizeof bytes[i]);
    }
    int waits = 0;
    while (batch_send(batch, fd) == -EAGAIN) {
        waits++;
        await(fd, POLLOUT);
    }
    cr_assert_gt(waits, 0, "64 KiB fitted into a buffer of 4");
    cr_assert_eq(batch_tally(batch).sent, BATCH_MAX);
    cr_assert_eq(batch_tally(batch).failed, 0);

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

/* With 4096 bytes asked for, and 8192 given, all fragments but the last must fit into 16384. */
Test(datagram_batch, fragments_that_will_fit_wait_for_room, .timeout = 60)
{
    enum { BYTES = 5000 };
    slow_loopback_down();
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    struct batch *batch = batch_new(0), *received = batch_new(BYTES);
    static uint8_t bytes[BYTES];
    for (int i = 0; i < BATCH_MAX; i++)
        batch_address(batch, &client, &anywhere, bytes, sizeof bytes);
    while (batch_send(batch, fd) == -EAGAIN)
        await(fd, POLLOUT);
    cr_assert_eq(batch_tally(batch).failed, 0, "%s", strerror(batch_tally(batch).last_errno));
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

Test(datagram_batch, fragments_that_never_fit_fail_alone, .timeout = 60)
{
    enum { BYTES = 40000 };
    slow_loopback_down();
    struct addr server, client;
    int fd = open_at("127.0.0.1:0", &server), peer = open_at("127.0.0.1:0", &client);
    struct batch *batch = batch_new(0), *received = batch_new(8);
    static uint8_t bytes[BYTES];
    batch_address(batch, &client, &anywhere, "before", 6);
    batch_address(batch, &client, &anywhere, bytes, sizeof bytes);
    batch_address(batch, &client, &anywhere, "behind", 6);
    while (batch_send(batch, fd) == -EAGAIN)
        await(fd, POLLOUT);
    cr_assert_eq(batch_tally(batch).failed, 1);
    cr_assert_eq(batch_tally(batch).last_errno, ENOBUFS);
    cr_assert_eq(batch_tally(batch).sent, 2);
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

Test(datagram_batch, tells_which_datagrams_were_refused)
{
    struct addr bound, to;
    int fd = open_at("127.0.0.1:0", &bound);
    struct batch *batch = batch_new(0);
    for (int i = 0; i < BATCH_MAX; i++) {
        /* A limited broadcast needs SO_BROADCAST: EACCES. */
        to = i % 3 == 1 ? address("255.255.255.255:9") : bound;
        batch_address(batch, &to, &anywhere, "x", 1);
    }
    cr_assert_eq(batch_settled(batch), 0);
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_settled(batch), BATCH_MAX);
    for (int i = 0; i < BATCH_MAX; i++)
        cr_assert_eq(batch_refused(batch, i), i % 3 == 1, "datagram %d", i);
    batch_clear(batch);
    cr_assert_not(batch_refused(batch, 1));
    batch_free(batch);
    socket_close(fd);
}

Test(datagram_batch, sends_to_the_peer_of_a_connected_socket)
{
    struct addr bound, from = address("127.0.0.9:0"), ours;
    int server = open_at("127.0.0.1:0", &bound);
    int client = socket_connect_from(&from, &bound, &ours);
    cr_assert_geq(client, 0);
    struct batch *out = batch_new(0), *in = batch_new(64);
    batch_address(out, &anywhere, &anywhere, "hi", 2);
    cr_assert_eq(batch_send(out, client), 0);
    cr_assert(addr_equal(&receive_one(in, server)->source, &ours));
    cr_assert_eq(ours.ip[3], 9);
    batch_free(out);
    batch_free(in);
    socket_close(client);
    socket_close(server);
}

/* The same bytes to the same peer; for what has no address of its own, the new one says nothing. */
Test(datagram_batch, sends_again_what_stood_at_a_place_from_another_address)
{
    struct addr everywhere, bound, from = address("127.0.0.9:0"), ours, other;
    int sender = open_at("0.0.0.0:0", &everywhere), server = open_at("127.0.0.1:0", &bound);
    int connected = socket_connect_from(&from, &bound, &ours);
    struct batch *out = batch_new(0), *in = batch_new(64);
    struct addr first = address("127.0.0.2"), second = address("127.0.0.3");
    uint32_t ip;
    batch_address(out, &bound, &first, "one", 3);
    batch_address(out, &bound, &second, "two", 3);
    batch_clear(out);
    for (uint8_t i = 40; i < 60; i++) {
        other = (struct addr){.ip = {127, 1, 0, i}};
        memcpy(&ip, other.ip, sizeof ip);
        batch_again(out, ip);
        if (i % 2 == 0)
            continue;
        cr_assert_eq(batch_send(out, sender), 0);
        cr_assert_eq(batch_tally(out).sent, 2);
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
    batch_address(out, &anywhere, &anywhere, "three", 5);
    batch_clear(out);
    batch_again(out, ip);
    cr_assert_eq(batch_send(out, connected), 0);
    cr_assert(addr_equal(&receive_one(in, server)->source, &ours));
    batch_free(out);
    batch_free(in);
    socket_close(sender);
    socket_close(connected);
    socket_close(server);
}
