/* Writing standard output in a loop, without waiting for its reader and without changing its flags.
 */
#include "os/loop/standard_output.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(standard_output, .timeout = 10);

enum { MUCH = 1 << 20 /* more than a pipe or a socket holds */ };

static struct loop *loop;
static struct standard_output output;
static FILE *out;

/* What the reader has read of the pattern that write_pattern writes. */
static struct loop_handler reader;
static size_t read_bytes;

static char pattern(size_t i)
{
    return (char)('a' + i % 23);
}

static void on_written(void *state)
{
    (void)state;
    if (output.error != 0)
        loop_stop(loop);
}

static void open_output(int fd)
{
    loop = loop_new();
    cr_assert_not_null(loop);
    standard_output_open(&output, loop, fd, on_written, NULL);
    out = standard_output_stream(&output);
    cr_assert_not_null(out);
}

static int close_output(void)
{
    fclose(out);
    int error = standard_output_close(&output);
    loop_free(loop);
    return error;
}

static void write_pattern(size_t size)
{
    for (size_t i = 0; i < size; i++)
        putc(pattern(i), out);
    fflush(out);
}

static void read_some(void *state, unsigned events)
{
    char bytes[3000];
    ssize_t size = read(reader.fd, bytes, sizeof bytes);
    (void)state, (void)events;
    cr_assert_gt(size, 0);
    for (ssize_t i = 0; i < size; i++, read_bytes++)
        cr_assert_eq(bytes[i], pattern(read_bytes));
    if (read_bytes == MUCH)
        loop_stop(loop);
}

/* Writes more than fits to ends[1], while nothing reads ends[0]; then both go on in the loop. */
static void expect_no_waiting(const int ends[2])
{
    open_output(ends[1]);
    write_pattern(MUCH);
    cr_expect_eq(standard_output_waiting_bytes(&output), MUCH);
    cr_expect_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
    cr_assert_eq(loop_add(loop, &reader, ends[0], LOOP_READ, read_some, NULL), 0);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_expect_eq(read_bytes, MUCH);
    cr_expect_eq(standard_output_waiting_bytes(&output), 0);
    cr_expect_null(output.handler.loop);
    loop_remove(&reader);
    cr_expect_eq(close_output(), 0);
}

Test(standard_output, a_pipe_that_is_full_does_not_stop_the_loop)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    expect_no_waiting(ends);
}

Test(standard_output, nor_does_a_socket)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    expect_no_waiting(ends);
}

Test(standard_output, a_regular_file_is_written_at_once)
{
    char path[] = "/tmp/standard_output_XXXXXX", bytes[9] = "";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    unlink(path);
    open_output(fd);
    for (int i = 0; i < 2; i++) {
        write_pattern(4);
        cr_expect_eq(standard_output_waiting_bytes(&output), 0);
    }
    cr_expect_eq(close_output(), 0);
    cr_expect_eq(pread(fd, bytes, sizeof bytes, 0), 8);
    cr_expect_str_eq(bytes, "abcdabcd");
    close(fd);
}

Test(standard_output, its_end_writes_what_waits)
{
    char bytes[16] = "";
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    open_output(ends[1]);
    fputs("last words", out);
    cr_expect_eq(close_output(), 0);
    cr_expect_eq(read(ends[0], bytes, sizeof bytes), 10);
    cr_expect_str_eq(bytes, "last words");
}

Test(standard_output, its_end_waits_also_for_a_descriptor_that_another_process_made_nonblocking)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
    open_output(ends[1]);
    write_pattern(MUCH);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        char bytes[4096];
        ssize_t size;
        close(ends[1]);
        fcntl(ends[0], F_SETFL, 0);
        for (size_t total = 0; (size = read(ends[0], bytes, sizeof bytes)) > 0;)
            if ((total += (size_t)size) == MUCH)
                _exit(0);
        _exit(1);
    }
    cr_expect_eq(close_output(), 0);
}

Test(standard_output, a_reader_that_has_gone_is_reported_and_the_rest_is_dropped)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    open_output(ends[1]);
    write_pattern(100);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_expect_eq(output.error, -EPIPE);
    write_pattern(100);
    cr_expect_eq(standard_output_waiting_bytes(&output), 0);
    cr_expect_eq(close_output(), -EPIPE);
}

Test(standard_output, a_full_device_is_reported)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    open_output(fd);
    write_pattern(100);
    cr_expect_eq(close_output(), -ENOSPC);
    close(fd);
}
