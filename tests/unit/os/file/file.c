/* Reading files, glob patterns, permissions. */
#include "os/file/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of the test, which is its working directory. */
static char directory[] = "/tmp/udpsrv-test-XXXXXX";

static void enter(void)
{
    cr_assert_neq(mkdtemp(directory), NULL);
    cr_assert_eq(chdir(directory), 0);
}

static void leave(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "we");
    cr_assert_neq(file, NULL);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

TestSuite(file, .init = enter, .fini = leave);

/* ---- Reading ---- */

Test(file, is_read_whole_with_a_nul_after_it)
{
    char *bytes;
    size_t size;
    write_file("f", "a\0b\n", 4);
    cr_assert_eq(file_read("f", 100, &bytes, &size), 0);
    cr_assert_eq(size, 4);
    cr_assert_eq(memcmp(bytes, "a\0b\n", 5), 0);
    free(bytes);
}

Test(file, empty_one_is_an_empty_text)
{
    char *bytes;
    size_t size;
    write_file("f", "", 0);
    cr_assert_eq(file_read("f", 0, &bytes, &size), 0);
    cr_assert_eq(size, 0);
    cr_assert_str_eq(bytes, "");
    free(bytes);
}

Test(file, limit_is_inclusive)
{
    char *bytes;
    size_t size;
    write_file("f", "12345", 5);
    cr_assert_eq(file_read("f", 5, &bytes, &size), 0);
    cr_assert_eq(size, 5);
    free(bytes);
    cr_assert_eq(file_read("f", 4, &bytes, &size), -EFBIG);
}

Test(file, endless_device_stops_at_the_limit)
{
    char *bytes;
    size_t size;
    cr_assert_eq(file_read("/dev/zero", 100000, &bytes, &size), -EFBIG);
    cr_assert_eq(file_read("/dev/null", 100000, &bytes, &size), 0);
    cr_assert_eq(size, 0);
    free(bytes);
}

Test(file, large_one_is_read_whole)
{
    enum { SIZE = 1 << 20 };
    static char text[SIZE];
    char *bytes;
    size_t size;
    for (size_t i = 0; i < SIZE; i++)
        text[i] = (char)(i * 31);
    write_file("f", text, SIZE);
    cr_assert_eq(file_read("f", SIZE, &bytes, &size), 0);
    cr_assert_eq(size, SIZE);
    cr_assert_eq(memcmp(bytes, text, SIZE), 0);
    free(bytes);
}

Test(file, missing_one_and_directory_are_errors)
{
    char *bytes;
    size_t size;
    cr_assert_eq(file_read("missing", 100, &bytes, &size), -ENOENT);
    cr_assert_eq(file_read(".", 100, &bytes, &size), -EISDIR);
}

