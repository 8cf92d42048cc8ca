/* Reading configuration files: includes, errors with their places, and the sample files. */
#include "server/config/config_files.h"
#include "config/config_defaults.h"

#include "config/config_keys.h"
#include "config_listing_fixture.h"
#include "os/file/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char directory[] = "/tmp/configfile-test-XXXXXX";
static struct config_files_result result;

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(directory));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static void tear_down(void)
{
    config_files_free(&result);
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(config_files, .init = set_up, .fini = tear_down);

/* Returns the path of a file in the directory of the test, in one of four static buffers. */
static const char *at(const char *name)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void expect_good(const char *name)
{
    int error = config_files_read(&result, name ? at(name) : NULL, NULL, 0);
    cr_assert_eq(error, 0, "%s", error == -EINVAL ? result.errors[0] : "");
    cr_assert_not_null(result.config);
    cr_assert_eq(result.error_count, 0);
}

/* Expects one error message, in which DIR is replaced by the directory. */
static void expect_error(const char *name, const char *pattern)
{
    char expected[1024];
    size_t length = 0;
    for (; *pattern; pattern++) {
        if (strncmp(pattern, "DIR", 3) == 0) {
            length += (size_t)sprintf(expected + length, "%s", directory);
            pattern += 2;
        } else {
            expected[length++] = *pattern;
        }
    }
    expected[length] = '\0';
    cr_assert_eq(config_files_read(&result, at(name), NULL, 0), -EINVAL);
    cr_assert_null(result.config);
    cr_assert_eq(result.error_count, 1);
    cr_assert_str_eq(result.errors[0], expected);
}

static void expect_files(const char *const *names, size_t count)
{
    cr_assert_eq(result.file_count, count);
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(result.files[i], at(names[i]));
}
#define EXPECT_FILES(...)                       \
    expect_files((const char *[]){__VA_ARGS__}, \
                 sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

Test(config_files, no_file_gives_the_defaults)
{
    expect_good(NULL);
    cr_assert_eq(result.config->clients.ttl_ms, 60000);
    cr_assert_eq(result.file_count, 0);
}

Test(config_files, a_file_is_read_to_its_last_line_whether_that_ends_or_not)
{
    write_file("a", "[clients]\nttl = 1s\n\nmax = 5");
    expect_good("a");
    cr_assert_eq(result.config->clients.ttl_ms, 1000);
    cr_assert_eq(result.config->clients.max, 5);
    EXPECT_FILES("a");
}

Test(config_files, an_empty_file_is_fine)
{
    write_file("a", "");
    expect_good("a");
}

Test(config_files, a_missing_file_is_an_error)
{
    expect_error("a", "DIR/a: cannot read this file: No such file or directory; check its name "
                      "and permissions");
}

Test(config_files, a_directory_is_not_a_file)
{
    cr_assert_eq(mkdir(at("a"), 0700), 0);
    expect_error("a",
                 "DIR/a: cannot read this file: Is a directory; check its name and permissions");
}

Test(config_files, a_pipe_is_not_a_file_and_is_not_waited_for, .timeout = 10)
{
    cr_assert_eq(mkfifo(at("a"), 0600), 0);
    expect_error("a", "DIR/a: cannot read this file: not a regular file, but a pipe, a terminal "
                      "or a socket, which may never end; check its name and permissions");
    config_files_free(&result);
    write_file("b", "\ninclude = a\n");
    expect_error("b", "DIR/b:2:11: cannot include 'DIR/a': not a regular file, but a pipe, a "
                      "terminal or a socket, which may never end");
}

Test(config_files, all_errors_are_reported_with_file_line_and_column)
{
    write_file("a", "[clients]\nttl = 10\ninclude = b\n[reply]\nmod = echo\n");
    write_file("b", "max = 0\n");
    cr_assert_eq(config_files_read(&result, at("a"), NULL, 0), -EINVAL);
    cr_assert_eq(result.error_count, 3);
    cr_assert_not_null(strstr(result.errors[0], "/a:2:7: bad value '10' for 'ttl'"));
    cr_assert_not_null(strstr(result.errors[1], "/b:1:7: bad value '0' for 'max'"));
    cr_assert_not_null(strstr(result.errors[2], "/a:5:1: unknown key 'mod'"));
    cr_assert(result.located[0] && result.located[1] && result.located[2]);
    EXPECT_FILES("a", "b");
}

Test(config_files, errors_beyond_the_limit_are_counted)
{
    char text[2 * 130 + 1];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = "x\n"[i % 2];
    text[sizeof text - 1] = '\0';
    write_file("a", text);
    cr_assert_eq(config_files_read(&result, at("a"), NULL, 0), -EINVAL);
    cr_assert_eq(result.error_count, 101);
    cr_assert_str_eq(result.errors[100], "... and 30 more");
    cr_assert(result.located[99] && !result.located[100]);
}

Test(config_files, a_line_too_long_has_no_column)
{
    char *text = malloc(10 << 20);
    memset(text, 'x', 10 << 20);
    memcpy(text + (10 << 20) - 2, "\n", 2);
    write_file("a", text);
    free(text);
    expect_error("a", "DIR/a:1:524289: a line of 10485758 bytes; the limit is 524288");
}

Test(config_files, includes_are_relative_to_the_file_that_contains_them)
{
    cr_assert_eq(mkdir(at("sub"), 0700), 0);
    cr_assert_eq(mkdir(at("sub/deep"), 0700), 0);
    write_file("a", "include = sub/b\n");
    write_file("sub/b", "include = deep/c\n");
    write_file("sub/deep/c", "include = ../d\n");
    write_file("sub/d", "[clients]\nttl = 1s\n");
    expect_good("a");
    cr_assert_eq(result.config->clients.ttl_ms, 1000);
    EXPECT_FILES("a", "sub/b", "sub/deep/c", "sub/deep/../d");
}

Test(config_files, an_include_may_be_absolute)
{
    char text[256];
    snprintf(text, sizeof text, "include = %s\n", at("b"));
    write_file("a", text);
    write_file("b", "[clients]\nttl = 1s\n");
    expect_good("a");
    cr_assert_eq(result.config->clients.ttl_ms, 1000);
}

Test(config_files, a_path_without_a_directory_includes_from_the_working_directory)
{
    cr_assert_eq(chdir(directory), 0);
    write_file("a", "include = b\n");
    write_file("b", "[clients]\nttl = 1s\n");
    cr_assert_eq(config_files_read(&result, "a", NULL, 0), 0);
    cr_assert_eq(result.config->clients.ttl_ms, 1000);
    cr_assert_str_eq(result.files[1], "b");
}

Test(config_files, a_pattern_includes_its_matches_in_order)
{
    cr_assert_eq(mkdir(at("conf.d"), 0700), 0);
    write_file("a", "[reply]\ninclude = conf.d/*.conf\nmessage = last\n");
    write_file("conf.d/2.conf", "message = two\n[log]\n");
    write_file("conf.d/1.conf", "message = one\n");
    write_file("conf.d/3.off", "nonsense\n");
    expect_good("a");
    cr_assert_eq(result.config->reply.message_count, 3);
    cr_assert_arr_eq(result.config->reply.messages[0].bytes, "one", 3);
    cr_assert_arr_eq(result.config->reply.messages[1].bytes, "two", 3);
    cr_assert_arr_eq(result.config->reply.messages[2].bytes, "last", 4);
    EXPECT_FILES("a", "conf.d/1.conf", "conf.d/2.conf");
}

Test(config_files, a_pattern_may_match_nothing)
{
    write_file("a", "include = conf.d/*.conf\n[clients]\nttl = 1s\n");
    expect_good("a");
    cr_assert_eq(result.config->clients.ttl_ms, 1000);
}

Test(config_files, wildcards_in_the_name_of_the_directory_are_literal)
{
    cr_assert_eq(mkdir(at("[a]*"), 0700), 0);
    cr_assert_eq(mkdir(at("aa"), 0700), 0);
    write_file("[a]*/a", "include = b\ninclude = *.conf\n");
    write_file("[a]*/b", "[clients]\nttl = 1s\n");
    write_file("[a]*/c.conf", "[clients]\nmax = 5\n");
    write_file("aa/b", "nonsense\n");
    write_file("aa/c.conf", "nonsense\n");
    expect_good("[a]*/a");
    EXPECT_FILES("[a]*/a", "[a]*/b", "[a]*/c.conf");
}

Test(config_files, a_missing_include_is_reported_at_its_line)
{
    write_file("a", "\n  include = b # nowhere\n");
    expect_error("a", "DIR/a:2:13: cannot include 'DIR/b': No such file or directory");
}

Test(config_files, a_file_that_includes_itself_is_an_error)
{
    write_file("a", "include = a\n");
    expect_error("a", "DIR/a:1:11: cannot include 'DIR/a': it would include itself");
}

Test(config_files, a_loop_through_symbolic_links_is_detected)
{
    write_file("a", "include = b\n");
    write_file("b", "include = c\n");
    cr_assert_eq(symlink("a", at("c")), 0);
    expect_error("a", "DIR/b:1:11: cannot include 'DIR/c': it would include itself");
}

Test(config_files, a_file_may_be_included_twice_without_a_loop)
{
    write_file("a", "[reply]\ninclude = b\ninclude = b\n");
    write_file("b", "message = x\n");
    expect_good("a");
    cr_assert_eq(result.config->reply.message_count, 2);
    EXPECT_FILES("a", "b", "b");
}

Test(config_files, includes_have_a_maximum_depth)
{
    for (int i = 0; i <= CONFIG_FILES_DEPTH_MAX; i++) {
        char name[16], text[32];
        snprintf(name, sizeof name, "%d", i);
        snprintf(text, sizeof text, i < CONFIG_FILES_DEPTH_MAX ? "include = %d\n" : "# %d\n",
                 i + 1);
        write_file(name, text);
    }
    expect_good("0");
    cr_assert_eq(result.file_count, CONFIG_FILES_DEPTH_MAX + 1);
    config_files_free(&result);

    write_file("16", "include = 17\n");
    write_file("17", "");
    expect_error("0", "DIR/16:1:11: cannot include 'DIR/17': more than 16 includes deep");
}

Test(config_files, includes_that_multiply_are_stopped)
{
    for (int i = 0; i < CONFIG_FILES_DEPTH_MAX; i++) {
        char name[16], text[64];
        snprintf(name, sizeof name, "%d", i);
        snprintf(text, sizeof text, "include = %d\ninclude = %d\n", i + 1, i + 1);
        write_file(name, text);
    }
    write_file("16", "");
    cr_assert_eq(config_files_read(&result, at("0"), NULL, 0), -EINVAL);
    cr_assert_eq(result.file_count, CONFIG_FILES_MAX);
    cr_assert_not_null(strstr(result.errors[0], "more than 1000 files"));
}

Test(config_files, a_file_beyond_the_size_limit_is_refused)
{
    write_file("a", "include = b\n");
    write_file("b", "");
    cr_assert_eq(truncate(at("b"), CONFIG_FILES_BYTES_MAX + 1), 0);
    expect_error("a", "DIR/a:1:11: cannot include 'DIR/b': longer than 64 MiB");
}

Test(config_files, the_command_line_overrides_files)
{
    static const struct config_files_override OVERRIDES[] = {
        {"-l", "server", "listen", "127.0.0.1:1"},
        {"-l", "server", "listen", "127.0.0.1:2"},
        {"-s", "control", "socket", "/tmp/s"},
    };
    write_file("a", "[server]\nlisten = 127.0.0.1:3\n[control]\nsocket = /tmp/t\n");
    cr_assert_eq(config_files_read(&result, at("a"), OVERRIDES, COUNT(OVERRIDES)), 0);
    cr_assert_eq(result.config->server.listen_count, 2);
    cr_assert_eq(result.config->server.listen[1].addr.port, 2);
    cr_assert_str_eq(result.config->control.socket, "/tmp/s");
}

Test(config_files, an_invalid_option_is_an_error_that_names_it)
{
    static const struct config_files_override BAD = {"-l", "server", "listen", "0.0.0.0:0"};
    cr_assert_eq(config_files_read(&result, NULL, &BAD, 1), -EINVAL);
    cr_assert_eq(result.error_count, 1);
    cr_assert_not_null(strstr(result.errors[0], "-l: other hosts can reach 0.0.0.0:0, "));
    cr_assert_not_null(strstr(result.errors[0], ":\n    [admission]\n    policy = cookie"));
    cr_assert_not(result.located[0]);
}

Test(config_files, the_configuration_may_be_taken)
{
    expect_good(NULL);
    struct config *config = result.config;
    result.config = NULL;
    config_files_free(&result);
    cr_assert_eq(config->clients.ttl_ms, 60000);
    config_free(config);
}

/* ---- the sample files ---- */

static void expect_sample(const char *path)
{
    int error = config_files_read(&result, path, NULL, 0);
    cr_assert_eq(error, 0, "%s", error == -EINVAL ? result.errors[0] : "");
}

Test(config_files, the_sample_equals_the_defaults)
{
    struct config *defaults = config_defaults();
    expect_sample("config/udpsrv.conf");
    char *expected = config_text(defaults), *found = config_text(result.config);
    cr_assert_str_eq(found, expected);
    free(expected);
    free(found);
    config_free(defaults);
}

/* Whether the section of that text contains the key, possibly as a comment. */
static bool is_shown(const char *text, const struct config_key *key)
{
    char header[32], line[32], comment[32];
    snprintf(header, sizeof header, "\n[%s]\n", key->section);
    snprintf(line, sizeof line, "\n%s = ", key->name);
    snprintf(comment, sizeof comment, "\n#%s = ", key->name);
    const char *section = strstr(text, header);
    if (!section)
        return false;
    const char *section_end = strstr(section + 1, "\n[");
    const char *active = strstr(section, line), *commented = strstr(section, comment);
    const char *shown = active && (!commented || active < commented) ? active : commented;
    return shown && (!section_end || shown < section_end);
}

Test(config_files, the_sample_shows_every_key)
{
    char *text;
    size_t size;
    cr_assert_eq(file_read("config/udpsrv.conf", 1 << 20, &text, &size), 0);
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *key = &config_keys()[i];
        cr_expect(is_shown(text, key), "%s.%s", key->section, key->name);
    }
    free(text);
}

Test(config_files, the_manual_names_every_key)
{
    char *text;
    size_t size;
    cr_assert_eq(file_read("docs/man/udpsrv.conf.5", 1 << 20, &text, &size), 0);
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *key = &config_keys()[i];
        char section[32], item[32];
        snprintf(section, sizeof section, "\n.Ss [%s]\n", key->section);
        snprintf(item, sizeof item, "\n.It Cm %s ", key->name);
        const char *begin_section = strstr(text, section);
        cr_assert_not_null(begin_section, "%s", key->section);
        const char *end_section = strstr(begin_section + 1, "\n.Ss ");
        const char *found = strstr(begin_section, item);
        cr_expect(found && (!end_section || found < end_section), "%s.%s", key->section, key->name);
    }
    free(text);
}

