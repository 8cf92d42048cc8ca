#include "net/socket/icmp_errors.h"

#include "net/message/datagram_batch.h"
#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

TestSuite(icmp_errors, .timeout = 10);

static struct addr address(const char *text)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, text, 0));
    return addr;
}

/* An address of that host, whose port nobody has. */
static struct addr closed_port(const char *host)
{
    struct addr any = address(host), bound;
    struct socket_options options = {0};
    int fd = socket_open(&any, &options, &bound);
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
        batch_address(batch, to, &own, "x", 1);
    return batch;
}

static void count_on_unconnected(const char *any_text, const char *host)
{
    struct addr to = closed_port(host), any = address(any_text), bound;
    struct socket_options options = {0};
    int fd = socket_open(&any, &options, &bound), last = 0;
    cr_assert_geq(fd, 0);
    cr_assert_eq(icmp_errors_enable(fd, any.family), 0);
    cr_assert_eq(icmp_errors_receive(fd, &last), 0);
    cr_assert_eq(last, 0);

    struct batch *batch = queue(&to, 20);
    uint32_t count = 0;
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_tally(batch).sent, 20, "each goes out, whatever came of those before");
    cr_assert_eq(batch_tally(batch).failed, 0);
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

/* The kernel tells the error by refusing the next datagram, which must go out all the same. */
Test(icmp_errors, keep_no_datagram_of_a_connected_socket_back)
{
    const struct addr peer = {.family = ADDR_NONE};
    struct addr to = closed_port("127.0.0.1:0");
    int fd = socket_connect(&to);
    cr_assert_geq(fd, 0);
    struct batch *batch = queue(&peer, 1);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(batch_send(batch, fd), 0);
        cr_assert_eq(batch_tally(batch).sent, 1);
        cr_assert_eq(batch_tally(batch).failed, 0);
        cr_assert_eq(batch_tally(batch).told, i > 0);
        cr_assert_eq(batch_tally(batch).told_errno, i > 0 ? ECONNREFUSED : 0);
        batch_clear(batch);
        await_error(fd);
        batch_address(batch, &peer, &peer, "x", 1);
    }
    batch_free(batch);
    socket_close(fd);
}

/* A refusal of its own is none of ICMP: here a broadcast address that was not asked for. */
Test(icmp_errors, are_not_seen_in_what_a_datagram_is_refused_for)
{
    struct addr any = address("0.0.0.0:0"), everyone = address("255.255.255.255:9"), bound;
    struct socket_options options = {0};
    int fd = socket_open(&any, &options, &bound);
    cr_assert_geq(fd, 0);
    struct batch *batch = queue(&everyone, 2);
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_tally(batch).failed, 2);
    cr_assert_eq(batch_tally(batch).told, 0);
    cr_assert_eq(batch_tally(batch).last_errno, EACCES);
    batch_free(batch);
    socket_close(fd);
}
