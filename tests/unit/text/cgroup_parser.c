/* Tests of text/cgroup_parser: the kernel's files about control groups. */
#include "text/cgroup_parser.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* ---- the path ---- */

static const char HYBRID[] =
    "12:cpu,cpuacct:/jobs/a:b\n4:memory:/\n1:name=systemd:/x\n0::/user/y\n";

static void expect_path(const char *text, const char *controller, const char *expected)
{
    char path[64] = "unset";
    bool found = cgroup_parse_path(text, controller, path, sizeof path);
    cr_expect_eq(found, expected != NULL, "%s of '%s'", controller ? controller : "unified", text);
    if (found && expected != NULL)
        cr_expect_str_eq(path, expected);
}

Test(cgroup_parser, path_is_from_the_hierarchy_of_the_controller)
{
    expect_path(HYBRID, "cpu", "/jobs/a:b");
    expect_path(HYBRID, "cpuacct", "/jobs/a:b");
    expect_path(HYBRID, "memory", "/");
    expect_path(HYBRID, CGROUP_UNIFIED, "/user/y");
    expect_path(HYBRID, "cpuset", NULL);
    expect_path(HYBRID, "cp", NULL);
    expect_path("0::/\n", "cpu", NULL);
    expect_path("0::/", CGROUP_UNIFIED, "/");
    expect_path("4:memory:/\n", CGROUP_UNIFIED, NULL);
}

Test(cgroup_parser, invalid_text_has_no_path)
{
    expect_path("", "cpu", NULL);
    expect_path("\n\n::\n4:cpu\n", "cpu", NULL);
    char small[4];
    cr_expect_not(cgroup_parse_path("0::/abc", CGROUP_UNIFIED, small, sizeof small));
    cr_expect(cgroup_parse_path("0::/ab", CGROUP_UNIFIED, small, sizeof small));
}

/* ---- the directory ---- */

static const char MOUNTS[] =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 22 0:26 / /sys/fs/cgroup/unified rw shared:9 master:2 - cgroup2 cgroup2 rw,nsdelegate\n"
    "31 22 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 22 0:28 /docker/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "33 22 0:29 / /a\\040b rw - cgroup cgroup rw,pids\n";

static void expect_directory(const char *controller, const char *path, const char *top,
                             const char *rest)
{
    char directory[128] = "unset", expected[128];
    size_t top_size = 0;
    snprintf(expected, sizeof expected, "%s%s", top, rest);
    cr_assert(
        cgroup_parse_directory(MOUNTS, controller, path, directory, sizeof directory, &top_size),
        "%s", path);
    cr_expect_str_eq(directory, expected);
    cr_expect_eq(top_size, strlen(top));
}

Test(cgroup_parser, directory_is_below_the_mount_point)
{
    expect_directory(CGROUP_UNIFIED, "/", "/sys/fs/cgroup/unified", "");
    expect_directory(CGROUP_UNIFIED, "/a/b", "/sys/fs/cgroup/unified", "/a/b");
    expect_directory("cpu", "/jobs", "/sys/fs/cgroup/cpu,cpuacct", "/jobs");
    expect_directory("pids", "/x", "/a b", "/x");
}

Test(cgroup_parser, directory_in_a_container_is_the_mounted_one)
{
    expect_directory("memory", "/docker/1", "/sys/fs/cgroup/memory", "");
    expect_directory("memory", "/docker/1/inner", "/sys/fs/cgroup/memory", "/inner");
    expect_directory("memory", "/docker/12", "/sys/fs/cgroup/memory", "");
    expect_directory("memory", "/", "/sys/fs/cgroup/memory", "");
    expect_directory(CGROUP_UNIFIED, "/../other", "/sys/fs/cgroup/unified", "");
}

Test(cgroup_parser, an_unmounted_hierarchy_has_no_directory)
{
    char directory[32];
    size_t top_size;
    cr_expect_not(
        cgroup_parse_directory(MOUNTS, "cpuset", "/", directory, sizeof directory, &top_size));
    cr_expect_not(
        cgroup_parse_directory("1 2 3\n - \n", "cpu", "/", directory, sizeof directory, &top_size));
    cr_expect_not(cgroup_parse_directory("", "cpu", "/", directory, sizeof directory, &top_size));
    cr_expect_not(cgroup_parse_directory(MOUNTS, "cpu", "/a/long/path/that/does/not/fit", directory,
                                         sizeof directory, &top_size));
}

/* ---- the limits ---- */

Test(cgroup_parser, a_number_is_a_limit_and_other_text_is_none)
{
    cr_expect_eq(cgroup_parse_limit("25165824\n"), 25165824);
    cr_expect_eq(cgroup_parse_limit("max\n"), CGROUP_NO_LIMIT);
    cr_expect_eq(cgroup_parse_limit("-1\n"), CGROUP_NO_LIMIT);
    cr_expect_eq(cgroup_parse_limit(""), CGROUP_NO_LIMIT);
    cr_expect_eq(cgroup_parse_limit("0\n"), 0);
    cr_expect_eq(cgroup_parse_limit("9223372036854771712\n"), 9223372036854771712u);
    cr_expect_eq(cgroup_parse_limit("99999999999999999999999\n"), CGROUP_NO_LIMIT);
}

Test(cgroup_parser, quota_is_in_thousandths_of_a_processor)
{
    cr_expect_eq(cgroup_parse_quota("max 100000\n"), CGROUP_NO_LIMIT);
    cr_expect_eq(cgroup_parse_quota("150000 100000\n"), 1500);
    cr_expect_eq(cgroup_parse_quota("200000\n"), 2000);
    cr_expect_eq(cgroup_parse_quota("1000 1000000\n"), 1);
    cr_expect_eq(cgroup_parse_quota("1 1000000\n"), 1);
    cr_expect_eq(cgroup_parse_quota("100000 0\n"), CGROUP_NO_LIMIT);
    cr_expect_eq(cgroup_parse_quota(""), CGROUP_NO_LIMIT);
    cr_expect_eq(cgroup_quota_milli(CGROUP_NO_LIMIT, 100000), CGROUP_NO_LIMIT);
    cr_expect_eq(cgroup_quota_milli(400000, 100000), 4000);
    cr_expect_eq(cgroup_quota_milli(18446744073709551614u, 100000), CGROUP_NO_LIMIT);
}
