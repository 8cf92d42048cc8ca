/* Tests of os/file/state_file_writer: the steps of a file in the thread of the writer, their
 * errors, the lock, and a stop at any step. */
#include "os/file/state_file_writer.h"

#include "os/file/file.h"
#include "os/loop/event_loop.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
static struct state_file_writer *writer;
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
    state_file_writer_stop(writer);
    mailbox_free(mailbox);
    state_file_writer_free(writer);
    loop_free(loop);
    unlink("state");
    unlink("state.lock");
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(directory), 0, "something was left: %s", strerror(errno));
}

TestSuite(state_file_writer, .init = enter, .fini = leave, .timeout = 20);

static void start(void)
{
    cr_assert_eq(state_file_writer_start(writer, mailbox), 0);
}

static void open_writer(const char *path)
{
    cr_assert_eq(state_file_writer_new(&writer, path), 0);
    start();
}

/* Opens one that cannot take its lock at this time. */
static void open_without_lock(const char *path, int error)
{
    cr_assert_eq(state_file_writer_new(&writer, path), error);
    cr_assert_not_null(writer);
    cr_assert_eq(state_file_writer_check(writer), error);
    start();
}

static void close_writer(void)
{
    state_file_writer_stop(writer);
    state_file_writer_free(writer);
    writer = NULL;
}

static void on_done(struct state_file_write *write)
{
    (void)write;
    done++;
    loop_stop(loop);
}

/* Has the thread do a step, and returns its result. */
static int run(enum state_file_step step, const char *text)
{
    struct state_file_write write = {
        .step = step, .bytes = text, .size = text != NULL ? strlen(text) : 0, .done = on_done};
    int before = done;
    state_file_writer_post(writer, &write);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    cr_assert_eq(done, before + 1);
    return write.error;
}

static void expect_text_of(const char *path, const char *expected)
{
    char *text;
    size_t size;
    cr_assert_eq(file_read(path, 1000, &text, &size), 0);
    cr_assert_str_eq(text, expected);
    free(text);
}

static void expect_text(const char *expected)
{
    expect_text_of("state", expected);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "we");
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat found;
    cr_assert_eq(stat(path, &found), 0);
    return found.st_mode & 07777;
}

/* The number of files in the directory, without the lock. */
static int count_files(void)
{
    DIR *here = opendir(".");
    int count = -2; /* . and .. */
    for (const struct dirent *file; (file = readdir(here)) != NULL;)
        count += strcmp(file->d_name, "state.lock") != 0;
    closedir(here);
    return count;
}

Test(state_file_writer, appears_when_it_is_committed_and_not_before)
{
    open_writer("state");
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
    cr_assert_eq(run(STATE_FILE_ADD, "one "), 0);
    cr_assert_eq(run(STATE_FILE_ADD, "two"), 0);
    cr_assert_neq(access("state", F_OK), 0);
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), 0);
    expect_text("one two");
    cr_assert_eq(count_files(), 1);
}

Test(state_file_writer, is_readable_and_writable_for_its_owner_only)
{
    umask(0);
    open_writer("state");
    run(STATE_FILE_BEGIN, NULL);
    run(STATE_FILE_COMMIT, NULL);
    cr_assert_eq(mode_of("state"), 0600);
    write_file("state", "old", 0644);
    run(STATE_FILE_BEGIN, NULL);
    run(STATE_FILE_COMMIT, NULL);
    cr_assert_eq(mode_of("state"), 0600, "also in place of one that others could read");
}

Test(state_file_writer, replaces_the_one_before_as_a_whole)
{
    char text[4] = "";
    write_file("state", "old", 0600);
    int old = open("state", O_RDONLY | O_CLOEXEC);
    open_writer("state");
    for (int i = 0; i < 3; i++) {
        char new[] = {'n', 'e', 'w', (char)('0' + i), '\0'};
        run(STATE_FILE_BEGIN, NULL);
        run(STATE_FILE_ADD, new);
        cr_assert_eq(run(STATE_FILE_COMMIT, NULL), 0);
        expect_text(new);
    }
    cr_assert_eq(read(old, text, sizeof text), 3);
    cr_assert_str_eq(text, "old", "a reader of the old file has all of that");
    close(old);
}

Test(state_file_writer, that_is_discarded_leaves_the_one_before)
{
    write_file("state", "old", 0600);
    open_writer("state");
    run(STATE_FILE_BEGIN, NULL);
    run(STATE_FILE_ADD, "new");
    cr_assert_eq(run(STATE_FILE_DISCARD, NULL), 0);
    expect_text("old");
    cr_assert_eq(run(STATE_FILE_DISCARD, NULL), 0, "nothing is begun");
    cr_assert_eq(count_files(), 1);
}

