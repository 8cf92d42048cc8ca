/* Writing files atomically: replacing, links, descriptors, full disks. */
#include "os/file/atomic_file.h"

#include "os/file/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/file-draft-XXXXXX";
static struct atomic_file file;

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
}

static void leave(void)
{
    unlink("report");
    unlink("other");
    unlink("real");
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(directory), 0, "something was left: %s", strerror(errno));
}

static void expect_text(const char *path, const char *expected)
{
    char *text;
    size_t size;
    cr_assert_eq(file_read(path, 1000, &text, &size), 0);
    cr_assert_str_eq(text, expected);
    free(text);
}

static void make_report(const char *text)
{
    cr_assert_eq(atomic_file_open(&file, "report"), 0);
    fputs(text, file.out);
    cr_assert_eq(atomic_file_commit(&file), 0);
}

TestSuite(atomic_file, .init = enter, .fini = leave, .timeout = 10);

Test(atomic_file, appears_when_it_is_committed_and_not_before)
{
    cr_assert_eq(atomic_file_open(&file, "report"), 0);
    fputs("whole", file.out);
    fflush(file.out);
    cr_assert_neq(access("report", F_OK), 0);
    cr_assert_eq(atomic_file_commit(&file), 0);
    expect_text("report", "whole");
}

Test(atomic_file, leaves_what_was_there_when_it_is_discarded)
{
    make_report("old");
    cr_assert_eq(atomic_file_open(&file, "report"), 0);
    fputs("new", file.out);
    atomic_file_discard(&file);
    atomic_file_discard(&file);
    expect_text("report", "old");
}

