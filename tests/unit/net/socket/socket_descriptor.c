/* Descriptors of sockets: duplicates. */
#include "net/socket/socket_descriptor.h"

#include "net/message/datagram_batch.h"
#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
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

Test(socket_descriptor, duplicate_is_the_same_socket_and_outlives_the_first)
{
    struct addr bound, client;
    int receiver = open_at("127.0.0.1:0", &bound), peer = open_at("127.0.0.1:0", &client);
    int second = socket_duplicate(receiver);
    cr_assert_geq(second, 0);
    socket_close(receiver);
    send_by(second, &client, &(struct addr){.family = ADDR_NONE});
    expect_from(peer, &bound, 1);
    cr_assert_eq(socket_duplicate(-1), -EBADF);
    socket_close(second);
    socket_close(peer);
}
