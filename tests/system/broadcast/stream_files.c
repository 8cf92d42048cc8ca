/* Files of unix: listeners that are removed or replaced: the server creates them again. */

#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_stream_files, .fini = harness_end, .timeout = 60);

enum { NOBODY = 65534 };

static const char MADE[] = "the file of a listener was created again";

static const char *path_of(const struct server *server)
{
    return server->others[0] + sizeof "unix:" - 1;
}

static void start(struct server *server, const char *config)
{
    server_start(server, config, "-l", "127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
}

static void ask(const struct server *server, const char *text)
{
    int stream = stream_open(server->others[0]);
    stream_write_text(stream, harness_format("%s\n", text));
    stream_expect(stream, text);
    close(stream);
}

static void remove_file(const char *path)
{
    expect(unlink(path) == 0, "expected to remove %s", path);
}

Test(system_stream_files, are_created_again_long_before_a_rare_sweep_and_streams_continue)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n[clients]\nsweep = 1h\n");
    int before = stream_open(server.others[0]);
    stream_write_text(before, "hello\n");
    stream_expect(before, "hello");
    for (int i = 0; i < 3; i++) {
        remove_file(path_of(&server));
        server_await_log(&server, MADE);
        /* The worker gets the new socket shortly after the file is created; connections wait. */
        ask(&server, "again");
        stream_write_text(before, "and on\n");
        stream_expect(before, "and on");
    }
    expect_balance("stats", server_ask(&server, "stats"));
    harness_equal("received", server_stat(&server, "received"), 7);
    const char *path = path_of(&server);
    server_stop(&server);
    expect(access(path, F_OK) != 0, "expected %s to be removed at the end", path);
}

Test(system_stream_files, are_created_again_on_a_reload)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    remove_file(path_of(&server));
    process_kill(&server.process, SIGHUP);
    server_await_log(&server, "reloaded");
    ask(&server, "there");
    server_stop(&server);
}

Test(system_stream_files, are_created_again_when_they_are_moved_or_another_file_was_in_the_way)
{
    struct server server = {0};
    start(&server, "[reply]\nmode = echo\n");
    expect(rename(path_of(&server), harness_path("moved")) == 0, "expected to move the file");
    server_await_log(&server, MADE);
    ask(&server, "one");
    remove_file(path_of(&server));
    expect(mkdir(path_of(&server), 0700) == 0, "expected to make a directory");
    harness_contains(
        "the log", server_await_log(&server, "cannot listen again on an address that has returned"),
        "a file is in the way");
    expect(rmdir(path_of(&server)) == 0, "expected to remove the directory");
    server_await_log(&server, MADE);
    ask(&server, "two");
    server_stop(&server);
}

Test(system_stream_files, are_created_again_with_their_mode_as_another_user)
{
    struct server server = {.owner = NOBODY};
    struct stat before, after;
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
    /* In a directory that the user owns. */
    const char *path = harness_path("users/chat"), *directory = harness_path("users");
    expect(mkdir(directory, 0755) == 0 && chown(directory, NOBODY, NOBODY) == 0,
           "expected to make %s", directory);
    server_start(&server, "[server]\nuser = nobody\n[reply]\nmode = echo\n", "-l", "127.0.0.1:0",
                 "-l", harness_format("unix:%s", path), NULL);
    expect(stat(path, &before) == 0, "expected %s", path);
    remove_file(path);
    server_await_log(&server, MADE);
    expect(stat(path, &after) == 0, "expected %s again", path);
    harness_equal("its mode", after.st_mode, before.st_mode);
    harness_equal("its user", after.st_uid, before.st_uid);
    harness_equal("its group", after.st_gid, before.st_gid);
    ask(&server, "there");
    server_stop(&server);
}
