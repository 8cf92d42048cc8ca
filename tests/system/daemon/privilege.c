/* What a running server may still do, and whom it obeys: nothing that it doesn't need, and only who
 * is let in by name. */

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_privilege, .fini = harness_end, .timeout = 60);

enum { NOBODY = 65534 };

static void need_root(void)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_forgo_leaks();
}

static void expect_line(const struct server *server, const char *file, const char *line)
{
    const char *path = harness_format("/proc/%d/%s", (int)server->process.pid, file);

    harness_contains(path, run_ok(NULL, "cat", path, NULL), line);
}

/* Capabilities are a thread's own. A sanitizer has threads, too. */
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

/* A stranger to the server who is of its user: he can't look into it. */
static void expect_closed(const struct server *server)
{
    const char *maps = harness_format("/proc/%d/maps", (int)server->process.pid);
    struct result result =
        run(NULL, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "cat", maps, NULL);

    expect(result.status != 0, "expected %s to be closed to the server's own user", maps);
}

Test(system_privilege, is_none_at_all_where_root_started_it_and_it_stays_root)
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

Test(system_privilege, is_none_at_all_where_it_became_another_user)
{
    struct server server = {.owner = NOBODY};

    need_root();
    server_start(&server, "[server]\nuser = nobody\n", "-l", "127.0.0.1:0", NULL);
    expect_sealed(&server);
    expect_closed(&server);
    server_stop(&server);
}

Test(system_privilege, is_none_at_all_where_another_user_started_it)
{
    static const char *wrapper[] = {"setpriv",        "--reuid=65534",       "--regid=65534",
                                    "--clear-groups", "--bounding-set=-all", NULL};
    struct server server = {.owner = NOBODY, .wrapper = wrapper};

    need_root();
    server_start(&server, "[reply]\nmessage = yes\n", "-l", "127.0.0.1:0", NULL);
    expect_sealed(&server);
    expect_closed(&server);
    server_stop(&server);
}

/* ---- whom it obeys ---- */

static const char *who(void)
{
    return harness_format("uid=%u gid=%u pid=", (unsigned)geteuid(), (unsigned)getegid());
}

Test(system_privilege, the_log_says_who_had_it_do_what)
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
    harness_contains("the line", line, who());
    expect(strstr(line, "secret") == NULL && strstr(line, "73656372") == NULL,
           "expected no payload in the log");
    ctl_ok(&server, "kick", client, NULL);
    line = server_await_log(&server, "name=kick");
    harness_contains("the line", line, client);
    harness_contains("the line", line, who());
    ctl(&server, "cancel", "1", NULL);
    harness_contains("the line", server_await_log(&server, "name=cancel"), "argument=1 ");
    ctl_ok(&server, "reload", NULL);
    harness_contains("the line", server_await_log(&server, "name=reload"), who());
    ctl_ok(&server, "stop", NULL);
    harness_contains("the line", server_await_log(&server, "name=stop"), who());
    expect(strstr(server_log(&server), "name=status") == NULL,
           "expected no line about who only looks");
}

Test(system_privilege, who_is_not_let_in_by_name_is_refused_even_where_the_file_was_opened_to_all)
{
    struct server server = {0};
    struct result result;

    need_root();
    server_start(&server, "[control]\nmode = 0600\n", "-l", "127.0.0.1:0", NULL);
    chmod(server.dir, 0755);
    chmod(server.socket, 0666);
    result = run(NULL, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "socat", "-",
                 harness_format("UNIX-CONNECT:%s", server.socket), NULL);
    harness_contains("the answer", result.out,
                     "error cannot open a session: you have no permission");
    harness_contains("the line", server_await_log(&server, "refused an operator"), "uid=65534");
    ctl_ok(&server, "status", NULL);
    server_stop(&server);
}

Test(system_privilege, a_member_of_the_group_is_let_in_by_any_of_his_groups)
{
    struct server server = {0};
    struct result result;

    need_root();
    server_start(&server, "[control]\nmode = 0660\ngroup = 54322\n", "-l", "127.0.0.1:0", NULL);
    chmod(server.dir, 0755);
    result = run("status\n", "setpriv", "--reuid=65534", "--regid=65534", "--groups=54322", "socat",
                 "-", harness_format("UNIX-CONNECT:%s", server.socket), NULL);
    harness_contains("the answer", result.out, "ok\n");
    server_stop(&server);
}
