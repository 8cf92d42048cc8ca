/* Reading standard input in a loop, without changing its flags. */
#include "os/loop/standard_input.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Reads a byte at a time until the end, at which the loop stops. */
struct reader {
    struct loop *loop;
    struct standard_input input;
    char text[32];
    size_t size;
    ssize_t last;
};

static struct reader reader;

static void read_byte(void *state)
{
    struct reader *self = state;
    self->last = standard_input_read(&self->input, self->text + self->size, 1);
    if (self->last > 0)
        self->size += (size_t)self->last;
    else
        loop_stop(self->loop);
}

static void open_input(int fd)
{
    reader.loop = loop_new();
    cr_assert_not_null(reader.loop);
    standard_input_open(&reader.input, reader.loop, fd, read_byte, &reader);
}

static void expect_read(const char *text)
{
    cr_assert_eq(standard_input_resume(&reader.input), 0);
    cr_assert_eq(loop_run_until_stopped(reader.loop), 0);
    cr_assert_eq(reader.last, 0);
    cr_assert_str_eq(reader.text, text);
    standard_input_pause(&reader.input);
    loop_free(reader.loop);
}

TestSuite(standard_input, .timeout = 10);

Test(standard_input, reads_a_pipe_to_its_end_and_leaves_it_blocking)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "hello", 5), 5);
    close(ends[1]);
    open_input(ends[0]);
    expect_read("hello");
    cr_assert_eq(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
}

Test(standard_input, reads_a_regular_file_to_its_end)
{
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    fputs("hello", file);
    rewind(file);
    open_input(fileno(file));
    expect_read("hello");
}

Test(standard_input, reads_nothing_from_the_null_device)
{
    open_input(open("/dev/null", O_RDONLY));
    expect_read("");
}

static void count_and_stop(void *state)
{
    struct reader *self = state;
    self->size++;
    loop_stop(self->loop);
}

Test(standard_input, is_not_ready_while_paused)
{
    struct reader probe = {0};
    struct loop_task task = {.run = count_and_stop, .state = &probe};
    FILE *file = tmpfile();
    open_input(fileno(file));
    probe.loop = reader.loop;
    reader.last = 1;
    cr_assert_eq(standard_input_resume(&reader.input), 0);
    cr_assert_eq(standard_input_resume(&reader.input), 0);
    standard_input_pause(&reader.input);
    standard_input_pause(&reader.input);
    loop_defer(reader.loop, &task);
    cr_assert_eq(loop_run_until_stopped(reader.loop), 0);
    cr_assert_eq(probe.size, 1);
    cr_assert_eq(reader.last, 1, "it was read");
    expect_read("");
}

Test(standard_input, reports_an_invalid_descriptor)
{
    open_input(-1);
    cr_assert_eq(standard_input_resume(&reader.input), -EBADF);
    loop_free(reader.loop);
}
