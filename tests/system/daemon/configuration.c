/* Configuration files: an error is reported with file, line and column, and a valid configuration
 * stays the same when it is printed and read again. */

#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_configuration, .fini = harness_end, .timeout = 60);

enum { STATUS_CONFIG = 78 };

static void write_file(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "we");

    expect(file != NULL && fwrite(text, 1, size, file) == size && fclose(file) == 0,
           "expected to write %s", path);
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

/* Checks a file of these bytes by -t and by a start. Both must refuse it with the line of the
 * error, and must not listen. Returns what -t printed to stderr. */
static const char *expect_refusal(const char *text, size_t size, int line, const char *part)
{
    const char *file = harness_path("udpsrv.conf");
    const char *position = harness_format("%s:%d:", file, line);
    struct result checked, started;
    const char *found;
    char *end = NULL;

    write_file(file, text, size);
    checked = run(NULL, "udpsrv", "-t", "-c", file, NULL);
    found = strstr(checked.err, position);
    expect(checked.status == STATUS_CONFIG && found != NULL,
           "expected -t to end with %d and '%sCOLUMN: ' for '%.60s', it ended with %d and '%s'",
           STATUS_CONFIG, position, text, checked.status, checked.err);
    expect(found == checked.err || found[-1] == '\n', "expected a line to begin with '%s' in '%s'",
           position, checked.err);
    expect(strtol(found + strlen(position), &end, 10) > 0 && strncmp(end, ": ", 2) == 0,
           "expected a column after '%s' in '%s'", position, checked.err);
    harness_contains("the error", checked.err, part);
    started = run(NULL, "udpsrv", "-c", file, "-s", harness_path("sock"), NULL);
    harness_equal("the status of a start", started.status, STATUS_CONFIG);
    harness_contains("the error of a start", started.err, position);
    harness_equal("bytes on stdout", (int64_t)started.out_bytes, 0);
    expect(access(harness_path("sock"), F_OK) != 0,
           "expected no socket file after a refused start");
    return checked.err;
}

