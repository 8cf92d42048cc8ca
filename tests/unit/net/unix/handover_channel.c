/* The channel of an upgrade: messages, packages with many descriptors, and an end that fails. */
#include "net/unix/handover_channel.h"

#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];

static void open_ends(void)
{
    cr_assert_eq(handover_channel_open(ends), 0);
}

TestSuite(handover_channel, .init = open_ends);

static uint64_t soon(void)
{
    return clock_now_ms() + 5000;
}

/* Sends a package in one go. Returns 0 or -errno. */
static int send_package(const void *bytes, size_t size, const int *descriptors, size_t count)
{
    struct handover_sending sending;
    int error = handover_sending_begin(&sending, bytes, size, descriptors, count);
    if (error == 0)
        error = handover_sending_continue(&sending, ends[0], soon());
    handover_sending_end(&sending);
    return error;
}

static bool is_same_file(int a, int b)
{
    struct stat first, second;
    cr_assert_eq(fstat(a, &first), 0);
    cr_assert_eq(fstat(b, &second), 0);
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Returns how many descriptors are open. */
static int count_open(void)
{
    int count = 0;
    for (int fd = 0; fd < 4096; fd++)
        count += is_open(fd);
    return count;
}

Test(handover_channel, a_message_arrives_with_its_kind_and_text)
{
    struct handover_message message;
    cr_assert_eq(handover_channel_send(ends[0], HANDOVER_FAILED, "no memory"), 0);
    cr_assert_eq(handover_channel_receive(ends[1], &message, 0), 0);
    cr_expect_eq(message.kind, HANDOVER_FAILED);
    cr_expect_str_eq(message.text, "no memory");
}

Test(handover_channel, the_first_end_gets_to_know_the_process_that_sends)
{
    struct handover_message message;
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(handover_channel_send(ends[1], HANDOVER_READY, "1.0") == 0 ? 0 : 1);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert_eq(handover_channel_receive(ends[0], &message, 0), 0);
    cr_expect_eq(message.sender, child);
    cr_expect_str_eq(message.text, "1.0");
    cr_assert_eq(handover_channel_send(ends[1], HANDOVER_STARTED, NULL), 0);
    cr_assert_eq(handover_channel_receive(ends[0], &message, 0), 0);
    cr_expect_eq(message.sender, getpid());
}

Test(handover_channel, a_message_without_a_text_has_an_empty_one)
{
    struct handover_message message;
    cr_assert_eq(handover_channel_send(ends[0], HANDOVER_GO, NULL), 0);
    cr_assert_eq(handover_channel_receive(ends[1], &message, 0), 0);
    cr_expect_eq(message.kind, HANDOVER_GO);
    cr_expect_str_eq(message.text, "");
}

Test(handover_channel, a_text_that_is_too_long_is_truncated)
{
    static char text[2 * HANDOVER_TEXT_BYTES];
    struct handover_message message;
    memset(text, 'x', sizeof text - 1);
    cr_assert_eq(handover_channel_send(ends[0], HANDOVER_FAILED, text), 0);
    cr_assert_eq(handover_channel_receive(ends[1], &message, 0), 0);
    cr_expect_eq(strlen(message.text), HANDOVER_TEXT_BYTES - 1);
}

Test(handover_channel, a_receiver_that_does_not_wait_learns_that_there_is_nothing)
{
    struct handover_message message;
    cr_expect_eq(handover_channel_receive(ends[1], &message, 0), -EAGAIN);
}

Test(handover_channel, a_receiver_waits_until_its_time_has_passed)
{
    struct handover_message message;
    uint64_t begun_ms = clock_now_ms();
    cr_expect_eq(handover_channel_receive(ends[1], &message, begun_ms + 30), -EAGAIN);
    cr_expect_geq(clock_now_ms(), begun_ms + 30);
}

Test(handover_channel, what_was_sent_before_the_end_arrives_before_it)
{
    struct handover_message message;
    cr_assert_eq(handover_channel_send(ends[0], HANDOVER_READY, "1"), 0);
    handover_channel_close(ends[0]);
    cr_expect_eq(handover_channel_receive(ends[1], &message, soon()), 0);
    cr_expect_eq(handover_channel_receive(ends[1], &message, soon()), -EPIPE);
}

Test(handover_channel, what_was_sent_by_an_end_that_has_read_nothing_arrives_too)
{
    struct handover_message message;
    cr_assert_eq(handover_channel_send(ends[1], HANDOVER_GO, NULL), 0);
    cr_assert_eq(handover_channel_send(ends[0], HANDOVER_FAILED, "no memory"), 0);
    handover_channel_close(ends[0]);
    cr_expect_eq(handover_channel_receive(ends[1], &message, soon()), 0);
    cr_expect_str_eq(message.text, "no memory");
    cr_expect_eq(handover_channel_receive(ends[1], &message, soon()), -EPIPE);
}

Test(handover_channel, a_message_to_an_end_that_is_closed_is_an_error)
{
    handover_channel_close(ends[1]);
    cr_expect_eq(handover_channel_send(ends[0], HANDOVER_GO, NULL), -EPIPE);
}

Test(handover_channel, a_message_of_another_kind_is_an_error)
{
    static const uint8_t wrong[] = {0, HANDOVER_SERVING + 1, 255};
    struct handover_message message;
    for (size_t i = 0; i < sizeof wrong; i++) {
        cr_assert_eq(send(ends[0], &wrong[i], 1, 0), 1);
        cr_expect_eq(handover_channel_receive(ends[1], &message, 0), -EPROTO);
    }
}

Test(handover_channel, both_ends_are_closed_in_programs_that_are_started)
{
    cr_expect_eq(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
    cr_expect_eq(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
}

Test(handover_channel, an_end_that_was_passed_is_adopted)
{
    fcntl(ends[1], F_SETFD, 0);
    fcntl(ends[1], F_SETFL, 0);
    cr_expect_eq(handover_channel_adopt(ends[1]), 0);
    cr_expect_eq(fcntl(ends[1], F_GETFD), FD_CLOEXEC);
    cr_expect(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
}

Test(handover_channel, what_is_no_end_is_not_adopted)
{
    int stream = socket(AF_UNIX, SOCK_STREAM, 0), file = open("/dev/null", O_RDONLY);
    cr_expect_eq(handover_channel_adopt(stream), -EPROTOTYPE);
    cr_expect_eq(handover_channel_adopt(file), -EPROTOTYPE);
    cr_expect_eq(handover_channel_adopt(4000), -EBADF);
}

Test(handover_channel, a_package_brings_its_bytes)
{
    struct handover_package package;
    cr_assert_eq(send_package("0123456789", 10, NULL, 0), 0);
    cr_assert_eq(handover_package_receive(ends[1], &package, soon()), 0);
    cr_assert_eq(package.size, 10);
    cr_expect_arr_eq(package.bytes, "0123456789", 10);
    cr_expect_eq(package.count, 0);
    handover_package_free(&package);
}

Test(handover_channel, a_package_may_be_empty)
{
    struct handover_package package;
    cr_assert_eq(send_package(NULL, 0, NULL, 0), 0);
    cr_assert_eq(handover_package_receive(ends[1], &package, soon()), 0);
    cr_expect_eq(package.size, 0);
    handover_package_free(&package);
}

Test(handover_channel, a_package_of_many_megabytes_arrives_as_it_was)
{
    enum { BYTES = 20 << 20 };
    struct handover_package package;
    uint8_t *bytes = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 12));
    cr_assert_eq(send_package(bytes, BYTES, NULL, 0), 0);
    cr_assert_eq(handover_package_receive(ends[1], &package, soon()), 0);
    cr_assert_eq(package.size, BYTES);
    cr_expect_eq(memcmp(package.bytes, bytes, BYTES), 0);
    handover_package_free(&package);
    free(bytes);
}

/* One message holds 253. */
Test(handover_channel, more_descriptors_than_one_message_holds_arrive_in_order)
{
    enum { COUNT = 600 };
    struct handover_package package;
    struct rlimit files = {4096, 4096};
    setrlimit(RLIMIT_NOFILE, &files);
    int pipes[2], sent[COUNT];
    cr_assert_eq(pipe(pipes), 0);
    int null = open("/dev/null", O_RDONLY);
    for (size_t i = 0; i < COUNT; i++)
        sent[i] = i % 7 == 0 ? pipes[0] : null;
    cr_assert_eq(send_package("x", 1, sent, COUNT), 0);
    cr_assert_eq(handover_package_receive(ends[1], &package, soon()), 0);
    cr_assert_eq(package.count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        cr_expect(is_same_file(package.descriptors[i], sent[i]));
        cr_expect_eq(fcntl(package.descriptors[i], F_GETFD), FD_CLOEXEC);
    }
    handover_package_free(&package);
}

Test(handover_channel, freeing_a_package_closes_all_descriptors_but_those_that_were_kept)
{
    struct handover_package package;
    cr_assert_eq(send_package(NULL, 0, (int[]){0, 1, 2}, 3), 0);
    cr_assert_eq(handover_package_receive(ends[1], &package, soon()), 0);
    int kept = package.descriptors[1], closed = package.descriptors[2];
    package.descriptors[1] = -1;
    handover_package_free(&package);
    cr_expect(is_open(kept));
    cr_expect_not(is_open(closed));
}

Test(handover_channel, a_receiver_without_free_descriptors_gets_an_error_and_keeps_none)
{
    struct handover_package package;
    int sent[20];
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind has descriptors and limits of its own");
    for (size_t i = 0; i < 20; i++)
        sent[i] = 0;
    cr_assert_eq(send_package(NULL, 0, sent, 20), 0);
    int before = count_open();
    struct rlimit few = {(rlim_t)before + 5, (rlim_t)before + 5};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    cr_expect_eq(handover_package_receive(ends[1], &package, soon()), -EMFILE);
    cr_expect_eq(count_open(), before);
}

Test(handover_channel, a_sender_that_ends_within_a_package_leaves_nothing_open)
{
    struct handover_package package;
    struct handover_sending sending;
    int sent[300] = {0};
    cr_assert_eq(handover_sending_begin(&sending, "x", 1, sent, 300), 0);
    sending.sent = 47; /* of the 300 that the head announces, 253 follow */
    cr_assert_eq(handover_sending_continue(&sending, ends[0], soon()), 0);
    handover_sending_end(&sending);
    handover_channel_close(ends[0]);
    int before = count_open();
    cr_expect_eq(handover_package_receive(ends[1], &package, soon()), -EPIPE);
    cr_expect_eq(count_open(), before);
}

Test(handover_channel, a_message_in_place_of_a_package_is_an_error)
{
    struct handover_package package;
    cr_assert_eq(handover_channel_send(ends[0], HANDOVER_GO, NULL), 0);
    cr_expect_eq(handover_package_receive(ends[1], &package, soon()), -EPROTO);
}

Test(handover_channel, a_package_in_place_of_a_message_is_an_error_and_is_closed)
{
    struct handover_message message;
    cr_assert_eq(send_package("x", 1, NULL, 0), 0);
    int before = count_open();
    cr_expect_eq(handover_channel_receive(ends[1], &message, soon()), -EPROTO);
    cr_expect_eq(count_open(), before);
}

/* Receives a package in another process. Returns its id. */
static pid_t receive_elsewhere(size_t count)
{
    struct handover_package package;
    pid_t receiver = fork();
    if (receiver == 0)
        _exit(handover_package_receive(ends[1], &package, soon()) == 0 && package.count == count
                  ? 0
                  : 1);
    return receiver;
}

Test(handover_channel, a_package_that_finds_no_room_is_continued_later)
{
    enum { COUNT = 253 * 20 };
    struct handover_sending sending;
    struct rlimit files = {16384, 16384};
    int room = 1, status;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        cr_skip_test("the limit of open files cannot be raised");
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    int *sent = calloc(COUNT, sizeof sent[0]);
    cr_assert_eq(handover_sending_begin(&sending, "x", 1, sent, COUNT), 0);
    cr_expect_eq(handover_sending_continue(&sending, ends[0], 0), -EAGAIN);
    cr_expect_lt(sending.sent, COUNT);
    pid_t receiver = receive_elsewhere(COUNT);
    cr_expect_eq(handover_sending_continue(&sending, ends[0], soon()), 0);
    handover_sending_end(&sending);
    cr_assert_eq(waitpid(receiver, &status, 0), receiver);
    cr_expect_eq(status, 0);
    free(sent);
}
