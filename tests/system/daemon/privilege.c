/* Privileges of a running server, all of which it gives up, and the access to its control socket.
 */

#include "harness.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_privilege, .fini = harness_end, .timeout = 60);

enum { NOBODY = 65534 };

static void need_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
}

static void expect_line(const struct server *server, const char *file, const char *line)
{
    const char *path = harness_format("/proc/%d/%s", (int)server->process.pid, file);

    harness_contains(path, run_ok(NULL, "cat", path, NULL), line);
}

/* Each thread has its own capabilities. A sanitizer has threads of its own. */
static void expect_every_thread_sealed(const struct server *server)
{
    const char *script =
        harness_format("cd /proc/%d/task && grep -xL \"CapPrm:\t0000000000000000\" */status; "
                       "grep -xL \"CapBnd:\t0000000000000000\" */status; "
                       "grep -xL \"NoNewPrivs:\t1\" */status",
                       (int)server->process.pid);

    if (!harness_sanitized())
        cr_expect_str_eq(run(NULL, "sh", "-c", script, NULL).out, "");
}

static void expect_sealed(const struct server *server)
{
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        expect_line(server, "status", harness_format("\n%s:\t0000000000000000\n", sets[i]));
    expect_line(server, "status", "\nNoNewPrivs:\t1\n");
    expect_every_thread_sealed(server);
    expect_line(server, "limits", "\nMax core file size        0                    0 ");
}

/* Whether another process of its user can read the memory map of a process. */
static bool is_readable(pid_t pid)
{
    const char *maps = harness_format("/proc/%d/maps", (int)pid);

    return run(NULL, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", maps,
               NULL)
               .status == 0;
}

static void expect_unreadable(const struct server *server)
{
    expect(!is_readable(server->process.pid),
           "expected the server to be unreadable to its own user");
}

Test(system_privilege, a_server_that_stays_root_has_no_capabilities)
{
    struct server server = {0};
    int udp = udp_open("127.0.0.1");

    need_root();
    server_start(&server, "[reply]\nmessage = yes\n", "-l", "127.0.0.1:0", NULL);
    expect_sealed(&server);
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_configure(&server, "[reply]\nmessage = new\n");
    ctl_ok(&server, "reload", NULL);
    udp_ask(udp, &server.at[0], "hi", "new");
    server_stop(&server);
}

Test(system_privilege, a_server_that_became_another_user_has_no_capabilities)
{
    struct server server = {.owner = NOBODY};

    need_root();
    server_start(&server, "[server]\nuser = nobody\n", "-l", "127.0.0.1:0", NULL);
    expect_sealed(&server);
    expect_unreadable(&server);
    server_stop(&server);
}

Test(system_privilege, a_server_that_another_user_started_has_no_capabilities)
{
    static const char *wrapper[] = {"setpriv",        "--reuid=65534",       "--regid=65534",
                                    "--clear-groups", "--bounding-set=-all", NULL};
    struct server server = {.owner = NOBODY, .wrapper = wrapper};

    need_root();
    server_start(&server, "[reply]\nmessage = yes\n", "-l", "127.0.0.1:0", NULL);
    expect_sealed(&server);
    expect_unreadable(&server);
    server_stop(&server);
}

/* Waits until the process has that program, which is all it has done. */
static void await_program(pid_t pid, const char *program)
{
    const char *link = harness_format("/proc/%d/exe", (int)pid);
    const char *wanted = realpath(program, NULL);
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    char found[PATH_MAX] = "";

    for (ssize_t size; strcmp(found, wanted) != 0;) {
        expect(harness_now_ms() < deadline, "expected %s to be %s, not %s", link, wanted, found);
        size = readlink(link, found, sizeof found - 1);
        found[size > 0 ? size : 0] = '\0';
    }
}

/* The program of an upgrade, which gets nothing and so goes no further. */
Test(system_privilege, a_successor_cannot_be_read_before_it_takes_over)
{
    int ends[2];
    struct process successor;
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;

    need_root();
    expect(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0, "expected a pair of sockets");
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    process_start(&successor, NULL,
                  (const char *const[]){"setpriv", "--reuid=65534", "--regid=65534",
                                        "--clear-groups", "env",
                                        harness_format("UDPSRV_UPGRADE=%d", ends[1]),
                                        program_path("udpsrv"), "-l", "127.0.0.1:0", NULL});
    close(ends[1]);
    await_program(successor.pid, program_path("udpsrv"));
    while (is_readable(successor.pid))
        expect(harness_now_ms() < deadline, "expected it to be unreadable to its own user");
    close(ends[0]);
    harness_equal("the status", process_wait(&successor), 1);
}

/* ---- Access to the control socket ---- */

static const char *own_identity(void)
{
    return harness_format("uid=%u gid=%u pid=", (unsigned)geteuid(), (unsigned)getegid());
}

Test(system_privilege, each_command_that_changes_something_is_logged_with_its_user)
{
    struct server server = {0};
    const char *client, *line;
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp);

    server_start(&server, "[reply]\nmessage = yes\n[log]\nformat = logfmt\n", "-l", "127.0.0.1:0",
                 NULL);
    udp_ask(udp, &server.at[0], "hi", "yes");
    client = endpoint_text(&name);
    ctl_ok(&server, "status", NULL);
    ctl_ok(&server, "broadcast", "a secret", NULL);
    line = server_await_log(&server, "name=broadcast");
    harness_contains("the line", line, own_identity());
    expect(strstr(line, "secret") == NULL && strstr(line, "73656372") == NULL,
           "expected no payload in the log");
    ctl_ok(&server, "kick", client, NULL);
    line = server_await_log(&server, "name=kick");
    harness_contains("the line", line, client);
    harness_contains("the line", line, own_identity());
    ctl(&server, "cancel", "1", NULL);
    harness_contains("the line", server_await_log(&server, "name=cancel"), "argument=1 ");
    ctl_ok(&server, "reload", NULL);
    harness_contains("the line", server_await_log(&server, "name=reload"), own_identity());
    ctl_ok(&server, "stop", NULL);
    harness_contains("the line", server_await_log(&server, "name=stop"), own_identity());
    expect(strstr(server_log(&server), "name=status") == NULL,
           "expected no line for a command that changes nothing");
}

Test(system_privilege, a_user_without_access_is_refused_even_if_the_socket_file_is_open_to_all)
{
    struct server server = {0};
    struct result result;

    need_root();
    server_start(&server, "[control]\nmode = 0600\n", "-l", "127.0.0.1:0", NULL);
    chmod(server.dir, 0755);
    chmod(server.socket, 0666);
    result = run(NULL, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "socat",
                 "-t60", "-", harness_format("UNIX-CONNECT:%s", server.socket), NULL);
    harness_contains("the answer", result.out,
                     "error cannot open a session: you have no permission");
    harness_contains("the line", server_await_log(&server, "refused an operator"), "uid=65534");
    ctl_ok(&server, "status", NULL);
    server_stop(&server);
}

Test(system_privilege, a_user_has_access_by_a_supplementary_group_too)
{
    struct server server = {0};
    struct result result;

    need_root();
    server_start(&server, "[control]\nmode = 0660\ngroup = 54322\n", "-l", "127.0.0.1:0", NULL);
    chmod(server.dir, 0755);
    result = run("status\n", "setpriv", "--reuid=65534", "--regid=65534", "--groups=54322", "socat",
                 "-t60", "-", harness_format("UNIX-CONNECT:%s", server.socket), NULL);
    harness_contains("the answer", result.out, "ok\n");
    server_stop(&server);
}
