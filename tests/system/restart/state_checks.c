/* What udpsrv -t and the start say about the state file, its directory and its interval, before one
 * is used. */

#include "restart.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_state_checks, .init = restart_isolate, .fini = harness_end, .timeout = 60);

enum { STATUS_CONFIG = 78 };

static struct restart restart;

/* Runs udpsrv -t with the state file, and returns what it prints. */
static const char *check(int status, const char *config)
{
    const char *file = harness_write_file(
        "check.conf", harness_format("[state]\nfile = %s\n%s", restart.state, config), 0644);
    struct result result = run(NULL, "udpsrv", "-t", "-c", file, NULL);
    harness_equal("the status", result.status, status);
    return result.err;
}

static void expect_good(const char *config)
{
    const char *printed = check(0, config);
    expect(printed[0] == '\0', "expected no warning, not %s", printed);
}

static void expect_warning(const char *config, const char *text)
{
    harness_contains(
        "the warning", check(0, config),
        harness_format("udpsrv: warning of the state file %s: %s", restart.state, text));
}

static void expect_nothing_made(void)
{
    static const char *const others[] = {"", ".lock", ".new", ".bad"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const char *path = harness_format("%s%s", restart.state, others[i]);
        expect(access(path, F_OK) != 0, "expected no %s", path);
    }
}

/* Changes the directory of the state file. */
static void set_directory(mode_t mode, int owner)
{
    expect(chmod(harness_path("."), mode) == 0 &&
               (owner < 0 || chown(harness_path("."), (uid_t)owner, (gid_t)-1) == 0),
           "expected to change the directory");
}

Test(system_state_checks, make_nothing)
{
    restart_prepare(&restart, restart_address());
    expect_good("");
    expect_nothing_made();
    restart.state = harness_path("missing/state");
    expect_warning("", "No such file or directory; create its directory, and let the user of the "
                       "server write it\n");
    expect_nothing_made();
}

/* The start fails, and says the same: system_state_files. */
Test(system_state_checks, refuse_what_cannot_be_a_state_file)
{
    restart_prepare(&restart, restart_address());
    expect(symlink("nowhere", restart.state) == 0, "expected to make a link");
    harness_contains("the error", check(STATUS_CONFIG, ""),
                     harness_format("udpsrv: using the state file %s: it is a symbolic link; name "
                                    "a file in a directory that the server can write, or remove "
                                    "the key\n",
                                    restart.state));
    restart.state = "/dev/null";
    harness_contains("the error", check(STATUS_CONFIG, ""), "it is not a regular file");
    restart_expect_no_start(&restart, "",
                            "cannot use the state file file=/dev/null reason=\"it is not a regular "
                            "file\" advice=\"name a file in a directory that the server can write, "
                            "or remove the key\"");
    expect(access("/dev/null.lock", F_OK) != 0, "expected no lock");
}

Test(system_state_checks, warn_of_a_directory_that_others_can_write)
{
    static const char why[] = "the group of its directory or others can write that";
    restart_prepare(&restart, restart_address());
    set_directory(0777, -1);
    expect_warning("", why);
    restart_again(&restart, "");
    harness_contains("the log",
                     server_await_log(&restart.server, "other users can replace the state file"),
                     harness_format("file=%s reason=\"%s\"", restart.state, why));
    server_stop(&restart.server);
    set_directory(01777, -1);
    expect_good("");
    set_directory(0700, -1);
    expect_good("");
}

Test(system_state_checks, are_those_of_the_user_of_the_server)
{
    static const char user[] = "[server]\nuser = 65534\ngroup = 65534\n";
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    restart_prepare(&restart, restart_address());
    set_directory(0755, -1);
    expect_warning(user, "Permission denied; let the user of the server write its directory\n");
    expect_good("");
    set_directory(0700, 65534);
    expect_good(user);
    expect_warning("", "Permission denied"); /* root has no capabilities as a server */
    set_directory(0755, 65534);
    harness_write_file("state", "", 0600);
    expect_warning(user, "Permission denied; let the user of the server read it\n");
    expect(access(restart.state, F_OK) == 0, "expected it to stay");
}

Test(system_state_checks, can_be_made_while_a_server_uses_the_file)
{
    restart_begin(&restart, "", restart_address(), NULL);
    restart_await_snapshot(&restart, 0);
    expect_good("");
    restart_await_snapshot(&restart, restart_snapshot(&restart));
    server_stop(&restart.server);
}

Test(system_state_checks, warn_of_an_interval_that_is_longer_than_the_ttl)
{
    static const char why[] = "the interval is longer than the ttl";
    restart_prepare(&restart, restart_address());
    harness_contains("the warning", check(0, "interval = 90s\n[clients]\nttl = 30s\n"),
                     harness_format("udpsrv: warning of 'interval = 90s' in [state] and 'ttl = "
                                    "30s' in [clients]: %s",
                                    why));
    expect_good("interval = 30s\n[clients]\nttl = 30s\n");
    restart_again(&restart, "[clients]\nttl = 500ms\n");
    harness_contains("the log", server_await_log(&restart.server, "a crash may lose all clients"),
                     harness_format("interval=1s ttl=500ms reason=\"%s", why));
    server_configure(&restart.server,
                     harness_format("[server]\nlisten = %s\n[state]\nfile = %s\ninterval = "
                                    "40s\n[clients]\nttl = 30s\n",
                                    restart.listen[0], restart.state));
    ctl_ok(&restart.server, "reload", NULL);
    server_await_log(&restart.server, "a crash may lose all clients interval=40s ttl=30s");
    server_stop(&restart.server);
    const char *file =
        harness_write_file("none.conf", "[state]\ninterval = 90s\n[clients]\nttl = 30s\n", 0644);
    harness_equal("the size of the output",
                  (int64_t)strlen(run(NULL, "udpsrv", "-t", "-c", file, NULL).err), 0);
}
