/* Writing lines of the log to standard error and to the log daemon. */
#include "os/log/log_sink.h"

#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static char directory[] = "/tmp/log-sink-XXXXXX", path[64];
static int reader; /* reads standard error, a pipe */
static struct log_sink sink;

static void begin(void)
{
    int ends[2];
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/log", directory);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    reader = ends[0];
    fcntl(reader, F_SETFL, O_NONBLOCK);
    setenv("TZ", "UTC-2", 1);
    tzset();
    log_sink_init(&sink, "test", path, eventfd(0, 0));
}

static void end(void)
{
    log_sink_close(&sink);
    unlink(path);
    rmdir(directory);
}

TestSuite(log_sink, .init = begin, .fini = end, .timeout = 10);

static int daemon_open(int type)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int daemon = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    memcpy(at.sun_path, path, sizeof path);
    cr_assert_eq(bind(daemon, (struct sockaddr *)&at, sizeof at), 0);
    return daemon;
}

static int write_as(enum config_log_format format, enum config_log_target target, const char *text)
{
    return log_sink_write(&sink, &(struct log_line){.level = LOG_LEVEL_WARNING,
                                                    .format = format,
                                                    .target = target,
                                                    .wall_ms = 1793613978123,
                                                    .size = strlen(text),
                                                    .text = text});
}

static int write_line(const char *text)
{
    return write_as(LOG_FORMAT_TEXT, LOG_TARGET_SYSLOG, text);
}

static void expect_at(int fd, const char *text)
{
    static char line[8192];
    ssize_t size = read(fd, line, sizeof line - 1);
    line[size > 0 ? size : 0] = '\0';
    cr_expect_str_eq(line, text);
}

Test(log_sink, standard_error_gets_the_time_of_the_line_in_each_format)
{
    cr_expect_eq(write_as(LOG_FORMAT_TEXT, LOG_TARGET_STDERR, "sent"), 0);
    expect_at(reader, "2026-11-02T10:06:18.123Z warning sent\n");
    cr_expect_eq(write_as(LOG_FORMAT_LOGFMT, LOG_TARGET_STDERR, "level=warning msg=sent"), 0);
    expect_at(reader, "time=2026-11-02T10:06:18.123Z level=warning msg=sent\n");
    cr_expect_eq(write_as(LOG_FORMAT_JSON, LOG_TARGET_STDERR, "{\"msg\":\"sent\"}"), 0);
    expect_at(reader, "{\"time\":\"2026-11-02T10:06:18.123Z\",\"msg\":\"sent\"}\n");
}

Test(log_sink, daemon_gets_priority_local_time_name_and_pid)
{
    char expected[128];
    int daemon = daemon_open(SOCK_DGRAM);
    cr_expect_eq(write_line("sent"), 0);
    snprintf(expected, sizeof expected, "<28>Nov  2 12:06:18 test[%d]: sent", (int)getpid());
    expect_at(daemon, expected);
    expect_at(reader, "");
}

Test(log_sink, stream_has_lines_that_end_in_nul)
{
    char bytes[256];
    int daemon = daemon_open(SOCK_STREAM);
    cr_assert_eq(listen(daemon, 1), 0);
    cr_expect_eq(write_line("one"), 0);
    cr_expect_eq(write_line("two"), 0);
    int stream = accept(daemon, NULL, NULL);
    ssize_t size = read(stream, bytes, sizeof bytes);
    cr_assert_gt(size, 2);
    size_t first = strlen(bytes) + 1;
    cr_expect_str_eq(bytes + first - 6, ": one");
    cr_expect_eq(bytes[size - 1], '\0');
    cr_expect_str_eq(bytes + size - 6, ": two");
}

Test(log_sink, lines_go_to_standard_error_while_there_is_no_daemon)
{
    static const char line[] = "2026-11-02T10:06:18.123Z warning sent\n";
    cr_expect_eq(write_line("sent"), 0);
    expect_at(reader, line);
    int daemon = daemon_open(SOCK_DGRAM);
    cr_expect_eq(write_line("sent"), 0);
    expect_at(reader, "");
    close(daemon);
    cr_expect_eq(write_line("sent"), 0);
    expect_at(reader, line);
    unlink(path);
    cr_expect_eq(write_line("sent"), 0);
    expect_at(reader, line);
    daemon = daemon_open(SOCK_DGRAM);
    cr_expect_eq(write_line("sent"), 0);
    expect_at(reader, "");
    char bytes[128];
    cr_expect_gt(read(daemon, bytes, sizeof bytes), 0);
}

Test(log_sink, lines_go_to_standard_error_if_the_path_is_too_long)
{
    static char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    sink.path = longer;
    cr_expect_eq(write_line("sent"), 0);
    expect_at(reader, "2026-11-02T10:06:18.123Z warning sent\n");
}

/* Fills the queue of the daemon, which does not read. */
static void fill_queue(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int filler = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    memcpy(to.sun_path, path, sizeof path);
    while (sendto(filler, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1)
        continue;
    close(filler);
}

Test(log_sink, blocked_daemon_is_not_waited_for_after_the_wake)
{
    const uint64_t one = 1;
    daemon_open(SOCK_DGRAM);
    fill_queue();
    cr_assert_eq(write(sink.wake, &one, sizeof one), sizeof one);
    uint64_t began_ms = clock_now_ms();
    cr_expect_eq(write_line("sent"), 0);
    expect_at(reader, "2026-11-02T10:06:18.123Z warning sent\n");
    cr_expect_geq(clock_now_ms() - began_ms, LOG_SINK_GRACE_MS);
    began_ms = clock_now_ms();
    cr_expect_eq(write_line("sent"), 0);
    expect_at(reader, "2026-11-02T10:06:18.123Z warning sent\n");
    cr_expect_lt(clock_now_ms() - began_ms, LOG_SINK_GRACE_MS);
}

Test(log_sink, nothing_waits_without_a_wake_descriptor)
{
    static const char zeros[4096];
    sink.wake = -1;
    daemon_open(SOCK_DGRAM);
    fill_queue();
    cr_expect_eq(write_line("sent"), 0);
    expect_at(reader, "2026-11-02T10:06:18.123Z warning sent\n");
    fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
    while (write(STDERR_FILENO, zeros, sizeof zeros) > 0)
        continue;
    fcntl(STDERR_FILENO, F_SETFL, 0);
    cr_expect_eq(write_line("sent"), -EAGAIN);
}

static void *write_two(void *state)
{
    (void)state;
    cr_expect_eq(write_line("one"), 0);
    cr_expect_eq(write_line("two"), 0);
    close(STDERR_FILENO);
    return NULL;
}

/* Another process that shares it may have made it non-blocking. */
Test(log_sink, non_blocking_standard_error_is_waited_for)
{
    static char bytes[128 << 10]; /* more than a pipe holds */
    size_t all = 0;
    ssize_t size;
    pthread_t writer;
    fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
    while (write(STDERR_FILENO, bytes, 4096) > 0)
        continue;
    fcntl(reader, F_SETFL, 0);
    pthread_create(&writer, NULL, write_two, NULL);
    while ((size = read(reader, bytes + all, sizeof bytes - all)) > 0)
        all += (size_t)size;
    pthread_join(writer, NULL);
    cr_expect_not_null(memmem(bytes, all, "warning one\n", 12));
    cr_expect_not_null(memmem(bytes, all, "warning two\n", 12));
}

Test(log_sink, error_of_standard_error_is_returned)
{
    dup2(open("/dev/full", O_WRONLY), STDERR_FILENO);
    cr_expect_eq(write_line("sent"), -ENOSPC);
}
