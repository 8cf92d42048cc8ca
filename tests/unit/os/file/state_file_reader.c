/* Tests of os/file/state_file_reader: which files are read, and keeping one aside. */
#include "os/file/state_file_reader.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
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

TestSuite(state_file_reader, .init = enter, .fini = leave, .timeout = 10);

static void write_file(const char *path, const void *bytes, size_t size, mode_t mode)
{
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, mode), 0);
}

/* Reads a file of at most that size to its end, in parts. Returns its size. */
static size_t read_whole(const char *path, uint8_t *bytes, size_t most, size_t part)
{
    struct state_file_reader reader;
    struct state_file_fault fault;
    cr_assert_eq(state_file_reader_open(&reader, path, &fault), 0, "%s", path);
    cr_assert_leq(reader.size, most);
    for (size_t at = 0; at < reader.size; at += part) {
        size_t left = reader.size - at, size = left < part ? left : part;
        cr_assert_eq(state_file_reader_read(&reader, at, bytes + at, size), 0);
    }
    size_t size = reader.size;
    state_file_reader_close(&reader);
    cr_assert_eq(reader.descriptor, -1);
    return size;
}

static void expect_text(const char *path, const char *expected)
{
    uint8_t bytes[100];
    cr_assert_eq(read_whole(path, bytes, sizeof bytes, 3), strlen(expected));
    cr_assert_arr_eq(bytes, expected, strlen(expected));
}

static void expect_fault(const char *path, int error, const struct state_file_fault *expected)
{
    struct state_file_reader reader;
    struct state_file_fault fault = {.why = NULL};
    cr_assert_eq(state_file_reader_open(&reader, path, &fault), error, "expected '%s'",
                 expected->why);
    cr_assert_eq(reader.descriptor, -1, "nothing is open");
    cr_assert_str_eq(fault.why, expected->why);
    cr_assert_str_eq(fault.next, expected->next);
    cr_assert_eq(fault.is_foreign, expected->is_foreign, "%s", expected->why);
}

/* A file that may be kept aside. */
static void expect_refused(int error, const char *why, const char *next)
{
    expect_fault("state", error, &(struct state_file_fault){why, next, false});
}

/* What is no state file, and must stay. */
static void expect_foreign(const char *path, const char *why)
{
    expect_fault(
        path, -EINVAL,
        &(struct state_file_fault){
            why, "name a file in a directory that the server can write, or remove the key", true});
}

Test(state_file_reader, reads_a_file_in_parts_of_any_size)
{
    enum { BYTES = 300000 };
    static const size_t parts[] = {BYTES, 65536, 777};
    uint8_t *written = malloc(BYTES), *bytes = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        written[i] = (uint8_t)(i * 7 + i / 256);
    write_file("state", written, BYTES, 0600);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        memset(bytes, 0, BYTES);
        cr_assert_eq(read_whole("state", bytes, BYTES, parts[i]), BYTES);
        cr_assert_eq(memcmp(bytes, written, BYTES), 0);
    }
    free(bytes);
    free(written);
}

Test(state_file_reader, reads_an_empty_file)
{
    write_file("state", "", 0, 0600);
    expect_text("state", "");
}

Test(state_file_reader, reports_a_file_that_has_become_shorter)
{
    struct state_file_reader reader;
    struct state_file_fault fault;
    uint8_t bytes[4];
    write_file("state", "text", 4, 0600);
    cr_assert_eq(state_file_reader_open(&reader, "state", &fault), 0);
    cr_assert_eq(truncate("state", 2), 0);
    cr_assert_eq(state_file_reader_read(&reader, 0, bytes, 2), 0);
    cr_assert_eq(state_file_reader_read(&reader, 0, bytes, 4), -EIO);
    cr_assert_eq(state_file_reader_read(&reader, 2, bytes, 2), -EIO);
    state_file_reader_close(&reader);
    state_file_reader_close(&reader);
}

Test(state_file_reader, that_is_missing_is_no_fault)
{
    struct state_file_reader reader;
    struct state_file_fault fault;
    cr_assert_eq(state_file_reader_open(&reader, "state", &fault), -ENOENT);
    cr_assert_eq(reader.descriptor, -1);
    cr_assert_eq(state_file_reader_open(&reader, "no-such-directory/state", &fault), -ENOENT);
    cr_assert_eq(reader.descriptor, -1);
}

Test(state_file_reader, may_be_read_by_others)
{
    static const mode_t modes[] = {0600, 0400, 0644, 0444, 0755};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        write_file("state", "text", 4, modes[i]);
        expect_text("state", "text");
        unlink("state");
    }
}

Test(state_file_reader, that_others_can_write_is_refused)
{
    static const mode_t modes[] = {0620, 0602, 0666, 0660};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        write_file("state", "text", 4, modes[i]);
        expect_refused(-EPERM, "its group or others can write it",
                       "take that permission from them (chmod 600)");
    }
}

Test(state_file_reader, of_another_user_is_refused)
{
    write_file("state", "text", 4, 0600);
    if (chown("state", 12345, (gid_t)-1) != 0)
        cr_skip_test("only root can give a file away");
    expect_refused(-EPERM, "it belongs to another user, who can change it",
                   "make root or the user of the server its owner (chown)");
}

