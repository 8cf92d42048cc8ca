#include "net/offload/offload_copies.h"

#include "copy_offload_fixture.h"
#include "handover_fixture.h"
#include "net/offload/offload_handover.h"
#include "net/offload/offload_state.h"
#include "netns_fixture.h"
#include "offload_fixture.h"
#include "veth_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

/* Copies that leave by one end of a veth pair (near) and arrive at real sockets in the network
 * namespace of the other one (far), which accept only frames with right lengths and checksums. */

enum {
    FAMILIES = 2,
    WORKERS = 2,
    RECEIVER_PORT = 4000,
    FIRST_PORT = 10000,
    BUFFER_BYTES = 16 << 20
};

static struct offload *offload;
static struct addr to[FAMILIES], from[FAMILIES];
static int receivers[FAMILIES];
static unsigned near;

static struct addr address(const char *text, uint16_t port)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, text, port), "%s", text);
    return addr;
}

static void prepare_to_receive(int descriptor)
{
    const struct timeval timeout = {.tv_sec = 10};
    const int bytes = BUFFER_BYTES;

    cr_assert_eq(setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes), 0);
    cr_assert_eq(setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
}

static void set_up(void)
{
    veth_or_skip();
    offload = offload_or_skip(1, WORKERS);
    ip("ip link set near address 02:00:00:00:ab:01");
    cr_assert_eq(offload_attach(offload, "near", OFFLOAD_NATIVE), 0);
    near = if_nametoindex("near");
    enter_far();
    ip("ip link set far address 02:00:00:00:cd:02");
    for (size_t family = 0; family < FAMILIES; family++) {
        to[family] = address(family == 0 ? FAR4 : FAR6, RECEIVER_PORT);
        from[family] = address(family == 0 ? NEAR4 : NEAR6, 0);
        receivers[family] = bound_socket(family == 0 ? FAR4 : FAR6, RECEIVER_PORT);
        prepare_to_receive(receivers[family]);
    }
    enter_near();
}

static void tear_down(void)
{
    offload_close(offload);
}

TestSuite(offload_copies_veth, .init = set_up, .fini = tear_down, .timeout = 60);

static struct offload_copy *copies(void)
{
    return offload_copies(offload, WORKER);
}

/* ---- sending and receiving ---- */

static uint8_t messages[OFFLOAD_COPY_MESSAGES][OFFLOAD_MESSAGE_BYTES];
static size_t sizes[OFFLOAD_COPY_MESSAGES];

static void set_message(uint32_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        messages[number][i] = (uint8_t)(i * 37 + size * 11 + number);
    sizes[number] = size;
    cr_assert_eq(offload_copies_set_message(offload, WORKER, number, messages[number], size), 0);
}

/* Both families and both messages, in a mixed order. */
static size_t family_of(uint32_t number)
{
    return number % 3 == 1;
}

static uint32_t message_of(uint32_t number)
{
    return number / 2 % OFFLOAD_COPY_MESSAGES;
}

/* Each copy has another port that it comes from. */
static void write_copies(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const size_t family = family_of(i);
        from[family].port = (uint16_t)(FIRST_PORT + i);
        struct offload_copy *copy = &copies()[i];
        *copy = copy_of(&to[family], &from[family], near);
        copy->message = (uint8_t)message_of(i);
    }
}

/* The next datagram at the receiver of a copy must be that copy. */
static void expect_copy(uint32_t number)
{
    uint8_t payload[OFFLOAD_MESSAGE_BYTES + 1];
    struct sockaddr_storage source;
    socklen_t source_bytes = sizeof source;
    const uint32_t message = message_of(number);

    const ssize_t size = recvfrom(receivers[family_of(number)], payload, sizeof payload, 0,
                                  (struct sockaddr *)&source, &source_bytes);
    cr_assert_eq(size, (ssize_t)sizes[message], "copy %u: %zd bytes", number, size);
    cr_assert_arr_eq(payload, messages[message], (size_t)size);
    const unsigned port = ntohs(((struct sockaddr_in *)&source)->sin_port);
    cr_assert_eq(port, FIRST_PORT + number, "copy %u: the one from port %u came", number, port);
}

