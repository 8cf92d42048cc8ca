/* Tests of os/file/journal_file: replacing and appending by its thread, and their errors. */
#include "os/file/journal_file.h"

#include "os/loop/event_loop.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of the test, which is its working directory. */
static char directory[] = "/tmp/udpsrv-test-XXXXXX";
static struct loop *loop;
static struct mailbox *mailbox;
static struct journal_file *file;

static void open_file(void)
{
    cr_assert_eq(journal_file_new(&file, "state"), 0);
    cr_assert_eq(journal_file_start(file, mailbox), 0);
}

static void enter(void)
{
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
    loop = loop_new();
    mailbox = mailbox_new(loop);
    cr_assert_not_null(mailbox);
    open_file();
}

static void leave(void)
{
    journal_file_stop(file);
    mailbox_free(mailbox);
    journal_file_free(file);
    loop_free(loop);
    unlink("state.streams");
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(rmdir(directory), 0, "something was left: %s", strerror(errno));
}

TestSuite(journal_file, .init = enter, .fini = leave, .timeout = 20);

static void on_done(struct journal_write *write)
{
    (void)write;
    loop_stop(loop);
}

/* Has the thread do a step, and returns its result. */
static int run(enum journal_step step, const char *text)
{
    struct journal_write write = {
        .step = step, .bytes = text, .size = strlen(text), .done = on_done};
    journal_file_post(file, &write);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    return write.error;
}

static void expect(const char *contents)
{
    char text[200];
    int fd = open("state.streams", O_RDONLY);
    cr_assert_geq(fd, 0);
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    cr_assert_geq(size, 0);
    text[size] = '\0';
    cr_assert_str_eq(text, contents);
}

Test(journal_file, is_beside_the_state_file)
{
    cr_assert_str_eq(journal_file_path(file), "state.streams");
    cr_assert_neq(access("state.streams", F_OK), 0, "it is not made before it is written");
}

Test(journal_file, is_replaced_and_appended_to)
{
    struct stat found;
    cr_assert_eq(run(JOURNAL_REPLACE, "one."), 0);
    expect("one.");
    cr_assert_eq(run(JOURNAL_APPEND, "two."), 0);
    cr_assert_eq(run(JOURNAL_APPEND, "three."), 0);
    expect("one.two.three.");
    cr_assert_eq(run(JOURNAL_REPLACE, "four."), 0);
    expect("four.");
    cr_assert_eq(run(JOURNAL_APPEND, "five."), 0);
    expect("four.five.");
    cr_assert_eq(stat("state.streams", &found), 0);
    cr_assert_eq(found.st_mode & 0777, 0600);
}

Test(journal_file, is_not_appended_to_before_this_process_has_replaced_it)
{
    cr_assert_eq(run(JOURNAL_APPEND, "one."), -EBADF);
    cr_assert_eq(run(JOURNAL_REPLACE, "one."), 0);
    journal_file_stop(file);
    journal_file_free(file);
    open_file();
    cr_assert_eq(run(JOURNAL_APPEND, "two."), -EBADF);
    expect("one.");
}

Test(journal_file, a_draft_that_a_crash_has_left_is_replaced)
{
    close(open("state.streams.new", O_CREAT | O_WRONLY, 0666));
    cr_assert_eq(run(JOURNAL_REPLACE, "one."), 0);
    expect("one.");
    cr_assert_neq(access("state.streams.new", F_OK), 0);
}

Test(journal_file, an_error_keeps_the_old_file_and_leaves_no_draft)
{
    cr_assert_eq(run(JOURNAL_REPLACE, "one."), 0);
    cr_assert_eq(rename("state.streams", "kept"), 0);
    cr_assert_eq(mkdir("state.streams", 0700), 0);
    cr_assert_lt(run(JOURNAL_REPLACE, "two."), 0);
    cr_assert_neq(access("state.streams.new", F_OK), 0);
    cr_assert_eq(run(JOURNAL_APPEND, "three."), -EBADF, "after an error");
    cr_assert_eq(rmdir("state.streams"), 0);
    cr_assert_eq(rename("kept", "state.streams"), 0);
    expect("one.");
}

Test(journal_file, a_path_that_is_too_long_is_refused)
{
    char path[PATH_MAX];
    struct journal_file *other;
    memset(path, 'p', sizeof path);
    path[PATH_MAX - 8] = '\0';
    cr_assert_eq(journal_file_new(&other, path), -ENAMETOOLONG);
    cr_assert_null(other);
}
