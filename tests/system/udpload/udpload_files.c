/* Tests of the report files of udpload, and of reports on standard output. */

#include "harness.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct server server;
static const char *name; /* its address */

static const char *directory(void)
{
    return harness_path("reports");
}

static const char *file(const char *of)
{
    return harness_format("%s/%s", directory(), of);
}

static void begin(void)
{
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    name = endpoint_text(&server.at[0]);
    expect(mkdir(directory(), 0700) == 0, "mkdir");
}

static void end(void)
{
    server_stop(&server);
    harness_end();
}

TestSuite(system_udpload_files, .init = begin, .fini = end, .timeout = 60);

/* Runs udpload in a shell, in a directory. Status 3 (the sender was late) counts as 0. */
static struct result load(const char *words)
{
    struct result result =
        run(NULL, "sh", "-c",
            harness_format("program=$(realpath %s) && cd %s && exec $program -n 20 -t 5 %s %s",
                           program_path("udpload"), directory(), name, words),
            NULL);
    result.status = result.status == 3 ? 0 : result.status;
    return result;
}

static const char *text_of(const char *of)
{
    return run_ok(NULL, "cat", file(of), NULL);
}

/* Expects that the directory has exactly these files. */
static void expect_files(const char *names)
{
    const char *all = run_ok(
        NULL, "sh", "-c",
        harness_format("cd %s && find . -type f -o -type l | sort | xargs", directory()), NULL);
    expect(strcmp(all, names) == 0, "expected the files %s, there are %s", names, all);
}

static void expect_object(const char *text)
{
    size_t length = strlen(text);
    expect(text[0] == '{' && length > 2 && strcmp(text + length - 2, "}\n") == 0,
           "expected one object: %s", text);
    harness_equal("reports", (int64_t)text_count(text, "\"attribution\""), 1);
}

Test(system_udpload_files, are_the_only_output_on_standard_output)
{
    struct result result = load("-S 10ms --json - --hdr other");
    harness_equal("status", result.status, 0);
    expect_object(result.out);
    harness_equal("sent", json_integer(result.out, "sent"), 20);
    expect_files("./other\n");
    result = load("--hdr -");
    expect(strncmp(result.out, "       Value", 12) == 0, "expected the table: %s", result.out);
    result = load("--html -");
    expect(strncmp(result.out, "<!DOCTYPE html>", 15) == 0, "expected the page: %s", result.out);
    harness_equal("pages", (int64_t)text_count(result.out, "</html>"), 1);
}

Test(system_udpload_files, are_not_mixed_with_steps_of_a_search)
{
    struct result result =
        run(NULL, "udpload", "--find-max", "-l", "100ms", "-t", "50ms", "--json", "-", name, NULL);
    expect(result.status == 0 || result.status == 3, "expected a report: %s", result.err);
    expect_object(result.out);
    expect(json_integer(result.out, "highest") >= 1, "expected a rate: %s", result.out);
}

Test(system_udpload_files, may_be_the_file_of_standard_output)
{
    struct stat link;
    struct result result = load("--json /dev/stdout >out");
    harness_equal("status", result.status, 0);
    expect_object(text_of("out"));
    expect(lstat("/dev/stdout", &link) == 0 && S_ISLNK(link.st_mode),
           "expected /dev/stdout to be unchanged");
    result = load("--json out >out");
    harness_equal("status", result.status, 0);
    expect_object(text_of("out"));
    expect_files("./out\n");
}

Test(system_udpload_files, are_written_even_if_standard_output_is_full)
{
    struct result result = load("--json report >/dev/full");
    harness_equal("status", result.status, 1);
    harness_contains("error", result.err, "writing standard output");
    expect_object(text_of("report"));
    result = load("--json - >/dev/full");
    harness_equal("status", result.status, 1);
    harness_contains("error", result.err, "writing standard output");
}

Test(system_udpload_files, do_not_share_a_file)
{
    struct result result = load("--json report --html ./report");
    harness_equal("status", result.status, 1);
    harness_contains("error", result.err, "cannot write ./report: another report is written to it");
    expect(result.out[0] == '\0', "expected no run: %s", result.out);
    expect_files("\n");
}

Test(system_udpload_files, follow_a_link)
{
    expect(symlink("real", file("report")) == 0, "symlink");
    run_ok(NULL, "touch", file("real"), NULL);
    harness_equal("status", load("--json report").status, 0);
    expect_object(text_of("real"));
    expect_files("./real ./report\n");
}

Test(system_udpload_files, follow_a_link_to_a_file_that_is_missing)
{
    expect(symlink("real", file("report")) == 0, "symlink");
    harness_equal("status", load("--json report").status, 0);
    expect_object(text_of("real"));
    expect_files("./real ./report\n");
    struct stat status;
    expect(lstat(file("report"), &status) == 0 && S_ISLNK(status.st_mode), "expected a link");
}

Test(system_udpload_files, keep_the_names_of_a_file)
{
    run_ok(NULL, "touch", file("real"), NULL);
    expect(link(file("real"), file("report")) == 0, "link");
    harness_equal("status", load("--json report").status, 0);
    expect_object(text_of("real"));
}

/* The output of the shell before and after is kept. */
Test(system_udpload_files, are_written_to_an_open_descriptor_in_order)
{
    struct result result =
        run(NULL, "sh", "-c",
            harness_format("program=$(realpath %s) && cd %s && exec 3>log && echo before >&3 && "
                           "$program -n 20 -t 5 --json /dev/fd/3 %s; echo after >&3",
                           program_path("udpload"), directory(), name),
            NULL);
    harness_equal("status", result.status, 0);
    const char *log = text_of("log");
    expect(strncmp(log, "before\n{", 8) == 0 && strcmp(log + strlen(log) - 8, "}\nafter\n") == 0,
           "expected the report between two lines: %s", log);
}

Test(system_udpload_files, are_written_to_a_bind_mount)
{
    struct result result =
        run(NULL, "unshare", "--mount", "sh", "-c",
            harness_format("program=$(realpath %s) && cd %s && touch real report && "
                           "mount --bind real report && $program -n 20 -t 5 --json report %s",
                           program_path("udpload"), directory(), name),
            NULL);
    if (result.status != 0 && result.status != 3 && strstr(result.err, "unshare") != NULL)
        cr_skip_test("mounts are not allowed: %s", result.err);
    expect(result.status == 0 || result.status == 3, "expected a report: %s", result.err);
    expect_object(text_of("real"));
}

/* The run waits for the reader, which receives the report. */
Test(system_udpload_files, are_written_to_a_pipe)
{
    struct result result =
        run(NULL, "sh", "-c",
            harness_format("program=$(realpath %s) && cd %s && mkfifo pipe && "
                           "{ $program -n 20 -t 5 --json pipe %s >text & } && cat pipe && wait",
                           program_path("udpload"), directory(), name),
            NULL);
    harness_equal("status", result.status, 0);
    expect_object(result.out);
}

/* A broken pipe on standard output does not affect the files. */
Test(system_udpload_files, are_written_even_if_the_reader_of_the_steps_has_exited)
{
    run(NULL, "sh", "-c",
        harness_format("program=$(realpath %s) && cd %s && "
                       "$program -l 500ms -S 50ms -t 1 --json report %s | head -1",
                       program_path("udpload"), directory(), name),
        NULL);
    expect_object(text_of("report"));
}