Test(state_file_writer, that_is_begun_again_discards_what_was_begun)
{
    open_writer("state");
    run(STATE_FILE_BEGIN, NULL);
    run(STATE_FILE_ADD, "first");
    run(STATE_FILE_BEGIN, NULL);
    run(STATE_FILE_ADD, "second");
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), 0);
    expect_text("second");
}

Test(state_file_writer, in_a_directory_that_does_not_exist_fails_until_that_exists)
{
    open_without_lock("made-later/state", -ENOENT);
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), -ENOENT);
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), -ENOENT);
    cr_assert_eq(mkdir("made-later", 0700), 0);
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), 0);
    cr_assert_eq(unlink("made-later/state"), 0);
    cr_assert_eq(unlink("made-later/state.lock"), 0);
    cr_assert_eq(rmdir("made-later"), 0);
}

Test(state_file_writer, whose_path_is_a_directory_fails_at_its_end)
{
    cr_assert_eq(mkdir("state", 0700), 0);
    open_writer("state");
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), -EISDIR);
    cr_assert_eq(count_files(), 1);
    cr_assert_eq(rmdir("state"), 0, "it stays");
}

Test(state_file_writer, replaces_a_new_file_that_a_crash_has_left)
{
    write_file("state.new", "left", 0644);
    write_file("state", "old", 0600);
    open_writer("state");
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
    cr_assert_eq(mode_of("state.new"), 0600);
    cr_assert_eq(run(STATE_FILE_ADD, "new"), 0);
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), 0);
    expect_text("new");
    cr_assert_eq(count_files(), 1);
}

/* Neither is what the links lead to. */
Test(state_file_writer, replaces_links_at_its_path_and_at_that_of_the_new_file)
{
    write_file("other", "other", 0600);
    cr_assert_eq(symlink("other", "state.new"), 0);
    cr_assert_eq(symlink("other", "state"), 0);
    open_writer("state");
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
    cr_assert_eq(run(STATE_FILE_ADD, "new"), 0);
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), 0);
    expect_text("new");
    expect_text_of("other", "other");
    cr_assert_eq(unlink("other"), 0);
}

Test(state_file_writer, with_a_directory_in_place_of_the_new_file_fails_until_that_is_removed)
{
    cr_assert_eq(mkdir("state.new", 0700), 0);
    cr_assert_eq(state_file_writer_new(&writer, "state"), 0);
    cr_assert_eq(state_file_writer_check(writer), -EISDIR);
    start();
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), -EISDIR);
    cr_assert_eq(rmdir("state.new"), 0, "it stays");
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), 0);
}

Test(state_file_writer, whose_new_file_is_removed_meanwhile_fails_at_its_end)
{
    write_file("state", "old", 0600);
    open_writer("state");
    run(STATE_FILE_BEGIN, NULL);
    run(STATE_FILE_ADD, "new");
    cr_assert_eq(unlink("state.new"), 0);
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), -ENOENT);
    expect_text("old");
}

Test(state_file_writer, that_was_not_begun_fails_at_each_step)
{
    write_file("state", "old", 0600);
    open_writer("state");
    cr_assert_eq(run(STATE_FILE_ADD, "new"), -EBADF);
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), -EBADF);
    expect_text("old");
}

Test(state_file_writer, whose_path_is_too_long_is_refused)
{
    static char path[PATH_MAX];
    memset(path, 'a', sizeof path - 1);
    open_without_lock(path, -ENAMETOOLONG);
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), -ENAMETOOLONG);
    close_writer();
    path[sizeof path - sizeof STATE_FILE_DRAFT] = '\0'; /* the lock has no room only */
    open_without_lock(path, -ENAMETOOLONG);
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), -ENAMETOOLONG);
}

/* ---- the lock ---- */

Test(state_file_writer, has_the_lock_until_it_is_freed)
{
    struct state_file_writer *second;
    open_writer("state");
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(state_file_writer_new(&second, "state"), -EWOULDBLOCK);
        cr_assert_not_null(second);
        cr_assert_eq(state_file_writer_check(second), -EWOULDBLOCK);
        state_file_writer_free(second);
    }
    cr_assert_eq(mode_of("state.lock"), 0600);
    close_writer();
    cr_assert_eq(access("state.lock", F_OK), 0, "it stays");
    open_writer("state");
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
}

