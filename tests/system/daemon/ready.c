/* The ready line on standard output: writing it fails, blocks or is not possible. Also standard
 * descriptors that are closed at the start of a program. */

#include "harness.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_ready, .fini = harness_end, .timeout = 60);

static void redirect_stdout_to_full_device(void)
{
    dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
}

static void redirect_stdout_to_broken_pipe(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == 0)
        dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
}

static int stalled; /* a full pipe without a reader that reads */

static void redirect_stdout_to_full_pipe(void)
{
    dup2(stalled, STDOUT_FILENO);
}

static void close_stdout(void)
{
    close(STDOUT_FILENO);
}

static void start(struct server *server, harness_prepare *prepare)
{
    server->socket = harness_path("sock");
    process_start(&server->process, prepare,
                  (const char *const[]){"udpsrv", "-l", "127.0.0.1:0", "-s", server->socket, NULL});
}

static void expect_failed_start(harness_prepare *prepare, const char *reason)
{
    struct server server = {0};
    start(&server, prepare);
    harness_equal("the status", process_wait(&server.process), 1);
    const char *log = server.process.texts[1].data;
    harness_contains("the log", log, "error cannot report that it is ready on=\"standard output\"");
    harness_contains("the log", log, reason);
    expect(access(server.socket, F_OK) != 0, "expected no socket after a failed start");
}

Test(system_ready, a_ready_line_that_cannot_be_written_fails_the_start)
{
    expect_failed_start(redirect_stdout_to_full_device, "No space left on device");
    expect_failed_start(redirect_stdout_to_broken_pipe, "Broken pipe");
}

static void expect_service(harness_prepare *prepare)
{
    struct server server = {0};
    start(&server, prepare);
    server_await_log(&server, " ready version=");
    ctl_ok(&server, "status", NULL);
    server_stop(&server); /* one that waited for the reader would never end */
}

Test(system_ready, a_ready_line_that_no_process_reads_delays_nothing)
{
    static const char bytes[4096];
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    stalled = ends[1];
    fcntl(stalled, F_SETFL, O_NONBLOCK);
    while (write(stalled, bytes, sizeof bytes) > 0)
        continue;
    fcntl(stalled, F_SETFL, 0);
    expect_service(redirect_stdout_to_full_pipe);
}

Test(system_ready, a_server_starts_without_standard_output)
{
    expect_service(close_stdout);
}

/* ---- Standard descriptors that are closed ---- */

static void expect_lost_output(const char *const *argv)
{
    struct process process;
    process_start(&process, close_stdout, argv);
    process_close_stdin(&process);
    harness_equal(argv[0], process_wait(&process), 1);
    expect(process.texts[1].data != NULL, "expected %s to report the lost output", argv[0]);
    harness_contains(argv[0], process.texts[1].data, "writing standard output: ");
}

Test(system_ready, lost_output_is_a_failure_of_every_program)
{
    struct server server = {0};
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    const char *at = endpoint_text(&server.at[0]);
    expect_lost_output((const char *const[]){"udpsrv", "-T", NULL});
    expect_lost_output((const char *const[]){"udpctl", "-s", server.socket, "stats", NULL});
    expect_lost_output((const char *const[]){"udpctl", "--help", NULL});
    expect_lost_output((const char *const[]){"udpcli", at, "hi", NULL});
    expect_lost_output((const char *const[]){"udpcli", "--json", at, "hi", NULL});
    expect_lost_output((const char *const[]){"udpload", "-n", "1", at, NULL});
    server_stop(&server);
}

/* Runs a program with a /dev without null. closed is shell syntax that closes standard descriptors,
 * such as "<&-". */
static struct result run_without_null(const char *closed, const char *program, const char *argument)
{
    const char *script = harness_format("mount -t tmpfs tmpfs /dev && exec %s \"$@\" %s",
                                        program_path(program), closed);
    return run(NULL, "unshare", "--mount", "sh", "-c", script, "sh", argument, NULL);
}

Test(system_ready, the_null_device_is_needed_only_for_a_closed_descriptor)
{
    static const char *const programs[] = {"udpsrv", "udpctl", "udpcli", "udpload"};
    if (run(NULL, "unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt", NULL).status != 0)
        cr_skip_test("a mount namespace cannot be made here");
    for (size_t i = 0; i < 4; i++) {
        struct result result = run_without_null("", programs[i], "--version");
        expect(result.status == 0, "%s: %s", programs[i], result.err);
        result = run_without_null("<&-", programs[i], "--version");
        harness_equal(programs[i], result.status, 1);
        harness_contains(programs[i], result.err,
                         ": opening /dev/null in place of a standard descriptor that is closed: "
                         "No such file or directory; ");
    }
}
