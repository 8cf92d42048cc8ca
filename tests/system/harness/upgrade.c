/* Upgrades: the program that is started, and the process that is the server afterwards. */

#define HARNESS_INTERNAL
#include "upgrade.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *installed, *original, *linked;

/* Before the script of a stand-in. The channel does not block, so messages are waited for. */
static const char SCRIPT_HEAD[] =
    "#!/bin/sh\n"
    "exec 9<>/dev/null; eval \"exec 9<&$UDPSRV_UPGRADE 8>&$UDPSRV_UPGRADE\"\n"
    "READY=1 FAILED=2 STARTED=3 GO=4 TAKEN=5 SERVING=6 PACKAGE=7\n"
    "send() { eval kind=\\$$1; printf \"\\\\00$kind$2\" >&8; }\n"
    "await() {\n"
    "  eval kind=\\$$1; got=\n"
    "  until [ \"$got\" = \"$kind\" ]; do\n"
    "    got=$(dd bs=4096 count=1 <&9 2>/dev/null | od -An -tu1 -N1 | tr -d ' ')\n"
    "    [ -n \"$got\" ] || sleep 0.01\n"
    "  done\n"
    "}\n";

static void copy_file(const char *from, const char *to)
{
    struct stat file;
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

    if (source < 0 || target < 0 || fstat(source, &file) < 0)
        harness_fail("expected to copy %s to %s: %s", from, to, strerror(errno));
    while (file.st_size > 0) {
        ssize_t part = sendfile(target, source, NULL, (size_t)file.st_size);

        if (part <= 0)
            harness_fail("expected to copy %s: %s", from, strerror(errno));
        file.st_size -= part;
    }
    close(source);
    close(target);
}

/* Replaces the program at once, as a package does. */
static void put(const char *from)
{
    if (rename(from, installed) < 0)
        harness_fail("expected to put %s in place: %s", from, strerror(errno));
}

const char *upgrade_install(void)
{
    static const char *const others[] = {"udpctl", "udpcli", "udpload"};
    const char *programs = harness_path("programs");

    original = realpath(program_path("udpsrv"), NULL);
    if (original == NULL || mkdir(programs, 0755) < 0 || chmod(programs, 0755) < 0)
        harness_fail("expected to make %s: %s", programs, strerror(errno));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const char *path = realpath(program_path(others[i]), NULL);

        if (path == NULL || symlink(path, harness_format("%s/%s", programs, others[i])) < 0)
            harness_fail("expected to link %s: %s", others[i], strerror(errno));
    }
    installed = harness_format("%s/udpsrv", programs);
    upgrade_restore();
    linked = harness_format("%s/linked", programs);
    if (link(installed, linked) < 0)
        harness_fail("expected to link %s: %s", installed, strerror(errno));
    setenv("UDPSRV_BUILD", programs, 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    return installed;
}

void upgrade_put_script(const char *script)
{
    const char *path = harness_write_file(
        "script", harness_format("%sprogram=%s\n%s\n", SCRIPT_HEAD, linked, script), 0755);
    put(path);
}

void upgrade_remove(void)
{
    unlink(installed);
}

void upgrade_restore(void)
{
    const char *fresh = harness_path("fresh");
    copy_file(original, fresh);
    put(fresh);
}

static void follow(struct server *server, pid_t to)
{
    process_adopt(&server->process, to);
    if (server->control != 0)
        close(server->control);
    server->control = 0;
}

const char *upgrade(struct server *server)
{
    const char *answer = ctl_ok(server, "upgrade", "--json", NULL);

    harness_equal("the process before", json_integer(answer, "from"), server->process.pid);
    follow(server, (pid_t)json_integer(answer, "to"));
    return answer;
}

void upgrade_follow(struct server *server)
{
    server->process.hands_over = true;
    const char *line = server_await_log(server, "upgraded: another process serves");
    follow(server, (pid_t)text_integer(line, "process"));
}

void upgrade_await_no_child(const struct server *server)
{
    const char *path = harness_format("/proc/%d/task/%d/children", (int)server->process.pid,
                                      (int)server->process.pid);
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    char line[64];

    for (;;) {
        FILE *file = fopen(path, "re");
        bool any = file != NULL && fgets(line, sizeof line, file) != NULL && line[0] != '\0';

        if (file == NULL)
            harness_fail("expected to read %s: %s", path, strerror(errno));
        fclose(file);
        if (!any)
            return;
        if (harness_now_ms() >= deadline)
            harness_fail("expected no child of the server, it has %s", line);
        harness_wait_ms(5);
    }
}

void upgrade_expect_refusal(struct server *server, const char *text)
{
    struct result result = ctl(server, "upgrade", NULL);

    if (result.status != 1 || strstr(result.err, text) == NULL)
        harness_fail("expected status 1 and '%s', not %d, '%s' and '%s'", text, result.status,
                     result.out, result.err);
}

void upgrade_expect_failure(struct server *server, const char *text)
{
    int udp = udp_open("127.0.0.1");

    upgrade_expect_refusal(server, text);
    udp_ask(udp, &server->at[0], "hi", "yes");
    close(udp);
    upgrade_await_no_child(server);
    harness_equal("the process that answers",
                  json_integer(ctl_ok(server, "status", "--json", NULL), "pid"),
                  server->process.pid);
}
