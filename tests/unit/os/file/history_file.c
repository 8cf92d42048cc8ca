/* Tests of the history file: its path and mode, and several programs that write at once. */
#include "os/file/history_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/udpsrv-history-XXXXXX";
static char path[128];
static struct history *history;
static struct history_file file;

static int remove_one(const char *name, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(name);
}

static void begin(void)
{
    cr_assert_not_null(mkdtemp(directory));
    setenv("XDG_STATE_HOME", directory, 1);
    snprintf(path, sizeof path, "%s/udpsrv/history", directory);
    history = history_new();
}

static void end(void)
{
    history_free(history);
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void append(const char *line)
{
    cr_assert_eq(history_file_append(&file, line, strlen(line)), 0);
}

/* Returns how many lines another program reads. */
static size_t count_again(void)
{
    struct history_file again;
    struct history *other = history_new();
    cr_assert_eq(history_file_open(&again, "history", other), 0);
    size_t count = history_count(other);
    history_free(other);
    return count;
}

static mode_t mode_of(const char *name)
{
    struct stat status;
    cr_assert_eq(stat(name, &status), 0);
    return status.st_mode & 0777;
}

TestSuite(history_file, .init = begin, .fini = end, .timeout = 60);

Test(history_file, returns_its_lines_to_the_next_program)
{
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    cr_assert_str_eq(file.path, path);
    append("one");
    append("zwölf");
    struct history *other = history_new();
    cr_assert_eq(history_file_open(&file, "history", other), 0);
    size_t size;
    cr_assert_eq(history_count(other), 2);
    cr_assert_str_eq(history_get(other, 0, &size), "zwölf");
    cr_assert_str_eq(history_get(other, 1, &size), "one");
    history_free(other);
}

Test(history_file, is_readable_only_by_its_owner)
{
    umask(0);
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    cr_assert_eq(mode_of(path), 0600);
    char above[128];
    snprintf(above, sizeof above, "%s/udpsrv", directory);
    cr_assert_eq(mode_of(above), 0700);
    cr_assert_eq(chmod(path, 0644), 0);
    append("one");
    cr_assert_eq(mode_of(path), 0600);
}

Test(history_file, is_in_the_home_directory_unless_xdg_state_home_is_set)
{
    char expected[160];
    setenv("HOME", directory, 1);
    snprintf(expected, sizeof expected, "%s/.local/state/udpsrv/history", directory);
    unsetenv("XDG_STATE_HOME");
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    cr_assert_str_eq(file.path, expected);
    setenv("XDG_STATE_HOME", "relative", 1);
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    cr_assert_str_eq(file.path, expected);
}

Test(history_file, is_not_used_if_there_is_no_directory)
{
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    cr_assert_not(file.kept);
    append("one");
    setenv("XDG_STATE_HOME", "/dev/null", 1);
    cr_assert_lt(history_file_open(&file, "history", history), 0);
    append("one");
}

Test(history_file, reports_a_directory_that_cannot_be_made)
{
    char link[128];
    snprintf(link, sizeof link, "%s/link", directory);
    cr_assert_eq(symlink("nowhere", link), 0);
    setenv("XDG_STATE_HOME", link, 1);
    cr_assert_eq(history_file_open(&file, "history", history), -ENOENT);
    cr_assert_not(file.kept);
}

Test(history_file, follows_no_link)
{
    char other[128];
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    snprintf(other, sizeof other, "%s/other", directory);
    cr_assert_eq(rename(path, other), 0);
    cr_assert_eq(symlink(other, path), 0);
    cr_assert_eq(history_file_append(&file, "one", 3), -ELOOP);
}

Test(history_file, skips_invalid_lines)
{
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    append("");
    append("two\nlines");
    append("\xff");
    append("one");
    cr_assert_eq(count_again(), 1);
}

Test(history_file, is_shortened_when_it_has_grown)
{
    static char line[HISTORY_LINE_MAX + 1];
    struct stat status;
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    memset(line, 'x', HISTORY_LINE_MAX);
    for (int i = 0; i < 60; i++) {
        line[0] = (char)('a' + i % 26);
        append(line);
        cr_assert_eq(stat(path, &status), 0);
        cr_assert_lt(status.st_size, HISTORY_FILE_BYTES_MAX);
    }
    cr_assert_geq(count_again(), HISTORY_BYTES_MAX / HISTORY_LINE_MAX);
    append("the last");
    size_t size;
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    cr_assert_str_eq(history_get(history, 0, &size), "the last");
    cr_assert_eq(mode_of(path), 0600);
}

/* Several programs append lines at the same time. */
Test(history_file, loses_no_line_of_programs_that_write_at_once)
{
    enum { PROGRAMS = 4, LINES = 200 };
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    for (int program = 0; program < PROGRAMS; program++) {
        if (fork() != 0)
            continue;
        for (int i = 0; i < LINES; i++) {
            char line[32];
            int size = snprintf(line, sizeof line, "program %d line %d", program, i);
            if (history_file_append(&file, line, (size_t)size) != 0)
                _exit(1);
        }
        _exit(0);
    }
    for (int program = 0; program < PROGRAMS; program++) {
        int status;
        cr_assert_gt(wait(&status), 0);
        cr_assert_eq(status, 0);
    }
    cr_assert_eq(count_again(), PROGRAMS * LINES);
}

/* The file is shortened repeatedly while other programs append. */
Test(history_file, loses_no_new_line_while_it_is_shortened)
{
    enum { PROGRAMS = 3, LINES = 80, WORD = 12 };
    static char line[HISTORY_LINE_MAX];
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    for (int program = 0; program < PROGRAMS; program++) {
        if (fork() != 0)
            continue;
        memset(line, 'x', sizeof line);
        for (int i = 0; i < LINES; i++) {
            memcpy(line,
                   (char[WORD]){(char)('a' + program), (char)('0' + i / 10), (char)('0' + i % 10)},
                   3);
            if (history_file_append(&file, line, sizeof line) != 0)
                _exit(1);
            char last[32];
            int size = snprintf(last, sizeof last, "mark %d %d", program, i);
            if (history_file_append(&file, last, (size_t)size) != 0)
                _exit(2);
        }
        _exit(0);
    }
    for (int program = 0; program < PROGRAMS; program++) {
        int status;
        cr_assert_gt(wait(&status), 0);
        cr_assert_eq(status, 0);
    }
    struct history *other = history_new();
    cr_assert_eq(history_file_open(&file, "history", other), 0);
    /* Among the lines that are left, those of each program are consecutive. */
    int next[PROGRAMS] = {LINES - 1, LINES - 1, LINES - 1};
    for (size_t age = 0; age < history_count(other); age++) {
        size_t size;
        int program, number;
        const char *text = history_get(other, age, &size);
        if (sscanf(text, "mark %d %d", &program, &number) == 2)
            cr_assert_eq(number, next[program]--, "a line of program %d is missing", program);
    }
    cr_assert_lt(next[0] + next[1] + next[2], PROGRAMS * (LINES - 1) - 3);
    history_free(other);
}

Test(history_file, does_not_wait_forever_for_the_lock)
{
    cr_assert_eq(history_file_open(&file, "history", history), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    cr_assert_eq(history_file_append(&file, "one", 3), -EAGAIN);
    close(fd);
    append("one");
}
