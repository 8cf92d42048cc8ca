/* A configuration from a pipe, which can be read only once: it is accepted by a check and by a
 * start, and a reload is refused with that reason. */

#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_pipe_configuration, .fini = harness_end, .timeout = 60);

static const char GOOD[] = "[clients]\nttl = 77s\n";
static const char BAD[] = "[clients]\nttl = 77\n";

Test(system_pipe_configuration, a_configuration_from_standard_input_is_checked_and_printed)
{
    static const char *const paths[] = {"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"};
    struct result result;

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        run_ok(GOOD, "udpsrv", "-t", "-c", paths[i], NULL);
        harness_contains("the printed configuration",
                         run_ok(GOOD, "udpsrv", "-T", "-c", paths[i], NULL), "ttl = 77s\n");
        result = run(BAD, "udpsrv", "-t", "-c", paths[i], NULL);
        harness_equal("the status", result.status, 78);
        harness_contains("the error", result.err, harness_format("%s:2:7: ", paths[i]));
    }
}

Test(system_pipe_configuration, a_configuration_from_process_substitution_is_checked_and_printed)
{
    const char *program = program_path("udpsrv");
    const char *command = "program=$1; \"$program\" -t -c <(printf '[clients]\\nttl = 77s\\n') && "
                          "\"$program\" -T -c <(printf '[clients]\\nttl = 77s\\n')";

    harness_contains("the printed configuration",
                     run_ok(NULL, "bash", "-c", command, "bash", program, NULL), "ttl = 77s\n");
}

Test(system_pipe_configuration, a_configuration_from_a_socket_as_of_ssh_is_checked_and_printed)
{
    struct result result =
        run(GOOD, "socat", "-t10", "STDIO",
            harness_format("SYSTEM:%s -T -c /dev/stdin", program_path("udpsrv")), NULL);

    harness_equal("the status", result.status, 0);
    harness_contains("the printed configuration", result.out, "ttl = 77s\n");
}

Test(system_pipe_configuration, a_server_starts_from_a_pipe_and_refuses_reloads_and_upgrades)
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
    result = ctl(&server, "upgrade", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the answer", result.err, "cannot be read again");
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_stop(&server);
}

Test(system_pipe_configuration, a_reload_does_not_wait_for_a_file_that_was_replaced_by_a_pipe)
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
