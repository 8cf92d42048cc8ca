/* Tests of os/file/state_file: which files are read, and keeping one aside. */
#include "os/file/state_file.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of the test, which is its working directory. */
static char directory[] = "/tmp/udpsrv-test-XXXXXX";

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void leave(void)
{
    unlink("state");
    unlink("state.bad");
    unlink("other");
    rmdir("state");
    rmdir("state.bad");
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(directory), 0, "something was left: %s", strerror(errno));
}

TestSuite(state_file, .init = enter, .fini = leave, .timeout = 10);

static void write_file(const char *path, const void *bytes, size_t size, mode_t mode)
{
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

static void expect_text(const char *path, const char *expected)
{
    struct state_file_fault fault;
    uint8_t *bytes;
    size_t size;
    cr_assert_eq(state_file_read(path, &bytes, &size, &fault), 0);
    cr_assert_eq(size, strlen(expected));
    cr_assert_arr_eq(bytes, expected, size);
    free(bytes);
}

static void expect_refused(int error, const char *why, const char *next)
{
    struct state_file_fault fault = {NULL, NULL};
    uint8_t *bytes;
    size_t size;
    cr_assert_eq(state_file_read("state", &bytes, &size, &fault), error, "expected '%s'", why);
    cr_assert_str_eq(fault.why, why);
    cr_assert_str_eq(fault.next, next);
}

Test(state_file, is_read_as_a_whole)
{
    enum { BYTES = 3000000 };
    struct state_file_fault fault;
    uint8_t *written = malloc(BYTES), *bytes;
    size_t size;
    for (size_t i = 0; i < BYTES; i++)
        written[i] = (uint8_t)(i * 7 + i / 256);
    write_file("state", written, BYTES, 0600);
    cr_assert_eq(state_file_read("state", &bytes, &size, &fault), 0);
    cr_assert_eq(size, BYTES);
    cr_assert_eq(memcmp(bytes, written, BYTES), 0);
    free(bytes);
    free(written);
}

Test(state_file, may_be_empty)
{
    write_file("state", "", 0, 0600);
    expect_text("state", "");
}

Test(state_file, that_is_missing_is_no_fault)
{
    struct state_file_fault fault;
    uint8_t *bytes;
    size_t size;
    cr_assert_eq(state_file_read("state", &bytes, &size, &fault), -ENOENT);
    cr_assert_eq(state_file_read("no-such-directory/state", &bytes, &size, &fault), -ENOENT);
}

Test(state_file, may_be_read_by_others)
{
    static const mode_t modes[] = {0600, 0400, 0644, 0444, 0755};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        write_file("state", "text", 4, modes[i]);
        expect_text("state", "text");
        unlink("state");
    }
}

Test(state_file, that_others_can_write_is_refused)
{
    static const mode_t modes[] = {0620, 0602, 0666, 0660};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        write_file("state", "text", 4, modes[i]);
        expect_refused(-EPERM, "its group or others can write it",
                       "take that permission from them (chmod 600)");
    }
}

Test(state_file, of_another_user_is_refused)
{
    write_file("state", "text", 4, 0600);
    if (chown("state", 12345, (gid_t)-1) != 0)
        cr_skip_test("only root can give a file away");
    expect_refused(-EPERM, "it belongs to another user, who can change it",
                   "make root or this user its owner (chown)");
}

Test(state_file, of_root_is_read_by_another_user)
{
    write_file("state", "text", 4, 0644);
    if (geteuid() != 0 || chmod(directory, 0755) != 0 || seteuid(12345) != 0)
        cr_skip_test("only root can become another user");
    expect_text("state", "text");
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(chmod("state", 0600), 0);
    cr_assert_eq(seteuid(12345), 0);
    expect_refused(-EACCES, "Permission denied", "let the user of the server read it");
    cr_assert_eq(seteuid(0), 0);
}

Test(state_file, that_is_a_link_is_refused_and_what_it_leads_to_stays)
{
    write_file("other", "text", 4, 0600);
    cr_assert_eq(symlink("other", "state"), 0);
    expect_refused(-ELOOP, "it is a symbolic link", "correct state.file");
    cr_assert_eq(state_file_keep_aside("state"), 0);
    expect_text("other", "text");
    cr_assert_neq(access("state", F_OK), 0);
}

Test(state_file, that_is_no_regular_file_is_refused_at_once)
{
    cr_assert_eq(mkdir("state", 0700), 0);
    expect_refused(-EINVAL, "it is not a regular file", "correct state.file");
    cr_assert_eq(state_file_keep_aside("state"), -EISDIR);
    cr_assert_eq(rmdir("state"), 0, "it stays");
    cr_assert_eq(mkfifo("state", 0600), 0);
    expect_refused(-EINVAL, "it is not a regular file", "correct state.file");
    cr_assert_eq(state_file_keep_aside("state"), -EINVAL);
    cr_assert_eq(unlink("state"), 0, "it stays");
}

Test(state_file, in_a_path_that_goes_through_a_file_is_refused)
{
    struct state_file_fault fault;
    uint8_t *bytes;
    size_t size;
    write_file("other", "text", 4, 0600);
    cr_assert_eq(state_file_read("other/state", &bytes, &size, &fault), -ENOTDIR);
    cr_assert_str_eq(fault.why, "Not a directory");
    cr_assert_str_eq(fault.next, "correct state.file");
}

Test(state_file, that_is_kept_aside_replaces_the_last_one)
{
    write_file("state", "first", 5, 0600);
    cr_assert_eq(state_file_keep_aside("state"), 0);
    cr_assert_neq(access("state", F_OK), 0);
    expect_text("state.bad", "first");
    write_file("state", "second", 6, 0644);
    cr_assert_eq(state_file_keep_aside("state"), 0);
    expect_text("state.bad", "second");
}

Test(state_file, that_cannot_be_kept_aside_stays)
{
    char path[PATH_MAX];
    cr_assert_eq(state_file_keep_aside("state"), -ENOENT);
    write_file("state", "text", 4, 0600);
    cr_assert_eq(mkdir("state.bad", 0700), 0);
    cr_assert_eq(state_file_keep_aside("state"), -EISDIR);
    expect_text("state", "text");
    snprintf(path, sizeof path, "%s/", directory);
    memset(path + strlen(path), '/', sizeof path - strlen(path) - 1);
    strcpy(path + sizeof path - sizeof "state", "state");
    cr_assert_eq(state_file_keep_aside(path), -ENAMETOOLONG);
    expect_text("state", "text");
}
