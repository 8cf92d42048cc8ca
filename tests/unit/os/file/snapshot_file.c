/* Tests of os/file/snapshot_file: the steps of a snapshot in the thread of the file, their errors,
 * and a stop at any step. */
#include "os/file/snapshot_file.h"

#include "os/file/file.h"
#include "os/loop/event_loop.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of the test, which is its working directory. */
static char directory[] = "/tmp/udpsrv-test-XXXXXX";
static struct loop *loop;
static struct mailbox *mailbox;
static struct snapshot_file *snapshot;
static int done; /* steps that have come back */

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
    loop = loop_new();
    mailbox = mailbox_new(loop);
    cr_assert_not_null(mailbox);
}

static void leave(void)
{
    snapshot_file_stop(snapshot);
    mailbox_free(mailbox);
    snapshot_file_free(snapshot);
    loop_free(loop);
    unlink("state");
    unlink("other");
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(directory), 0, "something was left: %s", strerror(errno));
}

TestSuite(snapshot_file, .init = enter, .fini = leave, .timeout = 20);

static void open_snapshot(const char *path)
{
    cr_assert_eq(snapshot_file_new(&snapshot, path, mailbox), 0);
}

static void on_done(struct snapshot_write *write)
{
    (void)write;
    done++;
    loop_stop(loop);
}

/* Has the thread do a step, and returns its result. */
static int run(enum snapshot_step step, const char *text)
{
    struct snapshot_write write = {
        .step = step, .bytes = text, .size = text != NULL ? strlen(text) : 0, .done = on_done};
    int before = done;
    snapshot_file_post(snapshot, &write);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(done, before + 1);
    return write.error;
}

static void expect_text(const char *expected)
{
    char *text;
    size_t size;
    cr_assert_eq(file_read("state", 1000, &text, &size), 0);
    cr_assert_str_eq(text, expected);
    free(text);
}

static void write_old(mode_t mode)
{
    FILE *file = fopen("state", "we");
    cr_assert_geq(fputs("old", file), 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod("state", mode), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat found;
    cr_assert_eq(stat(path, &found), 0);
    return found.st_mode & 07777;
}

/* The number of files in the directory. */
static int count_files(void)
{
    DIR *here = opendir(".");
    int count = -2; /* . and .. */
    while (readdir(here) != NULL)
        count++;
    closedir(here);
    return count;
}

Test(snapshot_file, appears_when_it_is_committed_and_not_before)
{
    open_snapshot("state");
    cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), 0);
    cr_assert_eq(run(SNAPSHOT_ADD, "one "), 0);
    cr_assert_eq(run(SNAPSHOT_ADD, "two"), 0);
    cr_assert_neq(access("state", F_OK), 0);
    cr_assert_eq(run(SNAPSHOT_COMMIT, NULL), 0);
    expect_text("one two");
    cr_assert_eq(count_files(), 1);
}

Test(snapshot_file, is_readable_and_writable_for_its_owner_only)
{
    umask(0);
    open_snapshot("state");
    run(SNAPSHOT_BEGIN, NULL);
    run(SNAPSHOT_COMMIT, NULL);
    cr_assert_eq(mode_of("state"), 0600);
    write_old(0644);
    run(SNAPSHOT_BEGIN, NULL);
    run(SNAPSHOT_COMMIT, NULL);
    cr_assert_eq(mode_of("state"), 0600, "also in place of one that others could read");
}

Test(snapshot_file, replaces_the_one_before_as_a_whole)
{
    struct stat before, after;
    write_old(0600);
    cr_assert_eq(stat("state", &before), 0);
    open_snapshot("state");
    for (int i = 0; i < 3; i++) {
        char text[] = {'n', 'e', 'w', (char)('0' + i), '\0'};
        run(SNAPSHOT_BEGIN, NULL);
        run(SNAPSHOT_ADD, text);
        cr_assert_eq(run(SNAPSHOT_COMMIT, NULL), 0);
        expect_text(text);
    }
    cr_assert_eq(stat("state", &after), 0);
    cr_assert_neq(before.st_ino, after.st_ino, "a reader of the old file has all of that");
}

Test(snapshot_file, that_is_discarded_leaves_the_one_before)
{
    write_old(0600);
    open_snapshot("state");
    run(SNAPSHOT_BEGIN, NULL);
    run(SNAPSHOT_ADD, "new");
    cr_assert_eq(run(SNAPSHOT_DISCARD, NULL), 0);
    expect_text("old");
    cr_assert_eq(run(SNAPSHOT_DISCARD, NULL), 0, "nothing is begun");
    cr_assert_eq(count_files(), 1);
}

Test(snapshot_file, that_is_begun_again_discards_what_was_begun)
{
    open_snapshot("state");
    run(SNAPSHOT_BEGIN, NULL);
    run(SNAPSHOT_ADD, "first");
    run(SNAPSHOT_BEGIN, NULL);
    run(SNAPSHOT_ADD, "second");
    cr_assert_eq(run(SNAPSHOT_COMMIT, NULL), 0);
    expect_text("second");
}

