/* The control socket whose file is removed or replaced, and a server without one. */

#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_control_socket, .fini = harness_end, .timeout = 60);

enum { NOBODY = 65534 };

/* Waits until the control socket works again. */
static void await_service(const struct server *server)
{
    int64_t start = harness_now_ms();

    while (ctl(server, "status", NULL).status != 0) {
        expect(harness_now_ms() - start < HARNESS_DEADLINE_MS, "expected %s to work again",
               server->socket);
        harness_wait_ms(10);
    }
}

static void remove_file(const char *path)
{
    expect(unlink(path) == 0, "expected to remove %s", path);
}

Test(system_control_socket, is_created_again_within_a_sweep_and_sessions_continue)
{
    struct server server = {0};

    server_start(&server, "[clients]\nsweep = 50ms\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < 3; i++) {
        server_ask(&server, "status");
        remove_file(server.socket);
        await_service(&server);
        server_ask(&server, "status");
    }
    harness_contains("the log", server_log(&server), "was removed and is created again");
    server_stop(&server);
}

Test(system_control_socket, is_created_again_long_before_a_rare_sweep)
{
    struct server server = {0};

    server_start(&server, "[clients]\nsweep = 1h\n", "-l", "127.0.0.1:0", NULL);
    remove_file(server.socket);
    await_service(&server);
    server_stop(&server);
}

Test(system_control_socket, is_created_again_on_a_reload)
{
    struct server server = {0};

    server_start(&server, "", "-l", "127.0.0.1:0", NULL);
    remove_file(server.socket);
    process_kill(&server.process, SIGHUP);
    server_await_log(&server, "reloaded");
    ctl_ok(&server, "status", NULL);
    server_stop(&server);
}

Test(system_control_socket, is_created_again_when_its_directory_is)
{
    const char *directory = harness_path("operators"), *away = harness_path("away");
    struct server server = {.socket = harness_path("operators/sock")};

    expect(mkdir(directory, 0755) == 0, "expected to make %s", directory);
    server_start(&server, "[clients]\nsweep = 20ms\n", "-l", "127.0.0.1:0", NULL);
    expect(rename(directory, away) == 0, "expected to move %s", directory);
    harness_contains("the log", server_await_log(&server, "cannot be created again yet"),
                     "No such file");
    expect(mkdir(directory, 0755) == 0, "expected to make %s", directory);
    await_service(&server);
    remove_file(harness_path("away/sock"));
    server_stop(&server);
}

Test(system_control_socket, is_created_again_when_it_is_moved)
{
    struct server server = {0};

    server_start(&server, "[clients]\nsweep = 20ms\n", "-l", "127.0.0.1:0", NULL);
    expect(rename(server.socket, harness_path("moved")) == 0, "expected to move the socket");
    await_service(&server);
    server_stop(&server);
}

Test(system_control_socket, is_created_again_with_its_mode_and_group_as_another_user)
{
    struct server server = {.owner = NOBODY};
    struct stat before, after;

    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
    server_start(&server,
                 "[server]\nuser = nobody\n[control]\nmode = 0620\ngroup = 54322\n[clients]\n"
                 "sweep = 20ms\n",
                 "-l", "127.0.0.1:0", NULL);
    expect(stat(server.socket, &before) == 0, "expected a socket");
    remove_file(server.socket);
    await_service(&server);
    expect(stat(server.socket, &after) == 0, "expected a socket again");
    harness_equal("its mode", after.st_mode, before.st_mode);
    harness_equal("its user", after.st_uid, NOBODY);
    harness_equal("its group", after.st_gid, 54322);
    server_stop(&server);
}

Test(system_control_socket, is_created_again_with_its_group_as_root)
{
    struct server server = {0};
    struct stat after;

    if (geteuid() != 0)
        cr_skip_test("only root can give a file to any group");
    harness_disable_leak_check();
    server_start(&server, "[control]\ngroup = 54322\n[clients]\nsweep = 20ms\n", "-l",
                 "127.0.0.1:0", NULL);
    remove_file(server.socket);
    await_service(&server);
    expect(stat(server.socket, &after) == 0, "expected a socket again");
    harness_equal("its group", after.st_gid, 54322);
    server_stop(&server);
}