Test(system_configuration, an_error_is_reported_with_file_line_and_column)
{
    static const struct {
        const char *text;
        int line;
        const char *part;
    } cases[] = {
        {"[clients]\n\n[severs]\n", 3, "[severs] (did you mean [server]?)"},
        {"[clients]\ntll = 5s\n", 2, "did you mean 'ttl'?"},
        {"[clients]\nttl = 5\n", 2, "ttl"},
        {"[clients]\nttl = soon\n", 2, "soon"},
        {"[clients]\nttl = 0s\n", 2, "ttl"},
        {"[clients]\nttl =\n", 2, "ttl"},
        {"[clients]\nttl\n", 2, ""},
        {"[clients]\nmax = 0\n", 2, "max"},
        {"[clients]\nmax = -1\n", 2, "max"},
        {"[clients]\nmax = many\n", 2, "many"},
        {"[clients]\nttl = 5s\nttl = 6s\n", 3, "ttl"},
        {"[clients\nttl = 5s\n", 1, ""},
        {"ttl = 5s\n", 1, ""},
        {"[server]\nmax-datagram = huge\n", 2, "huge"},
        {"[server]\nmax-datagram = 1m\n", 2, "max-datagram"},
        {"[server]\nlisten = 127.0.0.1:99999\n", 2, "127.0.0.1:99999"},
        {"[server]\nlisten = 127.0.0:3000\n", 2, "127.0.0:3000"},
        {"[server]\nlisten = localhost\n", 2, "localhost"},
        {"[reply]\nmessage = \"audi\n", 2, "quote"},
        {"[reply]\nmessage = \"\\q\"\n", 2, ""},
        {"[reply]\nmode = sometimes\n", 2, "sometimes"},
        {"[admission]\npolicy = closed\n", 2, "closed"},
        {"[control]\nmode = rw\n", 2, "rw"},
        {"[log]\nlevel = loud\n", 2, "loud"},
        {"include = nowhere.conf\n", 1, "nowhere.conf"},
        {"include = udpsrv.conf\n", 1, "udpsrv.conf"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refusal(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].part);
}

Test(system_configuration, a_file_of_garbage_or_with_a_huge_line_is_refused)
{
    enum { TEN_MEGABYTES = 10 << 20 };
    static const char garbage[] = "\x7f"
                                  "ELF\x02\x01\x01\x00\x00\xff\xfe\n\x00\x1b[31m = \x80\n";
    static char line[TEN_MEGABYTES];
    const char *err;

    err = expect_refusal(garbage, sizeof garbage - 1, 1, "");
    expect(strchr(err, '\x1b') == NULL && strchr(err, '\xff') == NULL,
           "expected the bytes of the file to be escaped in '%s'", err);
    memset(line, 'x', TEN_MEGABYTES);
    memcpy(line, "[reply]\nmessage = ", 18);
    err = expect_refusal(line, TEN_MEGABYTES, 2, "");
    expect(strlen(err) < 1000, "expected an error of one line, it has %zu bytes", strlen(err));
    line[18 + 65508] = '\n';
    expect_refusal(line, 18 + 65508 + 1, 2, "65507"); /* one byte more than a UDP datagram holds */
    write_file(harness_path("udpsrv.conf"), line, 18 + 65507);
    run_ok(NULL, "udpsrv", "-t", "-c", harness_path("udpsrv.conf"), NULL);
}

Test(system_configuration, an_empty_rotation_is_refused)
{
    struct result result;

    write_text(harness_path("udpsrv.conf"), "[reply]\nmode = rotate\nmessage =\n");
    result = run(NULL, "udpsrv", "-t", "-c", harness_path("udpsrv.conf"), NULL);
    harness_equal("the status", result.status, STATUS_CONFIG);
    harness_contains("the error", result.err, "message");
}

Test(system_configuration, all_errors_of_a_file_are_reported_at_once)
{
    static const char text[] = "[clients]\nttl = 0s\nmax = 0\n[log]\nlevel = loud\n[nothing]\n";
    const char *err = expect_refusal(text, strlen(text), 2, "");

    for (int line = 2; line <= 6; line++) {
        if (line != 4)
            harness_contains("the errors", err,
                             harness_format("%s:%d:", harness_path("udpsrv.conf"), line));
    }
    harness_equal("errors", (int64_t)text_count(err, "udpsrv.conf:"), 4);
}

Test(system_configuration, a_missing_file_and_a_loop_of_includes_are_refused)
{
    struct result result;

    result = run(NULL, "udpsrv", "-t", "-c", harness_path("missing.conf"), NULL);
    harness_equal("the status", result.status, STATUS_CONFIG);
    harness_contains("the error", result.err, "missing.conf");
    write_text(harness_path("a.conf"), "include = b.conf\n");
    write_text(harness_path("b.conf"), "[log]\ninclude = a.conf\n");
    result = run(NULL, "udpsrv", "-t", "-c", harness_path("a.conf"), NULL);
    harness_equal("the status", result.status, STATUS_CONFIG);
    harness_contains("the error", result.err, harness_format("%s:2:", harness_path("b.conf")));
}

Test(system_configuration, a_configuration_may_include_other_files)
{
    const char *text;

    write_text(harness_path("a.conf"), "[clients]\ninclude = b.conf\nttl = 7s\n");
    write_text(harness_path("b.conf"), "[reply]\nmessage = inner\ninclude = none/*.conf\n");
    text = run_ok(NULL, "udpsrv", "-T", "-c", harness_path("a.conf"), NULL);
    harness_contains("the configuration", text, "ttl = 7s");
    harness_contains("the configuration", text, "message = inner");
}

Test(system_configuration, a_printed_configuration_reads_the_same)
{
    static const char *const texts[] = {
        "",
        "[server]\nlisten = 127.0.0.1:0, [::1]:4000\nlisten = 127.0.0.2\nworkers = 256\n"
        "missing-address = wait\n"
        "listen = tcp:127.0.0.1:0, unix:/tmp/a#b, 239.1.2.3%lo:5000, [ff02::1%7]:5000\n"
        "stream-max = 7\nstream-buffer = 8k\nstream-idle = 90s\n"
        "stream-framing = chunk\nuser = root\n"
        "group = root\nmax-datagram = 4k\nreceive-buffer = 1m\nsend-buffer = 100001\n"
        "[reply]\nmode = rotate\nmessage = \"a, b\", plain, \"\", \"\\\"\\x00\\xff\\n#;\", \" \"\n"
        "[clients]\nmax = 77\nttl = 90s\nsweep = 1500ms\n[broadcast]\nrate = 5\nqueue = 6\n"
        "relay = all\nrelay-rate = 3\nmulticast = [ff02::1%lo]:5000\nmulticast-ttl = 9\n"
        "multicast-interface = lo\n"
        "[admission]\npolicy = open\n[control]\nsocket = \"/tmp/a b#c\"\nmode = 0640\n"
        "group = root\n[offload]\ninterface = eth0, \"a,b\"\nmode = off\nmax = 70\n"
        "[log]\nlevel = debug\nformat = logfmt\ntarget = syslog\n",
        "[server]\nlisten = 0.0.0.0\nworkers=auto\n[admission]\npolicy=open\n[reply]\nmode=none\n",
    };
    const char *first = harness_path("first.conf"), *second = harness_path("second.conf");

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *once, *twice;

        write_text(first, texts[i]);
        once = run_ok(NULL, "udpsrv", "-T", "-c", first, NULL);
        write_text(second, once);
        twice = run_ok(NULL, "udpsrv", "-T", "-c", second, NULL);
        cr_assert_str_eq(once, twice);
        run_ok(NULL, "udpsrv", "-t", "-c", second, NULL);
    }
    harness_contains("the last one", run_ok(NULL, "udpsrv", "-T", "-c", second, NULL),
                     "listen = 0.0.0.0:3000\nmissing-address = fail\nworkers = auto\n");
}