Test(state_file_writer, without_the_lock_touches_no_file_until_it_is_free)
{
    struct state_file_writer *first;
    cr_assert_eq(state_file_writer_new(&first, "state"), 0);
    write_file("state.new", "of the first one", 0600);
    open_without_lock("state", -EWOULDBLOCK);
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), -EWOULDBLOCK);
    cr_assert_eq(run(STATE_FILE_DISCARD, NULL), 0);
    expect_text_of("state.new", "of the first one");
    state_file_writer_free(first);
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
    cr_assert_eq(run(STATE_FILE_ADD, "second"), 0);
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), 0);
    expect_text("second");
}

Test(state_file_writer, takes_no_lock_behind_a_link_and_none_of_a_directory)
{
    cr_assert_eq(symlink("other", "state.lock"), 0);
    open_without_lock("state", -ELOOP);
    cr_assert_neq(access("other", F_OK), 0);
    close_writer();
    cr_assert_eq(unlink("state.lock"), 0);
    cr_assert_eq(mkdir("state.lock", 0700), 0);
    open_without_lock("state", -EISDIR);
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), -EISDIR);
    cr_assert_eq(rmdir("state.lock"), 0);
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
}

/* ---- errors and stops ---- */

/* A limit of the size of files is an error as a full disk is. */
Test(state_file_writer, that_cannot_be_written_is_discarded_and_the_next_one_begins_anew)
{
    enum { BYTES = 1 << 20 };
    static char text[BYTES + 1];
    const struct rlimit small = {.rlim_cur = 1000, .rlim_max = RLIM_INFINITY};
    memset(text, 'x', BYTES);
    signal(SIGXFSZ, SIG_IGN);
    write_file("state", "old", 0600);
    open_writer("state");
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
        cr_assert_eq(run(STATE_FILE_ADD, text), -EFBIG);
        cr_assert_eq(run(STATE_FILE_ADD, "x"), -EBADF, "nothing is begun");
    }
    expect_text("old");
    cr_assert_eq(run(STATE_FILE_BEGIN, NULL), 0);
    cr_assert_eq(run(STATE_FILE_ADD, "new"), 0);
    cr_assert_eq(run(STATE_FILE_COMMIT, NULL), 0);
    expect_text("new");
    cr_assert_eq(count_files(), 1);
}

Test(state_file_writer, that_is_stopped_at_any_step_leaves_the_one_before_and_nothing_else)
{
    write_file("state", "old", 0600);
    for (int steps = 0; steps <= 2; steps++) {
        open_writer("state");
        if (steps > 0)
            run(STATE_FILE_BEGIN, NULL);
        if (steps > 1)
            run(STATE_FILE_ADD, "new");
        state_file_writer_stop(writer);
        close_writer();
        expect_text("old");
        cr_assert_eq(count_files(), 1);
    }
}

Test(state_file_writer, a_step_that_was_posted_before_the_stop_is_done_and_comes_back)
{
    struct state_file_write write = {.step = STATE_FILE_BEGIN, .done = on_done};
    open_writer("state");
    state_file_writer_post(writer, &write);
    state_file_writer_stop(writer);
    mailbox_handle_all(mailbox);
    cr_assert_eq(done, 1);
    cr_assert_eq(write.error, 0);
}

Test(state_file_writer, can_be_checked_before_its_thread_starts_and_leaves_nothing)
{
    write_file("state", "old", 0600);
    cr_assert_eq(state_file_writer_new(&writer, "state"), 0);
    cr_assert_eq(state_file_writer_check(writer), 0);
    cr_assert_eq(count_files(), 1);
    expect_text("old");
}

Test(state_file_writer, that_does_not_exist_may_be_stopped_and_freed)
{
    state_file_writer_stop(NULL);
    state_file_writer_free(NULL);
}

Test(state_file_writer, a_lock_that_is_handed_over_is_held_until_both_have_closed_it)
{
    struct state_file_writer *first, *second;
    cr_assert_eq(state_file_writer_new(&first, "state"), 0);
    int lock = dup(state_file_writer_lock(first));
    cr_assert_geq(lock, 0);
    state_file_writer_free(first);
    cr_assert_eq(state_file_writer_new_locked(&writer, "state", lock), 0);
    cr_assert_eq(state_file_writer_new(&second, "state"), -EWOULDBLOCK);
    cr_expect_eq(state_file_writer_lock(second), -1);
    state_file_writer_free(second);
    start();
    cr_expect_eq(run(STATE_FILE_BEGIN, NULL), 0);
}

Test(state_file_writer, a_lock_that_is_not_needed_is_released_by_its_close)
{
    struct state_file_writer *first;
    cr_assert_eq(state_file_writer_new(&first, "state"), 0);
    int lock = dup(state_file_writer_lock(first));
    state_file_writer_free(first);
    state_file_writer_close_lock(lock);
    open_writer("state");
}
