/* Sockets that only send, together with one that receives on the same address and port. */
#include "net/socket/send_only_socket.h"

#include "net/socket/reuseport_group.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"
#include "udp_socket_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

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

/* Its address is missing, so it is not connected, and takes what others should get. */
Test(send_only_socket, drops_only_what_comes_after_the_call)
{
    static const struct addr anywhere = {.family = ADDR_NONE};
    struct addr bound = address("10.8.0.1:4000"), client;
    uint32_t got;
    char byte[2];
    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("network namespaces take root");
    cr_assert_eq(system("ip link set lo up"), 0);
    int sender = send_only_socket_open(&bound, 64 << 10, &got);
    cr_assert_geq(sender, 0);
    cr_assert_eq(system("ip address add 10.8.0.1/32 dev lo"), 0);
    int peer = open_at("10.8.0.1:0", &client);
    send_by(peer, &bound, &anywhere);
    cr_assert_eq(send_only_socket_drop_received(sender), 0);
    send_by(peer, &bound, &anywhere);
    cr_assert_eq(read(sender, byte, sizeof byte), 1);
    cr_assert_eq(read(sender, byte, sizeof byte), -1);
    cr_assert_eq(errno, EAGAIN);
    close(peer);
    close(sender);
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

/* Whether a user that is not root may bind to that port; true if that is unknown. */
static bool is_free_for_all(unsigned port)
{
    unsigned first = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    if (file == NULL)
        return true;
    int found = fscanf(file, "%u", &first);
    fclose(file);
    return found != 1 || port >= first;
}

/* Not bound, it would send from another port, which the client has not asked. */
Test(send_only_socket, is_not_opened_if_it_cannot_be_bound_to_a_missing_address)
{
    struct addr missing = address("192.0.2.1:80"); /* for documentation: RFC 5737 */
    uint32_t got;
    if (is_free_for_all(missing.port))
        cr_skip("every user may bind to port %u here", missing.port);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0);
    cr_assert_eq(send_only_socket_open(&missing, 64 << 10, &got), -EACCES);
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
}