Test(snapshot_file, in_a_directory_that_does_not_exist_fails_until_that_exists)
{
    open_snapshot("made-later/state");
    cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), -ENOENT);
    cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), -ENOENT);
    cr_assert_eq(mkdir("made-later", 0700), 0);
    cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), 0);
    cr_assert_eq(run(SNAPSHOT_COMMIT, NULL), 0);
    cr_assert_eq(unlink("made-later/state"), 0);
    cr_assert_eq(rmdir("made-later"), 0);
}

Test(snapshot_file, whose_path_is_a_directory_fails)
{
    open_snapshot(".");
    cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), -EISDIR);
}

Test(snapshot_file, whose_directory_is_removed_meanwhile_fails_at_its_end)
{
    cr_assert_eq(mkdir("removed", 0700), 0);
    open_snapshot("removed/state");
    cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), 0);
    cr_assert_eq(run(SNAPSHOT_ADD, "new"), 0);
    if (rmdir("removed") != 0) { /* the new file has a name already on this file system */
        run(SNAPSHOT_DISCARD, NULL);
        rmdir("removed");
        cr_skip_test("the file system has no files without a name");
    }
    cr_assert_eq(run(SNAPSHOT_COMMIT, NULL), -ENOENT);
}

Test(snapshot_file, that_was_not_begun_fails_at_each_step)
{
    write_old(0600);
    open_snapshot("state");
    cr_assert_eq(run(SNAPSHOT_ADD, "new"), -EBADF);
    cr_assert_eq(run(SNAPSHOT_COMMIT, NULL), -EBADF);
    expect_text("old");
}

/* A limit of the size of files is an error as a full disk is. */
Test(snapshot_file, that_cannot_be_written_is_discarded_and_the_next_one_begins_anew)
{
    enum { BYTES = 1 << 20 };
    static char text[BYTES + 1];
    const struct rlimit small = {.rlim_cur = 1000, .rlim_max = RLIM_INFINITY};
    memset(text, 'x', BYTES);
    signal(SIGXFSZ, SIG_IGN);
    write_old(0600);
    open_snapshot("state");
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), 0);
        cr_assert_eq(run(SNAPSHOT_ADD, text), -EFBIG);
        cr_assert_eq(run(SNAPSHOT_ADD, "x"), -EBADF, "nothing is begun");
    }
    text[2000] = '\0';
    cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), 0);
    cr_assert_eq(run(SNAPSHOT_ADD, text), 0, "it is in a buffer still");
    cr_assert_eq(run(SNAPSHOT_COMMIT, NULL), -EFBIG);
    expect_text("old");
    cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), 0);
    cr_assert_eq(run(SNAPSHOT_ADD, "new"), 0);
    cr_assert_eq(run(SNAPSHOT_COMMIT, NULL), 0);
    expect_text("new");
    cr_assert_eq(count_files(), 1);
}

Test(snapshot_file, does_not_write_to_a_pipe_or_a_device)
{
    struct stat before, after;
    cr_assert_eq(mkfifo("state", 0644), 0);
    open_snapshot("state");
    cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), -EINVAL, "without waiting for a reader");
    cr_assert_eq(mode_of("state"), 0644);
    snapshot_file_free(snapshot);
    cr_assert_eq(stat("/dev/null", &before), 0);
    open_snapshot("/dev/null");
    cr_assert_eq(run(SNAPSHOT_BEGIN, NULL), -EINVAL);
    cr_assert_eq(stat("/dev/null", &after), 0);
    cr_assert_eq(before.st_mode, after.st_mode);
}

Test(snapshot_file, that_is_stopped_at_any_step_leaves_the_one_before_and_nothing_else)
{
    write_old(0600);
    for (int steps = 0; steps <= 2; steps++) {
        open_snapshot("state");
        if (steps > 0)
            run(SNAPSHOT_BEGIN, NULL);
        if (steps > 1)
            run(SNAPSHOT_ADD, "new");
        snapshot_file_stop(snapshot);
        snapshot_file_stop(snapshot);
        snapshot_file_free(snapshot);
        snapshot = NULL;
        expect_text("old");
        cr_assert_eq(count_files(), 1);
    }
}

Test(snapshot_file, a_step_that_was_posted_before_the_stop_is_done_and_comes_back)
{
    struct snapshot_write write = {.step = SNAPSHOT_BEGIN, .done = on_done};
    open_snapshot("state");
    snapshot_file_post(snapshot, &write);
    snapshot_file_stop(snapshot);
    mailbox_handle_all(mailbox);
    cr_assert_eq(done, 1);
    cr_assert_eq(write.error, 0);
}

Test(snapshot_file, is_written_by_the_caller_after_the_stop)
{
    open_snapshot("state");
    run(SNAPSHOT_BEGIN, NULL);
    run(SNAPSHOT_ADD, "of the thread");
    snapshot_file_stop(snapshot);
    cr_assert_eq(snapshot_file_do(snapshot, SNAPSHOT_BEGIN, NULL, 0), 0);
    cr_assert_eq(snapshot_file_do(snapshot, SNAPSHOT_ADD, "the last", 8), 0);
    cr_assert_eq(snapshot_file_do(snapshot, SNAPSHOT_COMMIT, NULL, 0), 0);
    expect_text("the last");
    cr_assert_eq(mode_of("state"), 0600);
}

Test(snapshot_file, that_does_not_exist_may_be_stopped_and_freed)
{
    snapshot_file_stop(NULL);
    snapshot_file_free(NULL);
}
