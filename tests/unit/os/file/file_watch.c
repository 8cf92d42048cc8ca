/* Watching a file for its removal. */
#include "os/file/file_watch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of the test, above the one with the file. */
static char directory[] = "/tmp/udpsrv-test-XXXXXX";
static struct loop *loop;
static struct file_watch watch;
static int changes;

static void touch(const char *path)
{
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    fclose(file);
}

static void on_change(void *state)
{
    (void)state;
    changes++;
    loop_stop(loop);
}

static void begin(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
    cr_assert_eq(mkdir("d", 0700), 0);
    touch("d/f");
    loop = loop_new();
    cr_assert_not_null(loop);
    cr_assert_eq(file_watch_open(loop, &watch, "d/f", on_change, NULL), 0);
}

static void end(void)
{
    char command[64];
    file_watch_close(&watch);
    loop_free(loop);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

TestSuite(file_watch, .init = begin, .fini = end, .timeout = 10);

static void expect_change(void)
{
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_expect_eq(changes, 1);
}

Test(file_watch, reports_a_removal)
{
    cr_assert_eq(unlink("d/f"), 0);
    expect_change();
}

Test(file_watch, reports_a_removal_while_the_file_is_open)
{
    FILE *file = fopen("d/f", "re");
    cr_assert_eq(unlink("d/f"), 0);
    expect_change();
    fclose(file);
}

Test(file_watch, reports_a_file_that_replaces_it)
{
    touch("d/g");
    cr_assert_eq(rename("d/g", "d/f"), 0);
    expect_change();
}

Test(file_watch, reports_a_move_of_its_directory)
{
    cr_assert_eq(rename("d", "e"), 0);
    expect_change();
}

Test(file_watch, needs_a_file_and_may_be_closed_twice)
{
    struct file_watch none;
    cr_assert_eq(file_watch_open(loop, &none, "d/g", on_change, NULL), -ENOENT);
    file_watch_close(&none);
    file_watch_close(&watch);
    file_watch_close(&watch);
}
