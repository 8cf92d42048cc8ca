/* The default path of the control socket, and its directory. */
#include "os/file/control_path.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* A user id of each test's process, so that the tests do not use the paths of root, of a running
 * server, or of each other. */
static uid_t test_user(void)
{
    return 1000000 + (uid_t)getpid();
}

static void become_test_user(void)
{
    if (geteuid() == 0)
        cr_assert(setresuid(test_user(), test_user(), test_user()) == 0);
}

static const struct identity stay = {(uid_t)-1, (gid_t)-1};

static const char *tmp_directory(void)
{
    static char directory[64];
    snprintf(directory, sizeof directory, "/tmp/udpsrv-%lu", (unsigned long)geteuid());
    return directory;
}

static const char *socket_path(void)
{
    static char path[CONTROL_PATH_BYTES];
    cr_assert_eq(control_path_default(path, sizeof path), 0);
    return path;
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    cr_assert(lstat(path, &status) == 0);
    return status.st_mode;
}

/* Skips the test if the directory is in use by the user that runs the tests. */
static const char *fresh_directory(void)
{
    become_test_user();
    unsetenv("XDG_RUNTIME_DIR");
    const char *directory = tmp_directory();
    struct stat status;
    if (lstat(directory, &status) == 0)
        cr_skip("%s is in use", directory);
    return directory;
}

Test(control_path, root_has_a_path_in_run)
{
    if (geteuid() != 0)
        cr_skip("needs root");
    setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
    cr_assert_str_eq(socket_path(), "/run/udpsrv/udpsrv.sock");
}

Test(control_path, others_have_it_in_their_runtime_directory)
{
    become_test_user();
    setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
    cr_assert_str_eq(socket_path(), "/run/user/1/udpsrv.sock");
}

Test(control_path, an_empty_or_relative_runtime_directory_is_ignored)
{
    become_test_user();
    char expected[96];
    snprintf(expected, sizeof expected, "%s/udpsrv.sock", tmp_directory());
    setenv("XDG_RUNTIME_DIR", "", 1);
    cr_assert_str_eq(socket_path(), expected);
    setenv("XDG_RUNTIME_DIR", "here", 1);
    cr_assert_str_eq(socket_path(), expected);
}

Test(control_path, a_path_without_room_is_an_error)
{
    become_test_user();
    setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
    char path[23];
    cr_assert_eq(control_path_default(path, sizeof path), -ENAMETOOLONG);
}

Test(control_path, makes_its_directory_in_tmp_for_its_owner_only)
{
    const char *directory = fresh_directory();
    umask(0777);
    cr_assert_eq(control_path_make_directory(socket_path(), &stay), 0);
    cr_expect(mode_of(directory) == (S_IFDIR | 0700));
    cr_expect_eq(control_path_make_directory(socket_path(), &stay), 0, "it may exist already");
    cr_expect_eq(control_path_check_directory(socket_path()), 0);
    cr_expect(rmdir(directory) == 0);
}

Test(control_path, refuses_a_symbolic_link_in_its_place)
{
    const char *directory = fresh_directory();
    cr_assert(symlink("/var/tmp", directory) == 0);
    cr_expect_eq(control_path_make_directory(socket_path(), &stay), -ENOTDIR);
    cr_expect_eq(control_path_check_directory(socket_path()), -ENOTDIR);
    cr_expect(unlink(directory) == 0);
}

Test(control_path, refuses_a_directory_that_others_may_enter)
{
    const char *directory = fresh_directory();
    cr_assert(mkdir(directory, 0700) == 0 && chmod(directory, 0750) == 0);
    cr_expect_eq(control_path_make_directory(socket_path(), &stay), -EPERM);
    cr_expect_eq(control_path_check_directory(socket_path()), -EPERM);
    cr_expect(rmdir(directory) == 0);
}

Test(control_path, refuses_a_directory_of_another_user)
{
    if (geteuid() != 0)
        cr_skip("needs root");
    unsetenv("XDG_RUNTIME_DIR");
    cr_assert(seteuid(test_user()) == 0);
    const char *directory = tmp_directory();
    cr_assert(seteuid(0) == 0);
    cr_assert(mkdir(directory, 0700) == 0);
    cr_assert(seteuid(test_user()) == 0);
    cr_expect_eq(control_path_make_directory(socket_path(), &stay), -EPERM);
    cr_expect(seteuid(0) == 0);
    cr_expect(rmdir(directory) == 0);
}

Test(control_path, does_not_change_any_other_directory)
{
    become_test_user();
    cr_expect_eq(control_path_make_directory("/nowhere/at/all.sock", &stay), 0);
    char deeper[96];
    snprintf(deeper, sizeof deeper, "%s/deeper/udpsrv.sock", tmp_directory());
    cr_expect_eq(control_path_make_directory(deeper, &stay), 0);
}

/* ---- The directory of root, in a mount namespace of the test ---- */

#define RUN_DIRECTORY "/run/udpsrv"

static void enter_own_run(void)
{
    if (geteuid() != 0)
        cr_skip("needs root");
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/run", "tmpfs", 0, NULL) != 0)
        cr_skip("a mount namespace isn't allowed here");
}

static int make_in_run(uid_t uid, gid_t gid)
{
    return control_path_make_directory(RUN_DIRECTORY "/udpsrv.sock", &(struct identity){uid, gid});
}

static void expect_owner(uid_t uid, gid_t gid)
{
    struct stat status;
    cr_assert_eq(lstat(RUN_DIRECTORY, &status), 0);
    cr_expect_eq(status.st_mode, S_IFDIR | 0755);
    cr_expect_eq(status.st_uid, uid);
    cr_expect_eq(status.st_gid, gid);
}

Test(control_path, roots_directory_is_given_to_the_future_user)
{
    enter_own_run();
    umask(0777);
    cr_assert_eq(make_in_run(54321, 12345), 0);
    expect_owner(54321, 12345);
}

Test(control_path, roots_directory_is_taken_back_from_a_former_user)
{
    enter_own_run();
    cr_assert_eq(make_in_run(54321, 12345), 0);
    cr_assert_eq(make_in_run(stay.uid, stay.gid), 0);
    expect_owner(0, 0);
}

Test(control_path, roots_directory_is_no_link_no_file_and_not_open_to_others)
{
    enter_own_run();
    cr_assert(mkdir("/run/elsewhere", 0755) == 0);
    cr_assert(symlink("elsewhere", RUN_DIRECTORY) == 0);
    cr_expect_eq(make_in_run(54321, 12345), -ENOTDIR);
    struct stat status;
    cr_assert_eq(stat("/run/elsewhere", &status), 0);
    cr_expect_eq(status.st_uid, 0);
    cr_assert(unlink(RUN_DIRECTORY) == 0 && mknod(RUN_DIRECTORY, S_IFREG | 0755, 0) == 0);
    cr_expect_eq(make_in_run(54321, 12345), -ENOTDIR);
    cr_assert(unlink(RUN_DIRECTORY) == 0 && mkdir(RUN_DIRECTORY, 0755) == 0);
    cr_assert(chmod(RUN_DIRECTORY, 0775) == 0);
    cr_expect_eq(make_in_run(54321, 12345), -EPERM);
    cr_assert(chmod(RUN_DIRECTORY, 0757) == 0);
    cr_expect_eq(make_in_run(54321, 12345), -EPERM);
}