Test(system_control_socket, is_not_taken_from_another_server_that_uses_the_path_now)
{
    struct server first = {0}, second = {0};
    int udp = udp_open("127.0.0.1");

    server_start(&first, "[clients]\nsweep = 1h\n", "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &first.at[0], "hi", "audi");
    process_kill(&first.process, SIGSTOP);
    remove_file(first.socket);
    second.socket = first.socket;
    server_start(&second, NULL, "-l", "127.0.0.1:0", NULL);
    process_kill(&first.process, SIGCONT);
    process_kill(&first.process, SIGHUP);
    harness_contains("the log", server_await_log(&first, "cannot be created again yet"), "in use");
    harness_equal("clients of the second", server_stat(&second, "clients"), 0);
    server_stop(&second);
    await_service(&first);
    harness_equal("clients of the first", server_stat(&first, "clients"), 1);
    server_stop(&first);
}

Test(system_control_socket, replaces_the_socket_of_another_server_that_died)
{
    struct server first = {0}, second = {0};

    server_start(&first, "[clients]\nsweep = 50ms\n", "-l", "127.0.0.1:0", NULL);
    process_kill(&first.process, SIGSTOP);
    remove_file(first.socket);
    second.socket = first.socket;
    server_start(&second, NULL, "-l", "127.0.0.1:0", NULL);
    server_kill(&second);
    process_kill(&first.process, SIGCONT);
    await_service(&first);
    server_stop(&first);
}

Test(system_control_socket, does_not_replace_a_file_that_is_not_a_socket)
{
    struct server server = {0};
    FILE *file;

    server_start(&server, "[clients]\nsweep = 1h\n", "-l", "127.0.0.1:0", NULL);
    remove_file(server.socket);
    file = fopen(server.socket, "we");
    expect(file != NULL, "expected to write %s", server.socket);
    fputs("notes\n", file);
    fclose(file);
    process_kill(&server.process, SIGHUP);
    harness_contains("the log", server_await_log(&server, "cannot be created again yet"), "exists");
    cr_assert_str_eq(run_ok(NULL, "cat", server.socket, NULL), "notes\n");
    remove_file(server.socket);
    await_service(&server);
    server_stop(&server);
}

/* ---- without a control socket ---- */

Test(system_control_socket, is_not_opened_if_the_option_is_off)
{
    struct server server = {.socket = "off"};
    int udp = udp_open("127.0.0.1");

    server_start(&server, "[reply]\nmessage = yes\n[log]\nformat = logfmt\n", "-l", "127.0.0.1:0",
                 NULL);
    harness_contains("the line", server_await_log(&server, "msg=ready"), " socket=off");
    expect(access("off", F_OK) != 0, "expected no file");
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_configure(&server, "[reply]\nmessage = new\n");
    process_kill(&server.process, SIGHUP);
    server_await_log(&server, "reloaded");
    udp_ask(udp, &server.at[0], "hi", "new");
    server_stop(&server);
}

Test(system_control_socket, can_be_turned_off_by_the_configuration_too)
{
    const char *printed =
        run_ok("[control]\nsocket = off\n", "udpsrv", "-T", "-c", "/dev/stdin", NULL);

    harness_contains("what is printed", printed, "\nsocket = off\n");
}

/* All file systems that the server may write to are read-only, as in a container without a tmpfs.
 */
static const char *const read_only[] = {
    "unshare",
    "--mount",
    "sh",
    "-c",
    "for place in /run /tmp; do mount --bind $place $place && mount -o remount,ro,bind $place || "
    "exit 77; done; unset XDG_RUNTIME_DIR; exec \"$@\"",
    "sh",
    NULL};

static void need_mounts(void)
{
    if (run(NULL, "unshare", "--mount", "sh", "-c", "mount --bind /run /run", NULL).status != 0)
        cr_skip_test("no mount namespaces here");
}

Test(system_control_socket, without_it_the_server_starts_on_a_read_only_root)
{
    struct server server = {.socket = "off", .wrapper = read_only};
    int udp = udp_open("127.0.0.1");

    need_mounts();
    server_start(&server, "[reply]\nmessage = yes\n", "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_stop(&server);
}

Test(system_control_socket, on_a_read_only_root_the_error_says_how_to_turn_it_off)
{
    struct server server = {.socket = "/run/udpsrv/udpsrv.sock", .wrapper = read_only};
    struct result result;

    need_mounts();
    result = server_try(&server, NULL, "-l", "127.0.0.1:0", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the error", result.err, "control.socket = off");
}
