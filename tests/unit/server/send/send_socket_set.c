/* The sizes of the send buffers of a set of sockets. */
#include "server/send/send_socket_set.h"

#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <unistd.h>

/* The kernel doubles the size that it is asked for. */
Test(send_socket_set, has_space_for_copies_of_8_kib_to_600_neighbours_that_do_not_answer)
{
    enum { NEIGHBOURS = 600, FRAGMENTS = 6, FRAGMENT_BYTES = 2304 };
    struct addr addr, bound;
    struct udp_socket_options options = {.send_buffer_bytes = 128 << 10};
    struct send_socket_set senders;
    if (geteuid() != 0)
        cr_skip("the kernel bounds send buffers");
    cr_assert_null(addr_parse(&addr, NULL, "127.0.0.1", 0));
    int receiver = udp_socket_open(&addr, &options, &bound);
    cr_assert_geq(receiver, 0);
    udp_socket_allow_sharing(receiver, true);
    cr_assert_eq(send_socket_set_open(&senders, receiver, &bound, 128 << 10), 0);
    cr_expect_geq(socket_send_buffer_limit(senders.copy_reserve),
                  NEIGHBOURS * FRAGMENTS * FRAGMENT_BYTES);
    cr_expect_eq(socket_send_buffer_limit(senders.reply_reserve),
                 2 * SEND_SOCKET_SET_RESERVE_BYTES);
    send_socket_set_close(&senders);
    socket_close(receiver);
}
