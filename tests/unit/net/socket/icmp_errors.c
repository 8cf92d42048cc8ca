/* ICMP errors about datagrams that were sent. */
#include "net/socket/icmp_errors.h"

#include "addr_fixture.h"
#include "net/message/datagram_batch.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

TestSuite(icmp_errors, .timeout = 10);

/* Returns an address of that host with a port that no socket has. */
static struct addr closed_port(const char *host)
{
    struct addr any = address(host), bound;
    struct udp_socket_options options = {0};
    int fd = udp_socket_open(&any, &options, &bound);
    if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
        cr_skip("this host has no %s", host);
    cr_assert_geq(fd, 0, "%s", strerror(-fd));
    socket_close(fd);
    return bound;
}

static void await_error(int fd)
{
    struct pollfd wait = {.fd = fd, .events = 0};
    cr_assert_eq(poll(&wait, 1, 10000), 1, "no error came");
}

/* Queues count datagrams to an address, or to the socket's peer. */
static struct batch *queue(const struct addr *to, int count)
{
    const struct addr own = {.family = ADDR_NONE};
    struct batch *batch = batch_new(0);
    for (int i = 0; i < count; i++)
        batch_add(batch, to, &own, "x", 1);
    return batch;
}

static void count_on_unconnected(const char *any_text, const char *host)
{
    struct addr to = closed_port(host), any = address(any_text), bound;
    struct udp_socket_options options = {0};
    int fd = udp_socket_open(&any, &options, &bound), last = 0;
    cr_assert_geq(fd, 0);
    cr_assert_eq(icmp_errors_enable(fd, any.family), 0);
    cr_assert_eq(icmp_errors_receive(fd, &last), 0);
    cr_assert_eq(last, 0);

    struct batch *batch = queue(&to, 20);
    uint32_t count = 0;
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_counts(batch).sent, 20, "each is sent, despite errors about earlier ones");
    cr_assert_eq(batch_counts(batch).failed, 0);
    while (count < 20) {
        await_error(fd);
        count += icmp_errors_receive(fd, &last);
    }
    cr_assert_eq(count, 20);
    cr_assert_eq(last, -ECONNREFUSED);
    struct pollfd wait = {.fd = fd, .events = 0};
    cr_assert_eq(poll(&wait, 1, 0), 0, "an error is left");
    batch_free(batch);
    socket_close(fd);
}

Test(icmp_errors, are_counted_one_by_one_on_an_unconnected_socket)
{
    count_on_unconnected("0.0.0.0:0", "127.0.0.1:0");
}

Test(icmp_errors, are_counted_over_ipv6_too)
{
    count_on_unconnected("[::]:0", "[::1]:0");
}

/* The kernel reports the error by refusing the next datagram, which must be sent nevertheless. */
Test(icmp_errors, do_not_prevent_datagrams_of_a_connected_socket)
{
    const struct addr peer = {.family = ADDR_NONE};
    struct addr to = closed_port("127.0.0.1:0");
    int fd = udp_socket_connect(&to);
    cr_assert_geq(fd, 0);
    struct batch *batch = queue(&peer, 1);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(batch_send(batch, fd), 0);
        cr_assert_eq(batch_counts(batch).sent, 1);
        cr_assert_eq(batch_counts(batch).failed, 0);
        cr_assert_eq(batch_counts(batch).icmp_errors, i > 0);
        cr_assert_eq(batch_counts(batch).icmp_errno, i > 0 ? ECONNREFUSED : 0);
        batch_clear(batch);
        await_error(fd);
        batch_add(batch, &peer, &peer, "x", 1);
    }
    batch_free(batch);
    socket_close(fd);
}

/* A datagram that is refused itself is no ICMP error: here to the broadcast address of loopback
 * without SO_BROADCAST. */
Test(icmp_errors, do_not_include_refusals_of_the_datagram_itself)
{
    struct addr any = address("0.0.0.0:0"), everyone = address("127.255.255.255:9"), bound;
    struct udp_socket_options options = {0};
    int fd = udp_socket_open(&any, &options, &bound);
    cr_assert_geq(fd, 0);
    struct batch *batch = queue(&everyone, 2);
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_counts(batch).failed, 2);
    cr_assert_eq(batch_counts(batch).icmp_errors, 0);
    cr_assert_eq(batch_counts(batch).last_errno, EACCES);
    batch_free(batch);
    socket_close(fd);
}