Test(file, what_could_block_a_reader_is_refused, .timeout = 10)
{
    char *bytes;
    size_t size;
    int ends[2];
    char path[32];
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    cr_expect_eq(file_read("fifo", 100, &bytes, &size), -EINVAL);
    cr_assert_eq(pipe(ends), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    cr_expect_eq(file_read(path, 100, &bytes, &size), -EINVAL);
    int controller = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (controller >= 0 && grantpt(controller) == 0 && unlockpt(controller) == 0)
        cr_expect_eq(file_read(ptsname(controller), 100, &bytes, &size), -EINVAL);
}

/* ---- Patterns ---- */

Test(file, wildcards_make_a_pattern)
{
    cr_assert(file_is_pattern("conf.d/*.conf"));
    cr_assert(file_is_pattern("conf.d/?.conf"));
    cr_assert(file_is_pattern("conf.d/[ab].conf"));
    cr_assert_not(file_is_pattern("conf.d/a.conf"));
}

Test(file, glob_gives_matches_sorted)
{
    char **paths;
    size_t count;
    write_file("b.conf", "", 0);
    write_file("a.conf", "", 0);
    write_file("c.txt", "", 0);
    cr_assert_eq(file_glob("*.conf", &paths, &count), 0);
    cr_assert_eq(count, 2);
    cr_assert_str_eq(paths[0], "a.conf");
    cr_assert_str_eq(paths[1], "b.conf");
    file_glob_free(paths, count);
}

Test(file, glob_without_a_match_is_empty)
{
    char **paths;
    size_t count = 1;
    cr_assert_eq(file_glob("*.conf", &paths, &count), 0);
    cr_assert_eq(count, 0);
    file_glob_free(paths, count);
    count = 1;
    cr_assert_eq(file_glob("no/such/directory/*.conf", &paths, &count), 0);
    cr_assert_eq(count, 0);
    file_glob_free(paths, count);
}

/* Root can read everything, so these tests run as another user. */
static void become_another_user(void)
{
    if (geteuid() != 0)
        return;
    cr_assert_eq(chmod(directory, 0755), 0);
    cr_assert_eq(setegid(65534), 0);
    cr_assert_eq(seteuid(65534), 0);
}

static void become_root(void)
{
    if (getuid() != 0)
        return;
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(setegid(0), 0);
}

Test(file, glob_in_a_directory_that_may_not_be_read_is_an_error)
{
    char **paths;
    size_t count;
    cr_assert_eq(mkdir("closed", 0000), 0);
    become_another_user();
    cr_assert_eq(file_glob("closed/*.conf", &paths, &count), -EACCES);
    become_root();
    cr_assert_eq(chmod("closed", 0700), 0);
}

/* ---- Kinds and permissions ---- */

Test(file, is_the_same_under_another_name)
{
    write_file("a", "", 0);
    write_file("b", "", 0);
    cr_assert_eq(symlink("a", "link"), 0);
    cr_assert(file_same("a", "./a"));
    cr_assert(file_same("a", "link"));
    cr_assert_not(file_same("a", "b"));
    cr_assert_not(file_same("missing", "missing"));
}

Test(file, checks_what_this_process_may_read)
{
    write_file("open", "", 0);
    write_file("closed", "", 0);
    cr_assert_eq(chmod("open", 0644), 0);
    cr_assert_eq(chmod("closed", 0000), 0);
    become_another_user();
    cr_assert_eq(file_check_readable("open"), 0);
    cr_assert_eq(file_check_readable("closed"), -EACCES);
    cr_assert_eq(file_check_readable("missing"), -ENOENT);
    become_root();
}

Test(file, check_of_a_pipe_does_not_wait_for_its_other_end)
{
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    cr_assert_eq(file_check_readable("pipe"), 0);
}

/* ---- Streams, which can be read only once ---- */

Test(file, read_stream_reads_a_pipe_to_its_end_and_reports_that_it_is_one, .timeout = 10)
{
    char *bytes = NULL;
    size_t size = 0;
    bool is_stream = false;
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "all of it", 9), 9);
    close(ends[1]);
    char path[64];
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    cr_assert_eq(file_read_stream(path, 100, &bytes, &size, &is_stream), 0);
    cr_expect_str_eq(bytes, "all of it");
    cr_expect_eq(size, 9);
    cr_expect(is_stream);
    free(bytes);
}

Test(file, read_stream_reads_a_non_blocking_socket_which_no_path_opens, .timeout = 10)
{
    char *bytes = NULL;
    size_t size = 0;
    bool is_stream = false;
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    if (fork() == 0) {
        poll(NULL, 0, 50);
        _exit(write(ends[1], "all of it", 9) == 9 ? 0 : 1);
    }
    close(ends[1]);
    cr_assert_eq(file_read_stream("/dev/stdin", 100, &bytes, &size, &is_stream), 0);
    cr_expect_str_eq(bytes, "all of it");
    cr_expect(is_stream);
    free(bytes);
}

Test(file, read_stream_reads_a_regular_file_too)
{
    char *bytes = NULL;
    size_t size = 0;
    bool is_stream = true;
    write_file("plain", "text", 4);
    cr_assert_eq(file_read_stream("plain", 100, &bytes, &size, &is_stream), 0);
    cr_expect_str_eq(bytes, "text");
    cr_expect_not(is_stream);
    free(bytes);
    cr_expect_eq(file_read_stream("plain", 3, &bytes, &size, &is_stream), -EFBIG);
    cr_expect_eq(file_read_stream(".", 100, &bytes, &size, &is_stream), -EISDIR);
    cr_expect_eq(file_read_stream("missing", 100, &bytes, &size, &is_stream), -ENOENT);
    cr_expect_eq(file_read_stream("/dev/null", 100, &bytes, &size, &is_stream), 0);
    cr_expect_not(is_stream);
    free(bytes);
}

Test(file, knows_paths_that_name_descriptors)
{
    cr_expect(file_is_descriptor("/dev/stdin"));
    cr_expect(file_is_descriptor("/dev/fd/63"));
    cr_expect(file_is_descriptor("/proc/self/fd/0"));
    cr_expect_not(file_is_descriptor("/dev/fd/"));
    cr_expect_not(file_is_descriptor("/dev/fd/6x"));
    cr_expect_not(file_is_descriptor("/dev/null"));
    cr_expect_not(file_is_descriptor("stdin"));
}
