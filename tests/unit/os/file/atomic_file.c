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

static char place[] = "/tmp/file-draft-XXXXXX";
static struct atomic_file draft;

static void enter(void)
{
    cr_assert_not_null(mkdtemp(place));
    cr_assert_eq(chdir(place), 0);
}

static void leave(void)
{
    unlink("report");
    unlink("other");
    unlink("real");
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(place), 0, "something was left: %s", strerror(errno));
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
    cr_assert_eq(atomic_file_open(&draft, "report"), 0);
    fputs(text, draft.out);
    cr_assert_eq(atomic_file_commit(&draft), 0);
}

TestSuite(atomic_file, .init = enter, .fini = leave, .timeout = 10);

Test(atomic_file, appears_when_it_is_kept_and_not_before)
{
    cr_assert_eq(atomic_file_open(&draft, "report"), 0);
    fputs("whole", draft.out);
    fflush(draft.out);
    cr_assert_neq(access("report", F_OK), 0);
    cr_assert_eq(atomic_file_commit(&draft), 0);
    expect_text("report", "whole");
}

Test(atomic_file, leaves_what_was_there_when_it_is_discarded)
{
    make_report("old");
    cr_assert_eq(atomic_file_open(&draft, "report"), 0);
    fputs("new", draft.out);
    atomic_file_discard(&draft);
    atomic_file_discard(&draft);
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

Test(atomic_file, follows_a_link_to_its_place)
{
    struct stat status;
    make_report("old");
    cr_assert_eq(symlink("report", "other"), 0);
    cr_assert_eq(atomic_file_open(&draft, "other"), 0);
    fputs("new", draft.out);
    cr_assert_eq(atomic_file_commit(&draft), 0);
    expect_text("report", "new");
    cr_assert_eq(lstat("other", &status), 0);
    cr_assert(S_ISLNK(status.st_mode), "the link is no link any more");
}

Test(atomic_file, tells_one_place_of_two_names)
{
    struct atomic_file same;
    cr_assert_eq(atomic_file_open(&draft, "report"), 0);
    cr_assert_eq(atomic_file_open(&same, "./report"), 0);
    cr_assert_str_eq(draft.place, same.place);
    atomic_file_discard(&draft);
    atomic_file_discard(&same);
}

Test(atomic_file, takes_a_name_as_long_as_names_can_be)
{
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    cr_assert_eq(atomic_file_open(&draft, name), 0);
    fputs("long", draft.out);
    cr_assert_eq(atomic_file_commit(&draft), 0);
    expect_text(name, "long");
    cr_assert_eq(unlink(name), 0);
}

/* Killed in the middle; some file systems can't do that. */
Test(atomic_file, leaves_nothing_behind_when_it_is_forgotten)
{
    int fd = open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        cr_skip_test("this file system makes no files without names");
    close(fd);
    pid_t child = fork();
    if (child == 0) {
        atomic_file_open(&draft, "report");
        fputs("half", draft.out);
        fflush(draft.out);
        _exit(draft.beside != NULL);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(atomic_file, says_at_once_that_it_cannot_be_written)
{
    cr_assert_eq(atomic_file_open(&draft, "missing/report"), -ENOENT);
    cr_assert_null(draft.out);
    atomic_file_discard(&draft);
    cr_assert_eq(atomic_file_open(&draft, "."), -EISDIR);
    atomic_file_discard(&draft);
}

Test(atomic_file, writes_a_device_in_place_and_tells_its_errors)
{
    cr_assert_eq(atomic_file_open(&draft, "/dev/full"), 0);
    cr_assert_null(draft.place);
    fputs("x", draft.out);
    cr_assert_eq(atomic_file_commit(&draft), -ENOSPC);
    cr_assert_null(draft.out);
}

/* ---- Where a rename would be wrong, or can't be ---- */

static ino_t inode_of(const char *path)
{
    struct stat status;
    cr_assert_eq(stat(path, &status), 0, "%s: %s", path, strerror(errno));
    return status.st_ino;
}

/* Writes over what is there: the file stays, its text goes. */
static void expect_written_over(const char *path)
{
    ino_t before = inode_of(path);
    cr_assert_eq(atomic_file_open(&draft, path), 0, "%s", strerror(errno));
    fputs("new", draft.out);
    fflush(draft.out);
    expect_text(path, "a longer old one");
    cr_assert_eq(atomic_file_commit(&draft), 0);
    expect_text(path, "new");
    cr_assert_eq(inode_of(path), before);
}

Test(atomic_file, keeps_the_other_names_of_a_file)
{
    make_report("a longer old one");
    cr_assert_eq(link("report", "other"), 0);
    expect_written_over("report");
    expect_text("other", "new");
}

Test(atomic_file, leaves_a_file_with_other_names_as_it_was_when_it_is_discarded)
{
    make_report("old");
    cr_assert_eq(link("report", "other"), 0);
    cr_assert_eq(atomic_file_open(&draft, "report"), 0);
    fputs("new", draft.out);
    atomic_file_discard(&draft);
    expect_text("other", "old");
}

static void be_nobody(void)
{
    if (geteuid() != 0)
        cr_skip_test("only root can make what belongs to others");
    cr_assert_eq(setegid(65534), 0);
    cr_assert_eq(seteuid(65534), 0);
}

static void be_root(void)
{
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(setegid(0), 0);
}

Test(atomic_file, writes_a_file_over_in_a_directory_that_is_closed)
{
    make_report("a longer old one");
    cr_assert_eq(chmod("report", 0666), 0);
    cr_assert_eq(chmod(".", 0555), 0);
    be_nobody();
    expect_written_over("report");
    cr_assert_eq(atomic_file_open(&draft, "other"), -EACCES, "a new one can't be made there");
    be_root();
}

/* As in /tmp, where a name can be removed by its owner only, which shows when it is kept. */
Test(atomic_file, writes_a_file_of_somebody_else_over)
{
    make_report("a longer old one");
    cr_assert_eq(chmod("report", 0666), 0);
    cr_assert_eq(chmod(".", 01777), 0);
    be_nobody();
    expect_written_over("report");
    be_root();
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

Test(atomic_file, writes_a_file_over_that_is_a_mount_of_its_own)
{
    enter_mounts();
    make_report("a longer old one");
    cr_assert_eq(atomic_file_open(&draft, "other"), 0);
    cr_assert_eq(atomic_file_commit(&draft), 0);
    cr_assert_eq(mount("report", "other", "none", MS_BIND, NULL), 0, "%s", strerror(errno));
    expect_written_over("other");
    expect_text("report", "new");
    cr_assert_eq(umount("other"), 0);
}

/* A disk of 64 kB, of which a draft in memory wants more than is left. */
Test(atomic_file, leaves_a_file_as_it_was_when_the_disk_is_full)
{
    enter_mounts();
    cr_assert_eq(mkdir("other", 0700), 0);
    cr_assert_eq(mount("none", "other", "tmpfs", 0, "size=64k"), 0, "%s", strerror(errno));
    cr_assert_eq(chdir("other"), 0);
    make_report("old");
    cr_assert_eq(link("report", "link"), 0);
    cr_assert_eq(atomic_file_open(&draft, "report"), 0);
    for (int i = 0; i < 100000; i++)
        fputc('x', draft.out);
    cr_assert_eq(atomic_file_commit(&draft), -ENOSPC);
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

Test(atomic_file, says_where_a_link_leads_nowhere)
{
    cr_assert_eq(symlink("missing/real", "report"), 0);
    cr_assert_eq(atomic_file_open(&draft, "report"), -ENOENT);
    cr_assert_eq(symlink("other", "other"), 0);
    cr_assert_eq(atomic_file_open(&draft, "other"), -ELOOP);
    cr_assert_eq(atomic_file_open(&draft, ""), -ENOENT);
    cr_assert_eq(atomic_file_open(&draft, "report/"), -EISDIR);
}

/* As the shell's: { udpload --json /dev/fd/3; } 3>log, behind what was written there before. */
static void write_through(const char *directory, int number)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%d", directory, number);
    cr_assert_eq(atomic_file_open(&draft, path), 0, "%s: %s", path, strerror(errno));
    fputs("new ", draft.out);
    cr_assert_eq(atomic_file_commit(&draft), 0);
}

Test(atomic_file, writes_through_a_descriptor_behind_what_is_there)
{
    int fd = open("report", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_eq(write(fd, "old ", 4), 4);
    write_through("/dev/fd", fd);
    write_through("/proc/self/fd", fd);
    cr_assert_eq(write(fd, "end", 3), 3);
    close(fd);
    expect_text("report", "old new new end");
}

Test(atomic_file, says_that_a_descriptor_takes_nothing)
{
    char path[64];
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    cr_assert_eq(atomic_file_open(&draft, path), -EBADF);
    close(fd);
    cr_assert_eq(atomic_file_open(&draft, path), -EBADF);
}

Test(atomic_file, tells_one_file_of_two_names)
{
    struct atomic_file same;
    make_report("old");
    cr_assert_eq(link("report", "other"), 0);
    cr_assert_eq(atomic_file_open(&draft, "report"), 0);
    cr_assert_eq(atomic_file_open(&same, "other"), 0);
    cr_assert(atomic_file_same(&draft, &same));
    atomic_file_discard(&same);
    cr_assert_eq(atomic_file_open(&same, "real"), 0);
    cr_assert_not(atomic_file_same(&draft, &same));
    atomic_file_discard(&same);
    atomic_file_discard(&draft);
    cr_assert_eq(atomic_file_open(&draft, "/dev/null"), 0);
    cr_assert_eq(atomic_file_open(&same, "/dev/null"), 0);
    cr_assert_not(atomic_file_same(&draft, &same), "a device takes any number");
    atomic_file_discard(&same);
    atomic_file_discard(&draft);
}
