/* The sockets of a set: the sizes of their send buffers, and what another process gets of them. */
#include "server/send/send_socket_set.h"

#include "addr_fixture.h"
#include "handover_fixture.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"
#include "udp_socket_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
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

/* ---- handed over ---- */

static int receiver;
static struct addr bound;
static struct send_socket_set given, taken;

static void open_set(const char *at)
{
    struct addr addr = address(at);
    struct udp_socket_options options = {0};
    send_socket_set_init(&taken);
    receiver = udp_socket_open(&addr, &options, &bound);
    cr_assert_geq(receiver, 0);
    udp_socket_allow_sharing(receiver, true);
    cr_assert_eq(send_socket_set_open(&given, receiver, &bound, 64 << 10), 0);
}

static struct handover_writer written(void)
{
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    send_socket_set_hand_over(&given, &writer);
    handover_end(&writer);
    return writer;
}

static void close_all(void)
{
    send_socket_set_close(&taken);
    send_socket_set_close(&given);
    socket_close(receiver);
}

static int open_count(const struct send_socket_set *set)
{
    int count = (set->on_link >= 0) + (set->reply_reserve >= 0) + (set->copy_reserve >= 0);
    for (size_t i = 0; i < SEND_SOCKET_SLOTS_COUNT; i++)
        count += (set->replies[i] >= 0) + (set->copies[i] >= 0);
    return count;
}

static void expect_the_same_set(const char *at)
{
    open_set(at);
    struct handover_writer writer = written();
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(send_socket_set_take_over(&taken, &reader, receiver), 0);
    cr_assert(handover_is_at_end(&reader));
    cr_assert_eq(open_count(&taken), open_count(&given));
    cr_assert_eq(taken.by_interface, given.by_interface);
    cr_assert_eq(taken.buffer_bytes, given.buffer_bytes);
    cr_assert_eq(taken.routed, receiver);
    handover_forget(&reader);
    handover_writer_free(&writer);
}

Test(send_socket_set, of_one_address_is_the_same_after_it_was_handed_over, .fini = close_all)
{
    expect_the_same_set("127.0.0.1:0");
    cr_assert_not(taken.by_interface);
}

Test(send_socket_set, of_a_wildcard_is_the_same_after_it_was_handed_over, .fini = close_all)
{
    expect_the_same_set("0.0.0.0:0");
    cr_assert(taken.by_interface);
}

Test(send_socket_set, gets_the_buffers_of_another_configuration, .fini = close_all)
{
    expect_the_same_set("0.0.0.0:0");
    uint32_t before = socket_send_buffer_limit(taken.replies[0]);
    send_socket_set_choose_size(&taken, 96 << 10);
    cr_assert_eq(taken.buffer_bytes, 96 << 10);
    cr_assert_eq(socket_send_buffer_limit(taken.replies[0]), before, "the process before has them");
    send_socket_set_resize(&taken);
    cr_assert_eq(socket_send_buffer_limit(taken.replies[0]), 2 * (96 << 10));
    cr_assert_eq(socket_send_buffer_limit(taken.copies[SEND_SOCKET_SLOTS_MAX - 1]), 2 * (96 << 10));
}

Test(send_socket_set, that_is_truncated_is_refused_and_closed, .fini = close_all)
{
    open_set("127.0.0.1:0");
    struct handover_writer writer = written();
    for (size_t size = 9; size < writer.size; size++) {
        struct handover_reader reader = handover_received(&writer);
        reader.end = size;
        cr_assert_eq(send_socket_set_take_over(&taken, &reader, receiver), -EPROTO);
        cr_assert_eq(open_count(&taken), 0);
        handover_forget(&reader);
    }
    handover_writer_free(&writer);
}

Test(send_socket_set, that_is_reserved_has_the_descriptors_of_one_that_is_opened, .fini = close_all)
{
    open_set("0.0.0.0:0");
    cr_assert_eq(send_socket_set_reserve(&taken, receiver, &bound), 0);
    cr_assert_eq(open_count(&taken), open_count(&given));
    int first = taken.replies[0];
    cr_assert(socket_is_placeholder(first));
    struct send_socket_set fresh;
    cr_assert_eq(send_socket_set_open(&fresh, receiver, &bound, 64 << 10), 0);
    send_socket_set_replace(&taken, &fresh);
    cr_assert_eq(taken.replies[0], first);
    cr_assert_not(socket_is_placeholder(first));
    cr_assert_eq(open_count(&fresh), 0);
}

Test(send_socket_set, of_one_socket_is_neither_connected_nor_does_it_drop, .fini = close_all)
{
    static const struct addr anywhere = {.family = ADDR_NONE};
    struct addr client;
    open_set("127.0.0.1:0");
    send_socket_set_close(&given);
    cr_assert_eq(send_socket_set_open_single(&given, receiver, 64 << 10), 0);
    cr_assert_eq(send_socket_set_connect(&given, &bound), 0);
    cr_assert_eq(send_socket_set_drop_received(&given), 0);
    int peer = open_at("127.0.0.1:0", &client);
    send_by(peer, &bound, &anywhere);
    expect_from(receiver, &client, 1);
    socket_close(peer);
}