Test(state_file_reader, of_root_is_read_by_another_user)
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

Test(state_file_reader, that_is_a_link_is_foreign_and_so_is_one_that_leads_nowhere)
{
    cr_assert_eq(symlink("other", "state"), 0);
    expect_foreign("state", "it is a symbolic link");
    write_file("other", "text", 4, 0600);
    expect_foreign("state", "it is a symbolic link");
    expect_text("other", "text");
}

Test(state_file_reader, that_is_no_regular_file_is_foreign_and_stays)
{
    static const char why[] = "it is not a regular file";
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "state"};
    cr_assert_eq(mkdir("state", 0700), 0);
    expect_foreign("state", why);
    cr_assert_eq(rmdir("state"), 0, "it stays");
    cr_assert_eq(mkfifo("state", 0600), 0);
    expect_foreign("state", why); /* without waiting for a writer */
    cr_assert_eq(unlink("state"), 0, "it stays");
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
    expect_foreign("state", why);
    close(listener);
    expect_foreign("/dev/null", why);
    expect_foreign(".", why);
}

Test(state_file_reader, in_a_path_that_goes_through_a_file_is_refused)
{
    write_file("other", "text", 4, 0600);
    expect_fault(
        "other/state", -ENOTDIR,
        &(struct state_file_fault){"Not a directory", "let the user of the server read it", false});
}

Test(state_file_reader, that_is_kept_aside_replaces_the_last_one)
{
    write_file("state", "first", 5, 0600);
    cr_assert_eq(state_file_keep_aside("state"), 0);
    cr_assert_neq(access("state", F_OK), 0);
    expect_text("state.bad", "first");
    write_file("state", "second", 6, 0644);
    cr_assert_eq(state_file_keep_aside("state"), 0);
    expect_text("state.bad", "second");
}

Test(state_file_reader, that_cannot_be_kept_aside_stays)
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

/* ---- checks without opening ---- */

Test(state_file_reader, checks_what_is_at_a_path)
{
    static const char *const foreign[] = {"state", "other", ".", "/dev/null"};
    static const char *const good[] = {"no", "no-such-directory/state", "state.bad", "state.bad/x"};
    struct state_file_fault fault = {.why = NULL};
    cr_assert_eq(mkdir("state", 0700), 0);
    cr_assert_eq(symlink("nowhere", "other"), 0);
    write_file("state.bad", "", 0, 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert_eq(state_file_check_kind(good[i], &fault), 0, "%s", good[i]);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        cr_assert_eq(state_file_check_kind(foreign[i], &fault), -EINVAL, "%s", foreign[i]);
        cr_assert(fault.is_foreign);
        cr_assert_str_eq(fault.why, i == 1 ? "it is a symbolic link" : "it is not a regular file");
    }
}

static void expect_not_writable(const char *path, int error, const char *why)
{
    struct state_file_fault fault = {.why = NULL};
    cr_assert_eq(state_file_check_writable(path, &fault), error, "%s", path);
    cr_assert_str_eq(fault.why, why);
    cr_assert(!fault.is_foreign);
}

Test(state_file_reader, checks_that_a_directory_can_be_written)
{
    struct state_file_fault fault;
    write_file("other", "", 0, 0600);
    cr_assert_eq(state_file_check_writable("state", &fault), 0);
    cr_assert_eq(access("state", F_OK), -1, "nothing is created");
    expect_not_writable("no-such-directory/state", -ENOENT, "No such file or directory");
    expect_not_writable("other/state", -ENOTDIR, "Not a directory");
    expect_not_writable("other/more/state", -ENOTDIR, "Not a directory");
}

Test(state_file_reader, checks_that_a_directory_can_be_written_by_the_present_user)
{
    struct state_file_fault fault;
    if (geteuid() != 0 || chmod(directory, 0755) != 0 || setresuid(12345, 12345, 0) != 0)
        cr_skip_test("only root can become another user");
    expect_not_writable("state", -EACCES, "Permission denied");
    cr_assert_eq(setresuid(0, 0, 0), 0);
    cr_assert_eq(state_file_check_writable("state", &fault), 0);
}

static void expect_safe(mode_t mode, const char *why)
{
    struct state_file_fault fault = {.why = NULL};
    cr_assert_eq(chmod(directory, mode), 0);
    cr_assert_eq(state_file_check_safe("state", &fault), why != NULL ? -EPERM : 0, "%o", mode);
    if (why != NULL)
        cr_assert_str_eq(fault.why, why);
}

Test(state_file_reader, checks_who_can_replace_files_in_a_directory)
{
    static const char others[] = "the group of its directory or others can write that";
    struct state_file_fault fault;
    expect_safe(0700, NULL);
    expect_safe(0755, NULL);
    expect_safe(01777, NULL);
    expect_safe(0770, others);
    expect_safe(0703, others);
    expect_safe(0700, NULL);
    cr_assert_eq(state_file_check_safe("no-such-directory/state", &fault), 0, "it is not known");
    if (chown(directory, 12345, (gid_t)-1) != 0)
        cr_skip_test("only root can give a directory away");
    expect_safe(0700, "its directory belongs to another user");
    cr_assert_eq(seteuid(12345), 0);
    expect_safe(0700, NULL);
    cr_assert_eq(seteuid(0), 0);
}