Test(config_files, the_sample_for_a_lan_is_open_on_all_addresses)
{
    expect_sample("config/lan.conf");
    cr_assert_eq(result.config->admission.policy, POLICY_OPEN);
    cr_assert_eq(result.config->server.listen_count, 2);
    for (size_t i = 0; i < 2; i++) {
        cr_assert(addr_is_wildcard(&result.config->server.listen[i].addr));
        cr_assert_eq(result.config->server.listen[i].addr.port, 3000);
    }
}

/* ---- modes of reading ---- */

static bool is_cancelled(const void *state)
{
    return *(const bool *)state;
}

Test(config_files, a_pipe_is_read_if_blocking_is_allowed_and_includes_from_the_working_directory,
     .timeout = 10)
{
    const struct config_files_mode mode = {.may_block = true};
    char path[32];
    int ends[2];
    static const char text[] = "[clients]\ninclude = b\n";
    write_file("b", "ttl = 7s\n");
    cr_assert_eq(chdir(directory), 0);
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], text, sizeof text - 1), sizeof text - 1);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    int error = config_files_read_in_mode(&result, path, NULL, 0, &mode);
    cr_assert_eq(error, 0, "%s", error == -EINVAL ? result.errors[0] : "");
    cr_expect_eq(result.config->clients.ttl_ms, 7000);
    cr_expect(result.once);
    config_files_free(&result);
    write_file("c", "include = fifo\n");
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    cr_expect_eq(config_files_read_in_mode(&result, "c", NULL, 0, &mode), -EINVAL,
                 "only the first file may be a pipe");
}

Test(config_files, reading_a_long_file_can_be_cancelled)
{
    bool cancelled = false;
    const struct config_files_mode mode = {.is_cancelled = is_cancelled, .state = &cancelled};
    FILE *file = fopen(at("a"), "w");
    cr_assert_not_null(file);
    for (int i = 0; i < 2 * CONFIG_FILES_CHECK_BYTES; i += 16)
        fputs("# fifteen bytes\n", file);
    fclose(file);
    cr_assert_eq(config_files_read_in_mode(&result, at("a"), NULL, 0, &mode), 0);
    config_files_free(&result);
    cancelled = true;
    cr_assert_eq(config_files_read_in_mode(&result, at("a"), NULL, 0, &mode), -ECANCELED);
    cr_expect_null(result.config);
    cr_expect_eq(result.error_count, 0);
}