static void expect_nothing_more(void)
{
    uint8_t byte;

    for (size_t family = 0; family < FAMILIES; family++)
        cr_assert_eq(recv(receivers[family], &byte, sizeof byte, MSG_DONTWAIT), -1);
}

/* All of the copies arrive, once each and in their order. */
static void expect_copies(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        expect_copy(i);
    expect_nothing_more();
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(copies()[i].is_made, 1);
}

static void send_and_expect(uint32_t count)
{
    write_copies(count);
    cr_assert_eq(offload_copies_send(offload, WORKER, count), 0);
    expect_copies(count);
}

Test(offload_copies_veth, copies_arrive_once_and_in_order)
{
    static const uint32_t COUNTS[] = {1, 2, 63, 64, 65, OFFLOAD_COPIES_MAX - 1, OFFLOAD_COPIES_MAX};

    set_message(0, 6);
    set_message(1, 1000);
    for (size_t i = 0; i < sizeof COUNTS / sizeof COUNTS[0]; i++)
        send_and_expect(COUNTS[i]);
}

Test(offload_copies_veth, messages_of_many_sizes_arrive)
{
    static const size_t SIZES[] = {0, 1, 10, 17, 18, 19, 511, OFFLOAD_MESSAGE_BYTES - 1};

    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        set_message(0, SIZES[i]);
        set_message(1, OFFLOAD_MESSAGE_BYTES - SIZES[i]);
        send_and_expect(6);
    }
}

Test(offload_copies_veth, only_the_first_copies_are_sent)
{
    set_message(0, 6);
    set_message(1, 6);
    write_copies(10);
    cr_assert_eq(offload_copies_send(offload, WORKER, 4), 0);
    for (uint32_t i = 0; i < 4; i++)
        expect_copy(i);
    expect_nothing_more();
    for (uint32_t i = 4; i < 10; i++)
        cr_assert_eq(copies()[i].is_made, 0);
}

/* The kernel uses the memory of frames again, in which long ones were before. */
Test(offload_copies_veth, frames_are_right_in_each_byte_after_longer_ones)
{
    enter_far();
    const int packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    const struct sockaddr_ll far = {.sll_family = AF_PACKET,
                                    .sll_protocol = htons(ETH_P_ALL),
                                    .sll_ifindex = (int)if_nametoindex("far")};
    cr_assert_geq(packets, 0);
    cr_assert_eq(bind(packets, (const struct sockaddr *)&far, sizeof far), 0);
    prepare_to_receive(packets);
    enter_near();
    for (size_t round = 0; round < 6; round++) {
        set_message(0, round % 2 == 0 ? OFFLOAD_MESSAGE_BYTES : 0);
        set_message(1, round % 2 == 0 ? OFFLOAD_MESSAGE_BYTES : round);
        write_copies(OFFLOAD_COPIES_MAX);
        cr_assert_eq(offload_copies_send(offload, WORKER, OFFLOAD_COPIES_MAX), 0);
        for (uint32_t i = 0; i < OFFLOAD_COPIES_MAX;) {
            struct frame frame;
            const ssize_t size = recv(packets, frame.bytes, sizeof frame.bytes, 0);
            cr_assert_gt(size, 0, "round %zu, copy %u: %s", round, i, strerror(errno));
            frame.size = (size_t)size;
            if (memcmp(frame.bytes, ETHERNET_TO, 6) != 0 || frame.size < 42 ||
                frame.bytes[frame_is_ipv6(&frame) ? 20 : 23] != 17)
                continue; /* of the kernel: neighbour discovery */
            const size_t family = family_of(i);
            from[family].port = (uint16_t)(FIRST_PORT + i);
            const char *error = frame_reply_error(&frame, &to[family], &from[family],
                                                  messages[message_of(i)], sizes[message_of(i)]);
            cr_assert_null(error, "round %zu, copy %u: %s", round, i, error);
            i++;
        }
        expect_copies(OFFLOAD_COPIES_MAX);
    }
}

/* ---- errors ---- */

static void ignore(int signal)
{
    (void)signal;
}

