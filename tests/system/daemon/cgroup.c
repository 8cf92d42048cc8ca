/* Limits of the control groups: the CPU quota bounds the number of workers, and the memory limit is
 * compared with the memory that the clients may need. */

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_cgroup, .fini = harness_end, .timeout = 60);

/* Replaces /proc/PID/cgroup and /proc/PID/mountinfo, in which the kernel lists the groups of a
 * process, by files of the test. */
static const char *wrapper[] = {
    "unshare",
    "--mount",
    "sh",
    "-c",
    "mount --bind \"$1/cgroup\" /proc/$$/cgroup && "
    "mount --bind \"$1/mountinfo\" /proc/$$/mountinfo && shift && exec \"$@\"",
    "sh",
    NULL /* the directory */,
    NULL};

static void write_file(const char *name, const char *text)
{
    const char *path = harness_path(name);
    FILE *file = fopen(path, "we");

    expect(file != NULL, "expected to write %s", path);
    fputs(text, file);
    fclose(file);
}

/* Makes the groups /a and /a/b. The process is in /a/b. */
static void make_groups(const char *groups, const char *type, const char *options)
{
    const char *directory = harness_path("");

    if (run(NULL, "unshare", "--mount", "sh", "-c", "mount --bind /proc/$$/cgroup /proc/$$/cgroup",
            NULL)
            .status != 0)
        cr_skip_test("no mount namespaces here");
    write_file("cgroup", groups);
    expect(mkdir(harness_path("top"), 0700) == 0 && mkdir(harness_path("top/a"), 0700) == 0 &&
               mkdir(harness_path("top/a/b"), 0700) == 0,
           "expected to make directories");
    write_file("mountinfo",
               harness_format("30 22 0:26 / %stop rw - %s none %s\n", directory, type, options));
    wrapper[6] = directory;
}

static void expect_workers(const char *expected)
{
    struct server server = {.wrapper = wrapper};

    server_start(&server, "[server]\nworkers = auto\n", "-l", "127.0.0.1:0", NULL);
    harness_contains("the log", server_await_log(&server, " ready "),
                     harness_format(" workers=%s ", expected));
    server_stop(&server);
}

static void need_processors(void)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        cr_skip_test("a quota changes nothing on a host with one processor");
}

Test(system_cgroup, a_cpu_quota_of_cgroup_version_2_limits_the_workers)
{
    need_processors();
    make_groups("0::/a/b\n", "cgroup2", "rw");
    write_file("top/a/b/cpu.max", "max 100000\n");
    write_file("top/a/cpu.max", "190000 100000\n");
    expect_workers("1");
    write_file("top/a/cpu.max", "20000 100000\n");
    expect_workers("1");
    write_file("top/a/cpu.max", "200000 100000\n");
    expect_workers("2");
}

Test(system_cgroup, a_cpu_quota_of_cgroup_version_1_limits_the_workers)
{
    need_processors();
    make_groups("3:cpu,cpuacct:/a/b\n0::/\n", "cgroup", "rw,cpu,cpuacct");
    write_file("top/a/b/cpu.cfs_period_us", "100000\n");
    write_file("top/a/b/cpu.cfs_quota_us", "100000\n");
    expect_workers("1");
    write_file("top/a/b/cpu.cfs_quota_us", "-1\n");
    expect_workers(harness_format("%ld", sysconf(_SC_NPROCESSORS_ONLN)));
}

static void expect_warning(const char *max, const char *advice)
{
    struct server server = {.wrapper = wrapper};
    const char *line;
    int udp = udp_open("127.0.0.1");

    server_start(&server, harness_format("[clients]\nmax = %s\n[reply]\nmessage = yes\n", max),
                 "-l", "127.0.0.1:0", NULL);
    if (advice != NULL) {
        line = server_await_log(&server, "may need more memory than is available");
        harness_contains("the warning", line, "memory_mib=24");
        harness_contains("the warning", line, advice);
    } else {
        server_await_log(&server, " ready ");
        expect(strstr(server_log(&server), "memory") == NULL, "expected no warning: %s",
               server_log(&server));
    }
    udp_ask(udp, &server.at[0], "hi", "yes");
    server_stop(&server);
}

Test(system_cgroup, a_memory_limit_of_cgroup_version_2_is_compared_with_clients_max)
{
    make_groups("0::/a/b\n", "cgroup2", "rw");
    write_file("top/a/b/memory.max", "max\n");
    write_file("top/a/memory.max", "25165824\n");
    expect_warning("1000000", "lower clients.max to 420000, or");
    expect_warning("420000", NULL);
}

Test(system_cgroup, a_memory_limit_of_cgroup_version_1_is_compared_with_clients_max)
{
    make_groups("2:memory:/a/b\n", "cgroup", "rw,memory");
    write_file("top/a/b/memory.limit_in_bytes", "25165824\n");
    write_file("top/memory.limit_in_bytes", "9223372036854771712\n");
    expect_warning("1000000", "lower clients.max to 420000, or");
    expect_warning("420000", NULL);
}

Test(system_cgroup, a_memory_limit_below_the_size_of_the_index_is_an_error)
{
    struct server server = {.wrapper = wrapper};
    struct result result;

    make_groups("0::/a/b\n", "cgroup2", "rw");
    write_file("top/a/b/memory.max", "4194304\n");
    result = server_try(&server, "[clients]\nmax = 10000000\n", "-l", "127.0.0.1:0", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the error", result.err, "cannot hold clients.max clients");
    harness_contains("the error", result.err, "memory_mib=4 ");
}
