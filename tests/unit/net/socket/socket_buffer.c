/* Buffers of sockets: size and use of the send buffer. Drops are tested in udp_socket.c. */
#include "net/socket/socket_buffer.h"

#include "net/socket/socket_descriptor.h"
#include "udp_socket_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

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

Test(socket_buffer, a_receive_buffer_is_raised_and_never_lowered)
{
    struct addr bound;
    int fd = open_at("127.0.0.1:0", &bound);
    socket_set_receive_buffer(fd, 64 << 10);
    cr_assert_eq(socket_raise_receive_buffer(fd, 32 << 10), 64 << 10);
    cr_assert_eq(socket_raise_receive_buffer(fd, 96 << 10), 96 << 10);
    cr_assert_eq(socket_raise_receive_buffer(fd, 0), 96 << 10);
    socket_close(fd);
}

/* As a service manager makes it for a server without privileges. */
Test(socket_buffer, a_receive_buffer_beyond_the_limit_of_the_kernel_stays)
{
    enum { NOBODY = 65534, LARGE = 64 << 20, HUGE = 128 << 20 };
    struct addr bound;
    int fd = open_at("127.0.0.1:0", &bound);
    if (socket_set_receive_buffer(fd, LARGE) != LARGE || seteuid(NOBODY) != 0)
        cr_skip("only root may set a buffer beyond the limit of the kernel");
    cr_assert_eq(socket_raise_receive_buffer(fd, HUGE), LARGE);
    socket_set_receive_buffer(fd, 32 << 10);
    cr_assert_eq(socket_raise_receive_buffer(fd, 64 << 10), 64 << 10);
    cr_assert_eq(seteuid(0), 0);
    socket_close(fd);
}