Test(system_configuration, the_sample_file_equals_the_defaults)
{
    cr_assert_str_eq(run_ok(NULL, "udpsrv", "-T", "-c", "config/udpsrv.conf", NULL),
                     run_ok(NULL, "udpsrv", "-T", NULL));
    run_ok(NULL, "udpsrv", "-t", "-c", "config/udpsrv.conf", NULL);
    run_ok(NULL, "udpsrv", "-t", NULL);
}

Test(system_configuration, the_sample_file_for_a_trusted_network_is_valid)
{
    run_ok(NULL, "udpsrv", "-t", "-c", "config/lan.conf", NULL);
    harness_contains("config/lan.conf", run_ok(NULL, "udpsrv", "-T", "-c", "config/lan.conf", NULL),
                     "policy = open");
}

Test(system_configuration, the_sample_file_for_a_public_address_is_valid)
{
    const char *text;

    run_ok(NULL, "udpsrv", "-t", "-c", "config/internet.conf", NULL);
    text = run_ok(NULL, "udpsrv", "-T", "-c", "config/internet.conf", NULL);
    harness_contains("config/internet.conf", text, "policy = cookie");
    harness_contains("config/internet.conf", text, "per-prefix = 65536");
}

Test(system_configuration, command_line_options_override_the_file)
{
    const char *text;

    write_text(harness_path("a.conf"), "[server]\nlisten = 127.0.0.1:1\n[control]\nsocket = /x\n");
    text = run_ok(NULL, "udpsrv", "-T", "-c", harness_path("a.conf"), "-l", "127.0.0.1:2", "-l",
                  "127.0.0.1:3", "-s", "/y", NULL);
    expect(strstr(text, "127.0.0.1:1\n") == NULL, "expected -l instead of listen in '%s'", text);
    harness_contains("the configuration", text, "127.0.0.1:2");
    harness_contains("the configuration", text, "127.0.0.1:3");
    harness_contains("the configuration", text, "socket = /y");
}