/* The kernel ends a run early when a signal comes. */
Test(offload_copies_veth, copies_arrive_once_while_signals_come)
{
    const struct sigaction action = {.sa_handler = ignore};
    const struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};

    set_message(0, 6);
    set_message(1, 700);
    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    for (int round = 0; round < 20; round++) {
        write_copies(OFFLOAD_COPIES_MAX);
        cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
        const int error = offload_copies_send(offload, WORKER, OFFLOAD_COPIES_MAX);
        cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
        cr_assert_eq(error, 0, "%s", strerror(-error));
        expect_copies(OFFLOAD_COPIES_MAX);
    }
}

Test(offload_copies_veth, a_call_that_the_kernel_refuses_sends_nothing)
{
    const int program = offload->program;

    set_message(0, 6);
    set_message(1, 6);
    write_copies(3);
    offload->program = -1;
    cr_assert_eq(offload_copies_send(offload, WORKER, 3), -EBADF);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(copies()[i].is_made, 0);
    expect_nothing_more();
    offload->program = program;
    send_and_expect(3);
}

/* What an interface does with a frame is only in its statistics. */
Test(offload_copies_veth, a_frame_for_an_interface_that_does_not_exist_is_lost)
{
    set_message(0, 6);
    set_message(1, 6);
    write_copies(3);
    copies()[1].interface = UINT32_MAX / 2;
    cr_assert_eq(offload_copies_send(offload, WORKER, 3), 0);
    for (uint32_t i = 0; i < 3; i++)
        cr_assert_eq(copies()[i].is_made, 1);
    expect_copy(0);
    expect_copy(2);
    expect_nothing_more();
}

Test(offload_copies_veth, a_message_that_is_too_long_changes_nothing)
{
    static const uint8_t BYTES[OFFLOAD_MESSAGE_BYTES + 1];

    set_message(0, 6);
    set_message(1, 100);
    cr_assert_eq(offload_copies_set_message(offload, WORKER, 1, BYTES, sizeof BYTES), -EMSGSIZE);
    send_and_expect(4);
}

Test(offload_copies_veth, sends_without_capabilities)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

    memset(none, 0, sizeof none);
    set_message(0, 6);
    set_message(1, 6);
    cr_assert_eq(syscall(SYS_capset, &header, none), 0, "%s", strerror(errno));
    send_and_expect(65);
    const struct offload_size size = {1, 1, 1};
    struct offload *another;
    const char *failed = NULL;
    cr_assert_eq(offload_open(&another, &size, &failed), -EPERM);
    cr_assert_null(another);
}

/* ---- workers ---- */

/* Those of one worker are sent before others that were written earlier. */
Test(offload_copies_veth, of_two_workers_are_separate)
{
    enum { COUNT = 6 };

    set_message(0, 6);
    set_message(1, 6);
    write_copies(COUNT);
    cr_assert_eq(offload_copies_set_message(offload, 0, 0, (const uint8_t *)"other", 5), 0);
    from[0].port = FIRST_PORT + COUNT;
    offload_copies(offload, 0)[0] = copy_of(&to[0], &from[0], near);
    cr_assert_eq(offload_copies_send(offload, 0, 1), 0);
    cr_assert_eq(offload_copies(offload, 0)[0].is_made, 1);
    for (uint32_t i = 0; i < COUNT; i++)
        cr_assert_eq(copies()[i].is_made, 0);
    uint8_t payload[OFFLOAD_MESSAGE_BYTES];
    cr_assert_eq(recv(receivers[0], payload, sizeof payload, 0), 5);
    cr_assert_arr_eq(payload, "other", 5);
    cr_assert_eq(offload_copies_send(offload, WORKER, COUNT), 0);
    expect_copies(COUNT);
}

/* ---- the handover ---- */

Test(offload_copies_veth, goes_on_in_another_process)
{
    struct handover_writer writer = {.size = 0};
    struct offload *taken;

    set_message(0, 6);
    set_message(1, 600);
    send_and_expect(3);
    handover_begin(&writer, 1);
    offload_hand_over(offload, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(offload_take_over(&taken, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    send_and_expect(65); /* if the handover fails, the former process goes on */
    offload_close(offload);
    offload = taken;
    set_message(0, 7);
    set_message(1, OFFLOAD_MESSAGE_BYTES);
    send_and_expect(65);
    handover_forget(&reader);
    handover_writer_free(&writer);
}
