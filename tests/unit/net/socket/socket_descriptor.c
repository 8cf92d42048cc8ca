/* Descriptors of sockets: duplicates. */
#include "net/socket/socket_descriptor.h"

#include "udp_socket_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/resource.h>

Test(socket_descriptor, replacing_by_a_duplicate_needs_no_further_descriptor)
{
    struct addr bound, client, replaced;
    int receiver = open_at("127.0.0.1:0", &bound), peer = open_at("127.0.0.1:0", &client);
    int old = open_at("127.0.0.1:0", &replaced);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)old + 1, (rlim_t)old + 1}), 0);
    cr_assert_eq(socket_duplicate(receiver), -EMFILE);
    cr_assert_eq(socket_replace_by_duplicate(old, receiver), 0);
    send_by(old, &client, &(struct addr){.family = ADDR_NONE});
    expect_from(peer, &bound, 1);
    cr_assert_eq(socket_replace_by_duplicate(old, -1), -EBADF);
    socket_close(receiver);
    socket_close(old);
    socket_close(peer);
}

Test(socket_descriptor, nothing_can_be_sent_by_a_placeholder)
{
    static const char *const targets[] = {"127.0.0.1:9", "[::1]:9"};
    int fd = socket_open_placeholder();
    cr_assert_geq(fd, 0);
    struct batch *batch = batch_new(64);
    for (size_t i = 0; i < 2; i++) {
        struct addr to = address(targets[i]), none = {.family = ADDR_NONE};
        batch_add(batch, &to, &none, "x", 1);
        cr_assert_eq(batch_send(batch, fd), 0);
        cr_assert_eq(batch_counts(batch).failed, 1);
        cr_assert_eq(batch_counts(batch).last_errno, EINVAL);
        batch_clear(batch);
    }
    cr_assert_eq(batch_receive(batch, fd), 0);
    batch_free(batch);
    socket_close(fd);
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