Test(system_configuration, command_line_options_are_checked_too)
{
    struct result result = run(NULL, "udpsrv", "-t", "-l", "127.0.0.1:x", NULL);

    harness_equal("the status of a bad -l", result.status, STATUS_CONFIG);
    harness_contains("the error", result.err, "127.0.0.1:x");
    expect(strncmp(result.err, "udpsrv: -l: ", 12) == 0, "expected udpsrv's name before '%s'",
           result.err);
    harness_equal("an unknown option", run(NULL, "udpsrv", "--frobnicate", NULL).status, 2);
    harness_equal("an operand", run(NULL, "udpsrv", "operand", NULL).status, 2);
    harness_contains("--help", run_ok(NULL, "udpsrv", "--help", NULL), "--config");
    run_ok(NULL, "udpsrv", "--version", NULL);
}

static void redirect_stdout_to_full_device(void)
{
    dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
}

Test(system_configuration, an_error_on_standard_output_is_reported)
{
    static const char *const options[] = {"-T", "--help", "--version"};

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct process process;

        process_start(&process, redirect_stdout_to_full_device,
                      (const char *const[]){"udpsrv", options[i], NULL});
        harness_equal(options[i], process_wait(&process), 1);
        harness_contains("the error", process.texts[1].data, "standard output");
        harness_equal("lines", (int64_t)text_count(process.texts[1].data, "\n"), 1);
    }
}

Test(system_configuration, the_printed_defaults_show_the_path_of_the_control_socket)
{
    const char *text = run_ok(NULL, "udpsrv", "-T", NULL);
    const char *error = run(NULL, "udpctl", "status", NULL).err;
    const char *line = strstr(text, "\n# socket = ");

    expect(line != NULL, "expected the built-in socket in '%s'", text);
    line += strlen("\n# socket = ");
    harness_contains("the configuration", line, "  (built in)\n");
    /* When no server listens there, the error of udpctl contains the same path. */
    if (error != NULL && *error != '\0')
        harness_contains("the error of udpctl", error,
                         harness_format("%.*s", (int)strcspn(line, " "), line));
}

Test(system_configuration, the_error_for_an_exposed_listener_has_lines_to_paste)
{
    static const char lines[] = "\n    [admission]\n    policy = cookie\n";
    const char *file = harness_path("udpsrv.conf");
    struct result result;

    write_text(file, "[server]\nlisten = 0.0.0.0:0, [::]:0\n");
    result = run(NULL, "udpsrv", "-t", "-c", file, NULL);
    harness_equal("the status", result.status, STATUS_CONFIG);
    expect(strncmp(result.err, harness_format("%s:2:10: ", file), strlen(file) + 7) == 0,
           "expected file, line and column at the start of '%s'", result.err);
    harness_contains("the error", result.err, "0.0.0.0:0 and 1 more");
    harness_contains("the error", result.err, lines);
    harness_equal("lines", (int64_t)text_count(result.err, "\n"), 3);
    write_text(file, harness_format("[server]\nlisten = 0.0.0.0:0, [::]:0%s", lines));
    run_ok(NULL, "udpsrv", "-t", "-c", file, NULL);

    result = run(NULL, "udpsrv", "-t", "-l", "0.0.0.0:0", NULL);
    harness_contains("the error", result.err, "-c");
    harness_contains("the error", result.err, "the sample internet.conf");
    harness_contains("the error", result.err, lines);
}

Test(system_configuration, a_listener_that_other_hosts_reach_needs_a_policy)
{
    static const char *const exposed[] = {"0.0.0.0:0", "[::]:0", "192.0.2.1:3000",
                                          "[2001:db8::1]:3000"};

    for (size_t i = 0; i < sizeof exposed / sizeof exposed[0]; i++) {
        struct result checked = run(NULL, "udpsrv", "-t", "-l", exposed[i], NULL);
        struct result started =
            run(NULL, "udpsrv", "-l", exposed[i], "-s", harness_path("sock"), NULL);

        harness_equal("the status of -t", checked.status, STATUS_CONFIG);
        harness_equal("the status of a start", started.status, STATUS_CONFIG);
        harness_contains("the error", checked.err, "[admission]");
        harness_contains("the error", checked.err, "policy = cookie");
        harness_contains("the error", started.err, "policy = cookie");
    }
}
