/* Sockets that only send, together with one that receives on the same address and port. */
#include "net/socket/udp_socket.h"

#include "net/message/datagram_batch.h"
#include "net/socket/reuseport_group.h"
#include "net/socket/send_only_socket.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct addr address(const char *text)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, text, 0), "%s", text);
    return addr;
}

static int open_at(const char *text, struct addr *bound)
{
    struct udp_socket_options options = {.receive_buffer_bytes = 1 << 20};
    struct addr addr = address(text);
    int fd = udp_socket_open(&addr, &options, bound);
    if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
        cr_skip("this host has no %s", text);
    cr_assert_geq(fd, 0, "%s: %s", text, strerror(-fd));
    return fd;
}

static int open_sender(const struct addr *bound, int receiver)
{
    uint32_t got;
    udp_socket_allow_sharing(receiver, true);
    int fd = send_only_socket_open(bound, 64 << 10, &got);
    cr_assert_geq(fd, 0, "%s", strerror(-fd));
    cr_assert_geq(got, 64u << 10);
    udp_socket_allow_sharing(receiver, false);
    udp_socket_allow_sharing(fd, false);
    return fd;
}

static void send_by(int fd, const struct addr *to, const struct addr *from)
{
    struct batch *batch = batch_new(0);
    batch_add(batch, to, from, "x", 1);
    cr_assert_eq(batch_send(batch, fd), 0);
    cr_assert_eq(batch_counts(batch).sent, 1, "%s", strerror(batch_counts(batch).last_errno));
    batch_free(batch);
}

/* Expects that many datagrams, all from that source. */
static void expect_from(int fd, const struct addr *source, int count)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    struct batch *batch = batch_new(16);
    while (count > 0) {
        cr_assert_eq(poll(&wait, 1, 10000), 1, "nothing came");
        int count_now = batch_receive(batch, fd);
        cr_assert(count_now > 0 && count_now <= count);
        for (int i = 0; i < count_now; i++)
            cr_assert(addr_equal(&batch_datagrams(batch)[i].source, source));
        count -= count_now;
        batch_clear(batch);
    }
    batch_free(batch);
}

/* at: the address to bind to; target: the address of it that the client sends to. */
static void sends_and_does_not_receive(const char *at, const char *target)
{
    static const struct addr anywhere = {.family = ADDR_NONE};
    struct addr bound, client, server = address(target), local = server;
    int receiver = open_at(at, &bound), peer = open_at(target, &client);
    int sender = open_sender(&bound, receiver);
    server.port = bound.port;
    for (int i = 0; i < 100; i++)
        send_by(peer, &server, &anywhere);
    expect_from(receiver, &client, 100);
    send_by(sender, &client, addr_is_wildcard(&bound) ? &local : &anywhere);
    expect_from(peer, &server, 1);
    socket_close(sender);
    socket_close(peer);
    socket_close(receiver);
}

Test(send_only_socket, sends_from_the_receivers_address_and_receives_none_of_its_datagrams)
{
    sends_and_does_not_receive("127.0.0.1:0", "127.0.0.1");
}

Test(send_only_socket, does_so_with_a_receiver_on_all_addresses)
{
    sends_and_does_not_receive("0.0.0.0:0", "127.0.0.1");
}

Test(send_only_socket, does_so_with_a_receiver_of_ipv6)
{
    sends_and_does_not_receive("[::1]:0", "::1");
}

Test(send_only_socket, does_so_with_a_receiver_on_all_addresses_of_ipv6)
{
    sends_and_does_not_receive("[::]:0", "::1");
}

Test(send_only_socket, receives_no_datagram_of_a_reuseport_group_on_its_port)
{
    enum { GROUP = 4, CLIENTS = 200 };
    static const struct addr anywhere = {.family = ADDR_NONE};
    struct udp_socket_options options = {.receive_buffer_bytes = 1 << 20};
    struct addr at = address("127.0.0.1:0"), bound;
    int group[GROUP], senders[GROUP], received = 0;
    uint32_t got;
    cr_assert_eq(reuseport_group_open(&at, &options, &bound, group, GROUP), 0);
    for (int i = 0; i < GROUP; i++)
        udp_socket_allow_sharing(group[i], true);
    for (int i = 0; i < GROUP; i++)
        cr_assert_geq(senders[i] = send_only_socket_open(&bound, 64 << 10, &got), 0);
    for (int i = 0; i < GROUP; i++)
        cr_assert_eq(reuseport_member_start(group[i]), 0);
    for (int i = 0; i < CLIENTS; i++) {
        struct addr client;
        int peer = open_at("127.0.0.1:0", &client);
        send_by(peer, &bound, &anywhere);
        socket_close(peer);
    }
    struct batch *batch = batch_new(16);
    for (int i = 0; i < GROUP; i++) {
        int count;
        while ((count = batch_receive(batch, group[i])) > 0) {
            received += count;
            batch_clear(batch);
        }
    }
    cr_assert_eq(received, CLIENTS, "a datagram on loopback is received when the call returns");
    batch_free(batch);
    for (int i = 0; i < GROUP; i++) {
        socket_close(senders[i]);
        socket_close(group[i]);
    }
}

Test(send_only_socket, allows_no_other_socket_on_the_port_once_sharing_is_off)
{
    struct addr bound;
    uint32_t got;
    int receiver = open_at("127.0.0.1:0", &bound), sender = open_sender(&bound, receiver);
    cr_assert_eq(send_only_socket_open(&bound, 4096, &got), -EADDRINUSE);
    socket_close(sender);
    socket_close(receiver);
}

Test(send_only_socket, needs_no_loopback_interface_if_it_has_an_address_of_its_own)
{
    struct addr bound;
    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("network namespaces take root");
    cr_assert_eq(system("ip link add near type veth peer name far && "
                        "ip addr add 10.8.0.1/16 dev near && ip link set near up && "
                        "ip link set far up"),
                 0);
    int receiver = open_at("10.8.0.1", &bound);
    close(open_sender(&bound, receiver));
    close(receiver);
}

Test(send_only_socket, reports_that_a_wildcard_has_no_loopback_address_to_connect_to)
{
    struct addr bound;
    uint32_t got;
    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("network namespaces take root");
    int receiver = open_at("0.0.0.0", &bound);
    udp_socket_allow_sharing(receiver, true);
    cr_assert_eq(send_only_socket_open(&bound, 64 << 10, &got), -ENETUNREACH);
    close(receiver);
    cr_assert_eq(system("ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6"), 0);
    receiver = open_at("::", &bound);
    udp_socket_allow_sharing(receiver, true);
    cr_assert_eq(send_only_socket_open(&bound, 64 << 10, &got), -EADDRNOTAVAIL);
    close(receiver);
}
