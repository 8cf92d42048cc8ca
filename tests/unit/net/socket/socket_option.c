/* Kernels that lack a socket option, simulated by a filter of system calls (seccomp). */
#include "net/socket/socket_option.h"

#include "net/socket/multicast_socket.h"
#include "net/socket/reuseport_group.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/tcp_socket.h"
#include "net/socket/udp_socket.h"
#include "refused_option_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

TestSuite(socket_option, .timeout = 20);

static const struct addr IPV4 = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}};
static const struct addr IPV4_WILDCARD = {.family = ADDR_IPV4};
static const struct addr IPV6_WILDCARD = {.family = ADDR_IPV6};

static int try_open(const struct addr *addr)
{
    struct udp_socket_options options = {0};
    struct addr bound;
    int socket = udp_socket_open(addr, &options, &bound);
    if (socket >= 0)
        socket_close(socket);
    return socket < 0 ? socket : 0;
}

Test(socket_option, that_is_not_essential_may_be_missing)
{
    lack(IPPROTO_IP, IP_MULTICAST_ALL, ENOPROTOOPT);
    cr_assert_eq(try_open(&IPV4), 0);
    cr_assert_eq(try_open(&IPV4_WILDCARD), 0);
    lack(IPPROTO_IP, IP_MTU_DISCOVER, ENOPROTOOPT);
    cr_assert_eq(try_open(&IPV4), 0);
    lack(IPPROTO_IPV6, 29, ENOPROTOOPT); /* IPV6_MULTICAST_ALL */
    int error = try_open(&IPV6_WILDCARD);
    cr_assert(error == 0 || error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL, "%d", error);
}

Test(socket_option, may_lack_the_value_that_ignores_the_path_mtu)
{
    lack(IPPROTO_IP, IP_MTU_DISCOVER, EINVAL);
    cr_assert_eq(try_open(&IPV4), 0);
}

Test(socket_option, of_a_group_may_be_missing_if_it_is_not_essential)
{
    const struct addr group = {.family = ADDR_IPV4, .ip = {239, 77, 1, 2}, .port = 5353};
    int with = multicast_join(&group, 1, 0);
    lack(IPPROTO_IP, IP_MULTICAST_ALL, ENOPROTOOPT);
    int without = multicast_join(&group, 1, 0);
    cr_assert_geq(with, 0);
    cr_assert_geq(without, 0, "%s", socket_option_error(-without));
    socket_close(with);
    socket_close(without);
}

Test(socket_option, that_is_essential_is_named)
{
    lack(IPPROTO_IP, IP_PKTINFO, ENOPROTOOPT);
    cr_assert_eq(try_open(&IPV4), 0, "it isn't needed here");
    cr_assert_eq(try_open(&IPV4_WILDCARD), -ENOPROTOOPT);
    cr_assert_str_eq(socket_option_error(ENOPROTOOPT),
                     "Protocol not available (this kernel has no IP_PKTINFO)");
    lack(SOL_SOCKET, SO_ATTACH_FILTER, ENOPROTOOPT);
    struct udp_socket_options options = {0};
    struct addr bound;
    int sockets[2];
    cr_assert_eq(reuseport_group_open(&IPV4, &options, &bound, sockets, 2), -ENOPROTOOPT);
    cr_assert_str_eq(socket_option_error(ENOPROTOOPT),
                     "Protocol not available (this kernel has no SO_ATTACH_FILTER)");
    lack(IPPROTO_IPV6, IPV6_V6ONLY, ENOPROTOOPT);
    int error = tcp_listen(&IPV6_WILDCARD, &bound);
    if (error != -EAFNOSUPPORT)
        cr_assert_str_eq(socket_option_error(-error),
                         "Protocol not available (this kernel has no IPV6_V6ONLY)");
}

Test(socket_option, of_the_choice_by_source_may_be_missing)
{
    const struct source_shard_key key = {1, {3, 5}};
    struct udp_socket_options options = {0};
    struct addr bound;
    int sockets[2];
    char byte;
    lack(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, ENOPROTOOPT);
    cr_assert_eq(reuseport_group_open(&IPV4, &options, &bound, sockets, 2), 0);
    cr_assert_eq(reuseport_group_choose_by_source(sockets, 2, ADDR_IPV4, &key), -ENOPROTOOPT);
    cr_assert_str_eq(socket_option_error(ENOPROTOOPT),
                     "Protocol not available (this kernel has no SO_ATTACH_REUSEPORT_CBPF)");
    cr_assert_eq(reuseport_member_start(sockets[0]), 0);
    cr_assert_eq(reuseport_member_start(sockets[1]), 0);
    int client = udp_socket_connect(&bound);
    cr_assert_eq(send(client, "a", 1, 0), 1);
    cr_assert(recv(sockets[0], &byte, 1, 0) == 1 || recv(sockets[1], &byte, 1, 0) == 1);
}

Test(socket_option, that_detaches_a_filter_may_be_missing)
{
    struct udp_socket_options options = {0};
    struct addr bound;
    int sockets[2];
    char byte;
    lack(SOL_SOCKET, SO_DETACH_FILTER, ENOPROTOOPT);
    cr_assert_eq(reuseport_group_open(&IPV4, &options, &bound, sockets, 2), 0);
    int client = udp_socket_connect(&bound);
    cr_assert_geq(client, 0);
    cr_assert_eq(send(client, "a", 1, 0), 1);
    cr_assert(recv(sockets[0], &byte, 1, 0) < 0 && recv(sockets[1], &byte, 1, 0) < 0);
    cr_assert_eq(reuseport_member_start(sockets[0]), 0);
    cr_assert_eq(reuseport_member_start(sockets[1]), 0);
    cr_assert_eq(send(client, "b", 1, 0), 1);
    cr_assert(recv(sockets[0], &byte, 1, 0) == 1 || recv(sockets[1], &byte, 1, 0) == 1);
    cr_assert_eq(byte, 'b');
    lack(SOL_SOCKET, SO_ATTACH_FILTER, ENOPROTOOPT);
    int single = udp_socket_open(&IPV4, &options, &bound);
    cr_assert_geq(single, 0);
    cr_assert_eq(reuseport_member_start(single), 0);
}

Test(socket_option, is_named_only_if_it_is_the_reason)
{
    cr_assert_str_eq(socket_option_error(ENOPROTOOPT), "Protocol not available");
    lack(IPPROTO_IP, IP_PKTINFO, ENOPROTOOPT);
    cr_assert_eq(try_open(&IPV4_WILDCARD), -ENOPROTOOPT);
    cr_assert_str_eq(socket_option_error(EADDRINUSE), strerror(EADDRINUSE));
}

Test(socket_option, of_buffers_may_be_missing_too)
{
    struct udp_socket_options options = {.receive_buffer_bytes = 65536, .send_buffer_bytes = 65536};
    struct addr bound;
    lack(SOL_SOCKET, SO_RCVBUFFORCE, ENOPROTOOPT);
    lack(SOL_SOCKET, SO_SNDBUFFORCE, ENOPROTOOPT);
    int socket = udp_socket_open(&IPV4, &options, &bound);
    cr_assert_geq(socket, 0);
    cr_assert_geq(options.receive_buffer_actual_bytes, 65536);
    cr_assert_geq(options.send_buffer_actual_bytes, 65536);
    socket_close(socket);
}
