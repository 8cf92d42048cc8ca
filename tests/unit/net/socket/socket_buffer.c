/* Buffers of sockets: size and use of the send buffer. Drops are tested in udp_socket.c. */
#include "net/socket/socket_buffer.h"

#include "net/socket/socket_descriptor.h"
#include "udp_socket_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>

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
