/* Limits of control groups, read from made-up hierarchies. */
#include "os/process/cgroup_limits.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A made-up /proc/self and its hierarchies, in a directory of the test. */
static char directory[] = "/tmp/udpsrv-test-XXXXXX";

static void begin(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void end(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

TestSuite(cgroup_limits, .init = begin, .fini = end);

static void write_file(const char *path, const char *text)
{
    char made[256];
    snprintf(made, sizeof made, "%s", path);
    for (char *slash = strchr(made, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(made, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void expect_limits(uint64_t processors_milli, uint64_t memory_bytes)
{
    struct cgroup_limits limits = cgroup_limits_read("proc");
    cr_expect_eq(limits.processors_milli, processors_milli, "%lu", limits.processors_milli);
    cr_expect_eq(limits.memory_bytes, memory_bytes, "%lu", limits.memory_bytes);
}

Test(cgroup_limits, has_no_limits_without_the_files_of_the_groups)
{
    expect_limits(UINT64_MAX, UINT64_MAX);
    write_file("proc/cgroup", "0::/a\n");
    expect_limits(UINT64_MAX, UINT64_MAX);
    write_file("proc/mountinfo", "30 22 0:26 / two rw - cgroup2 cgroup2 rw\n");
    expect_limits(UINT64_MAX, UINT64_MAX);
}

Test(cgroup_limits, takes_the_lowest_limit_of_all_ancestors_in_version_2)
{
    write_file("proc/cgroup", "0::/slice/service/inner\n");
    write_file("proc/mountinfo", "30 22 0:26 / two rw - cgroup2 cgroup2 rw\n");
    write_file("two/slice/service/inner/cpu.max", "max 100000\n");
    write_file("two/slice/service/inner/memory.max", "max\n");
    expect_limits(UINT64_MAX, UINT64_MAX);
    write_file("two/slice/cpu.max", "150000 100000\n");
    write_file("two/slice/service/memory.max", "25165824\n");
    expect_limits(1500, 25165824);
    write_file("two/slice/service/inner/cpu.max", "300000 100000\n");
    write_file("two/slice/memory.max", "16777216\n");
    expect_limits(1500, 16777216);
    write_file("two/cpu.max", "50000 100000\n");
    expect_limits(500, 16777216);
}

Test(cgroup_limits, takes_the_lowest_limit_of_all_ancestors_in_version_1)
{
    write_file("proc/cgroup", "3:cpu,cpuacct:/a/b\n2:memory:/m\n0::/\n");
    write_file("proc/mountinfo", "31 22 0:27 / cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
                                 "32 22 0:28 / memory rw - cgroup cgroup rw,memory\n");
    write_file("cpu/a/b/cpu.cfs_quota_us", "-1\n");
    write_file("cpu/a/b/cpu.cfs_period_us", "100000\n");
    write_file("memory/m/memory.limit_in_bytes", "9223372036854771712\n");
    expect_limits(UINT64_MAX, 9223372036854771712u);
    write_file("cpu/a/cpu.cfs_quota_us", "200000\n");
    write_file("cpu/a/cpu.cfs_period_us", "100000\n");
    write_file("memory/memory.limit_in_bytes", "33554432\n");
    expect_limits(2000, 33554432);
}

Test(cgroup_limits, does_not_read_above_the_mount_point)
{
    write_file("proc/cgroup", "0::/\n");
    write_file("proc/mountinfo", "30 22 0:26 / outer/two rw - cgroup2 cgroup2 rw\n");
    write_file("outer/memory.max", "1\n");
    write_file("outer/two/memory.max", "25165824\n");
    expect_limits(UINT64_MAX, 25165824);
}