Test(atomic_file, replaces_what_was_there_and_keeps_its_mode)
{
    struct stat status;
    make_report("old");
    cr_assert_eq(chmod("report", 0640), 0);
    make_report("new");
    expect_text("report", "new");
    cr_assert_eq(stat("report", &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0640);
}

Test(atomic_file, has_the_mode_that_the_umask_gives)
{
    struct stat status;
    umask(027);
    make_report("new");
    cr_assert_eq(stat("report", &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0640);
}

Test(atomic_file, follows_a_link_to_its_target)
{
    struct stat status;
    make_report("old");
    cr_assert_eq(symlink("report", "other"), 0);
    cr_assert_eq(atomic_file_open(&file, "other"), 0);
    fputs("new", file.out);
    cr_assert_eq(atomic_file_commit(&file), 0);
    expect_text("report", "new");
    cr_assert_eq(lstat("other", &status), 0);
    cr_assert(S_ISLNK(status.st_mode), "the link is no link any more");
}

Test(atomic_file, finds_one_target_of_two_paths)
{
    struct atomic_file same;
    cr_assert_eq(atomic_file_open(&file, "report"), 0);
    cr_assert_eq(atomic_file_open(&same, "./report"), 0);
    cr_assert_str_eq(file.target, same.target);
    atomic_file_discard(&file);
    atomic_file_discard(&same);
}

Test(atomic_file, accepts_the_longest_name)
{
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    cr_assert_eq(atomic_file_open(&file, name), 0);
    fputs("long", file.out);
    cr_assert_eq(atomic_file_commit(&file), 0);
    expect_text(name, "long");
    cr_assert_eq(unlink(name), 0);
}

/* A process that ends while it writes; some file systems have no files without names. */
Test(atomic_file, leaves_nothing_when_the_process_ends)
{
    int fd = open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        cr_skip_test("this file system makes no files without names");
    close(fd);
    pid_t child = fork();
    if (child == 0) {
        atomic_file_open(&file, "report");
        fputs("half", file.out);
        fflush(file.out);
        _exit(file.temporary != NULL);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(atomic_file, reports_at_once_that_it_cannot_be_written)
{
    cr_assert_eq(atomic_file_open(&file, "missing/report"), -ENOENT);
    cr_assert_null(file.out);
    atomic_file_discard(&file);
    cr_assert_eq(atomic_file_open(&file, "."), -EISDIR);
    atomic_file_discard(&file);
}

Test(atomic_file, writes_to_a_device_directly_and_reports_its_errors)
{
    cr_assert_eq(atomic_file_open(&file, "/dev/full"), 0);
    cr_assert_null(file.target);
    fputs("x", file.out);
    cr_assert_eq(atomic_file_commit(&file), -ENOSPC);
    cr_assert_null(file.out);
}

/* ---- Targets that a rename can't replace ---- */

static ino_t inode_of(const char *path)
{
    struct stat status;
    cr_assert_eq(stat(path, &status), 0, "%s: %s", path, strerror(errno));
    return status.st_ino;
}

/* Expects that the file is overwritten: it stays the same file with new contents. */
static void expect_overwritten(const char *path)
{
    ino_t before = inode_of(path);
    cr_assert_eq(atomic_file_open(&file, path), 0, "%s", strerror(errno));
    fputs("new", file.out);
    fflush(file.out);
    expect_text(path, "a longer old one");
    cr_assert_eq(atomic_file_commit(&file), 0);
    expect_text(path, "new");
    cr_assert_eq(inode_of(path), before);
}

Test(atomic_file, keeps_the_other_names_of_a_file)
{
    make_report("a longer old one");
    cr_assert_eq(link("report", "other"), 0);
    expect_overwritten("report");
    expect_text("other", "new");
}

Test(atomic_file, leaves_a_file_with_other_names_as_it_was_when_it_is_discarded)
{
    make_report("old");
    cr_assert_eq(link("report", "other"), 0);
    cr_assert_eq(atomic_file_open(&file, "report"), 0);
    fputs("new", file.out);
    atomic_file_discard(&file);
    expect_text("other", "old");
}

static void become_another_user(void)
{
    if (geteuid() != 0)
        cr_skip_test("only root can make what belongs to others");
    cr_assert_eq(setegid(65534), 0);
    cr_assert_eq(seteuid(65534), 0);
}

static void become_root(void)
{
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(setegid(0), 0);
}

Test(atomic_file, overwrites_a_file_in_a_directory_that_is_not_writable)
{
    make_report("a longer old one");
    cr_assert_eq(chmod("report", 0666), 0);
    cr_assert_eq(chmod(".", 0555), 0);
    become_another_user();
    expect_overwritten("report");
    cr_assert_eq(atomic_file_open(&file, "other"), -EACCES, "a new one can't be made there");
    become_root();
}

/* As in /tmp, where only the owner can remove a name, which is an error on commit only. */
Test(atomic_file, overwrites_a_file_of_another_user)
{
    make_report("a longer old one");
    cr_assert_eq(chmod("report", 0666), 0);
    cr_assert_eq(chmod(".", 01777), 0);
    become_another_user();
    expect_overwritten("report");
    become_root();
}

Test(atomic_file, keeps_the_owner_of_what_it_replaces)
{
    struct stat status;
    make_report("old");
    if (chown("report", 65534, 65534) != 0)
        cr_skip_test("only root can make what belongs to others");
    make_report("new");
    cr_assert_eq(stat("report", &status), 0);
    cr_assert_eq(status.st_uid, 65534);
    cr_assert_eq(status.st_gid, 65534);
}

static void enter_mounts(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0)
        cr_skip_test("no mounts of its own: %s", strerror(errno));
}

Test(atomic_file, overwrites_a_file_that_is_a_mount_point)
{
    enter_mounts();
    make_report("a longer old one");
    cr_assert_eq(atomic_file_open(&file, "other"), 0);
    cr_assert_eq(atomic_file_commit(&file), 0);
    cr_assert_eq(mount("report", "other", "none", MS_BIND, NULL), 0, "%s", strerror(errno));
    expect_overwritten("other");
    expect_text("report", "new");
    cr_assert_eq(umount("other"), 0);
}

/* A disk of 64 kB, on which the new version in memory does not fit. */
Test(atomic_file, leaves_a_file_as_it_was_when_the_disk_is_full)
{
    enter_mounts();
    cr_assert_eq(mkdir("other", 0700), 0);
    cr_assert_eq(mount("none", "other", "tmpfs", 0, "size=64k"), 0, "%s", strerror(errno));
    cr_assert_eq(chdir("other"), 0);
    make_report("old");
    cr_assert_eq(link("report", "link"), 0);
    cr_assert_eq(atomic_file_open(&file, "report"), 0);
    for (int i = 0; i < 100000; i++)
        fputc('x', file.out);
    cr_assert_eq(atomic_file_commit(&file), -ENOSPC);
    expect_text("report", "old");
    cr_assert_eq(chdir(".."), 0);
    cr_assert_eq(umount("other"), 0);
    cr_assert_eq(rmdir("other"), 0);
}

/* ---- Links and descriptors ---- */

Test(atomic_file, follows_a_link_to_a_file_that_is_missing)
{
    struct stat status;
    cr_assert_eq(symlink("./real", "other"), 0);
    cr_assert_eq(symlink("other", "report"), 0);
    make_report("new");
    expect_text("real", "new");
    cr_assert_eq(lstat("report", &status), 0);
    cr_assert(S_ISLNK(status.st_mode), "the first link is no link any more");
    cr_assert_eq(lstat("other", &status), 0);
    cr_assert(S_ISLNK(status.st_mode), "the second link is no link any more");
}

Test(atomic_file, reports_a_link_that_leads_nowhere)
{
    cr_assert_eq(symlink("missing/real", "report"), 0);
    cr_assert_eq(atomic_file_open(&file, "report"), -ENOENT);
    cr_assert_eq(symlink("other", "other"), 0);
    cr_assert_eq(atomic_file_open(&file, "other"), -ELOOP);
    cr_assert_eq(atomic_file_open(&file, ""), -ENOENT);
    cr_assert_eq(atomic_file_open(&file, "report/"), -EISDIR);
}

/* As in the shell: { udpload --json /dev/fd/3; } 3>log, after earlier output to the same file. */
static void write_through(const char *fd_directory, int number)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%d", fd_directory, number);
    cr_assert_eq(atomic_file_open(&file, path), 0, "%s: %s", path, strerror(errno));
    fputs("new ", file.out);
    cr_assert_eq(atomic_file_commit(&file), 0);
}

Test(atomic_file, appends_to_a_descriptor_after_earlier_output)
{
    int fd = open("report", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_eq(write(fd, "old ", 4), 4);
    write_through("/dev/fd", fd);
    write_through("/proc/self/fd", fd);
    cr_assert_eq(write(fd, "end", 3), 3);
    close(fd);
    expect_text("report", "old new new end");
}

Test(atomic_file, reports_a_descriptor_that_is_not_writable)
{
    char path[64];
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    cr_assert_eq(atomic_file_open(&file, path), -EBADF);
    close(fd);
    cr_assert_eq(atomic_file_open(&file, path), -EBADF);
}

Test(atomic_file, finds_one_file_of_two_hard_links)
{
    struct atomic_file same;
    make_report("old");
    cr_assert_eq(link("report", "other"), 0);
    cr_assert_eq(atomic_file_open(&file, "report"), 0);
    cr_assert_eq(atomic_file_open(&same, "other"), 0);
    cr_assert(atomic_file_same(&file, &same));
    atomic_file_discard(&same);
    cr_assert_eq(atomic_file_open(&same, "real"), 0);
    cr_assert_not(atomic_file_same(&file, &same));
    atomic_file_discard(&same);
    atomic_file_discard(&file);
    cr_assert_eq(atomic_file_open(&file, "/dev/null"), 0);
    cr_assert_eq(atomic_file_open(&same, "/dev/null"), 0);
    cr_assert_not(atomic_file_same(&file, &same), "a device takes any number");
    atomic_file_discard(&same);
    atomic_file_discard(&file);
}
