#include "net/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char place[] = "/tmp/file-draft-XXXXXX";
static struct file_draft draft;

static void enter(void)
{
    cr_assert_not_null(mkdtemp(place));
    cr_assert_eq(chdir(place), 0);
}

static void leave(void)
{
    unlink("report");
    unlink("other");
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
    cr_assert_eq(file_draft_open(&draft, "report"), 0);
    fputs(text, draft.out);
    cr_assert_eq(file_draft_keep(&draft), 0);
}

TestSuite(net_file_draft, .init = enter, .fini = leave, .timeout = 10);

Test(net_file_draft, appears_when_it_is_kept_and_not_before)
{
    cr_assert_eq(file_draft_open(&draft, "report"), 0);
    fputs("whole", draft.out);
    fflush(draft.out);
    cr_assert_neq(access("report", F_OK), 0);
    cr_assert_eq(file_draft_keep(&draft), 0);
    expect_text("report", "whole");
}

Test(net_file_draft, leaves_what_was_there_when_it_is_discarded)
{
    make_report("old");
    cr_assert_eq(file_draft_open(&draft, "report"), 0);
    fputs("new", draft.out);
    file_draft_discard(&draft);
    file_draft_discard(&draft);
    expect_text("report", "old");
}

Test(net_file_draft, replaces_what_was_there_and_keeps_its_mode)
{
    struct stat status;
    make_report("old");
    cr_assert_eq(chmod("report", 0640), 0);
    make_report("new");
    expect_text("report", "new");
    cr_assert_eq(stat("report", &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0640);
}

Test(net_file_draft, has_the_mode_that_the_umask_gives)
{
    struct stat status;
    umask(027);
    make_report("new");
    cr_assert_eq(stat("report", &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0640);
}

Test(net_file_draft, follows_a_link_to_its_place)
{
    struct stat status;
    make_report("old");
    cr_assert_eq(symlink("report", "other"), 0);
    cr_assert_eq(file_draft_open(&draft, "other"), 0);
    fputs("new", draft.out);
    cr_assert_eq(file_draft_keep(&draft), 0);
    expect_text("report", "new");
    cr_assert_eq(lstat("other", &status), 0);
    cr_assert(S_ISLNK(status.st_mode), "the link is no link any more");
}

Test(net_file_draft, tells_one_place_of_two_names)
{
    struct file_draft same;
    cr_assert_eq(file_draft_open(&draft, "report"), 0);
    cr_assert_eq(file_draft_open(&same, "./report"), 0);
    cr_assert_str_eq(draft.place, same.place);
    file_draft_discard(&draft);
    file_draft_discard(&same);
}

Test(net_file_draft, takes_a_name_as_long_as_names_can_be)
{
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    cr_assert_eq(file_draft_open(&draft, name), 0);
    fputs("long", draft.out);
    cr_assert_eq(file_draft_keep(&draft), 0);
    expect_text(name, "long");
    cr_assert_eq(unlink(name), 0);
}

/* Killed in the middle; some file systems can't do that. */
Test(net_file_draft, leaves_nothing_behind_when_it_is_forgotten)
{
    int fd = open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        cr_skip_test("this file system makes no files without names");
    close(fd);
    pid_t child = fork();
    if (child == 0) {
        file_draft_open(&draft, "report");
        fputs("half", draft.out);
        fflush(draft.out);
        _exit(draft.beside != NULL);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(net_file_draft, says_at_once_that_it_cannot_be_written)
{
    cr_assert_eq(file_draft_open(&draft, "missing/report"), -ENOENT);
    cr_assert_null(draft.out);
    file_draft_discard(&draft);
    cr_assert_eq(file_draft_open(&draft, "."), -EISDIR);
    file_draft_discard(&draft);
}

Test(net_file_draft, writes_a_device_in_place_and_tells_its_errors)
{
    cr_assert_eq(file_draft_open(&draft, "/dev/full"), 0);
    cr_assert_null(draft.place);
    fputs("x", draft.out);
    cr_assert_eq(file_draft_keep(&draft), -ENOSPC);
    cr_assert_null(draft.out);
}
