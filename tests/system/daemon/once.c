/* A configuration that can be read only once, from a pipe or a terminal: good for a check and for a
 * start, and a reload says that it can't be read again. */

#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_once, .fini = harness_end, .timeout = 60);

static const char GOOD[] = "[clients]\nttl = 77s\n";
static const char BAD[] = "[clients]\nttl = 77\n";

Test(system_once, is_checked_and_printed_from_standard_input)
{
    static const char *const paths[] = {"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"};
    struct result result;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        run_ok(GOOD, "udpsrv", "-t", "-c", paths[i], NULL);
        harness_contains("what is printed", run_ok(GOOD, "udpsrv", "-T", "-c", paths[i], NULL),
                         "ttl = 77s\n");
        result = run(BAD, "udpsrv", "-t", "-c", paths[i], NULL);
        harness_equal("the status", result.status, 78);
        harness_contains("the complaint", result.err, harness_format("%s:2:7: ", paths[i]));
    }
}

Test(system_once, is_checked_and_printed_from_a_process)
{
    const char *program = program_path("udpsrv");
    const char *command = "program=$1; \"$program\" -t -c <(printf '[clients]\\nttl = 77s\\n') && "
                          "\"$program\" -T -c <(printf '[clients]\\nttl = 77s\\n')";

    harness_contains("what is printed", run_ok(NULL, "bash", "-c", command, "bash", program, NULL),
                     "ttl = 77s\n");
}

Test(system_once, is_checked_from_a_socket_as_ssh_gives_one)
{
    struct result result =
        run(GOOD, "socat", "-t10", "STDIO",
            harness_format("SYSTEM:%s -T -c /dev/stdin", program_path("udpsrv")), NULL);

    harness_equal("the status", result.status, 0);
    harness_contains("what is printed", result.out, "ttl = 77s\n");
}

Test(system_once, is_served_and_a_reload_is_refused_and_says_why)
{
    struct server server = {0};
    const char *fifo = harness_path("fifo");
    struct process writer = {0};
    struct result result;
    int udp = udp_open("127.0.0.1");

    expect(mkfifo(fifo, 0600) == 0, "expected to make a fifo");
    process_start(&writer, NULL,
                  (const char *[]){"sh", "-c", "printf '[reply]\\nmessage = yes\\n' >\"$1\"", "sh",
                                   fifo, NULL});
    server_start(&server, NULL, "-l", "127.0.0.1:0", "-c", fifo, NULL);
    harness_contains("the warning", server_await_log(&server, "a reload will be refused"), fifo);
    udp_ask(udp, &server.at[0], "hi", "yes");
    result = ctl(&server, "reload", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the answer", result.err, "which is read only once");
    process_kill(&server.process, SIGHUP);
    server_await_log(&server, "cannot reload");
    harness_contains("the log", server_await_log(&server, "cannot reload"),
                     "which is read only once: its configuration stays until a restart");
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_stop(&server);
}

Test(system_once, is_not_what_a_reload_waits_for_where_a_file_has_become_a_pipe)
{
    struct server server = {0};
    struct result result;

    server_start(&server, GOOD, "-l", "127.0.0.1:0", NULL);
    expect(unlink(server.config) == 0 && mkfifo(server.config, 0600) == 0,
           "expected to replace the file by a fifo");
    result = ctl(&server, "reload", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the answer", result.err, "not a regular file, but a pipe");
    server_stop(&server);
}

/* ---- one that takes long ---- */

/* 900 links to one file of 4 MiB: some seconds to read. */
static void write_long(const char *directory)
{
    const char *text = harness_path("long");
    FILE *file = fopen(text, "we");

    expect(file != NULL, "expected to write %s", text);
    for (int i = 0; i < 4 << 20; i += 4096)
        fprintf(file, "# %04093d\n", i);
    fclose(file);
    expect(mkdir(directory, 0700) == 0, "expected to make %s", directory);
    for (int i = 0; i < 900; i++)
        expect(symlink(text, harness_format("%s/%d.conf", directory, i)) == 0,
               "expected to make a link");
}

/* Waits until no signal of the process is pending: it has begun to act by the last one. */
static void await_signal_taken(const struct server *server)
{
    const char *status = harness_format("/proc/%d/status", (int)server->process.pid);
    int64_t start = harness_now_ms();

    while (strstr(run_ok(NULL, "cat", status, NULL), "\nShdPnd:\t0000000000000000\n") == NULL)
        expect(harness_now_ms() - start < HARNESS_DEADLINE_MS, "expected it to take the signal");
}

Test(system_once, a_stop_does_not_wait_for_a_reload_that_takes_long)
{
    struct server server = {0};
    const char *directory = harness_path("long.d");
    int64_t start;

    write_long(directory);
    server_start(&server, "", "-l", "127.0.0.1:0", NULL);
    server_configure(&server, harness_format("[server]\ninclude = %s/*.conf\n", directory));
    process_kill(&server.process, SIGHUP);
    await_signal_taken(&server);
    start = harness_now_ms();
    server_stop(&server);
    expect(harness_sanitized() || harness_now_ms() - start < 1000,
           "expected it to end within 1 s, it took %lld ms", (long long)(harness_now_ms() - start));
    harness_contains("the log", server_log(&server), "reason=\"the server is stopping\"");
}
