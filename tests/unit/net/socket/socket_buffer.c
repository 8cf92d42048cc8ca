/* Buffers of sockets: size and use of the send buffer. Drops are tested in udp_socket.c. */
#include "net/socket/socket_buffer.h"

#include "net/socket/send_only_socket.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

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

Test(socket_buffer, reports_its_size_and_how_full_it_is)
{
    struct addr bound;
    int receiver = open_at("127.0.0.1:0", &bound), sender = open_sender(&bound, receiver);
    cr_assert_eq(socket_send_buffer_used(sender), 0);
    cr_assert_eq(socket_send_buffer_limit(sender), 2 * (64u << 10));
    cr_assert_eq(socket_send_buffer_used(-1), 0);
    socket_close(sender);
    socket_close(receiver);
}
