/* Tests of the command line of udpload. */
#include "load/options.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

enum { ARGUMENTS_MAX = 32, ARGUMENT_BYTES = 64 };

static const uint64_t SECOND_NS = 1000000000;

static struct load_options options;

static void redirect(void)
{
    cr_redirect_stdout();
    cr_redirect_stderr();
}

static void free_options(void)
{
    load_options_free(&options);
}

/* Parses a command line of words without blanks; "''" is an empty word. */
static int read_line(const char *line)
{
    static char words[ARGUMENTS_MAX][ARGUMENT_BYTES];
    static char *argv[ARGUMENTS_MAX + 1];
    int argc = 0;
    load_options_free(&options);
    for (int used; sscanf(line, "%63s%n", words[argc], &used) == 1; line += used) {
        if (strcmp(words[argc], "''") == 0)
            words[argc][0] = '\0';
        argv[argc] = words[argc];
        argc++;
    }
    argv[argc] = NULL;
    return load_options_read(&options, argc, argv);
}

static void expect_usage(const char *line)
{
    int status = read_line(line);
    cr_assert_eq(status, LOAD_USAGE, "'%s' gave %d", line, status);
}

TestSuite(load_options, .init = redirect, .fini = free_options, .timeout = 10);

Test(load_options, has_the_defaults_of_the_manual)
{
    cr_assert_eq(read_line("udpload 127.0.0.1"), -1);
    cr_assert_eq(options.target.addr.port, 3000);
    cr_assert_eq(options.clients, 1000);
    cr_assert_eq(options.rate, 1000);
    cr_assert_eq(options.outstanding, 256);
    cr_assert_eq(options.duration_ns, 10 * SECOND_NS);
    cr_assert_eq(options.count, UINT64_MAX);
    cr_assert_eq(options.timeout_ns, SECOND_NS);
    cr_assert_eq(options.omit_ns, 0);
    cr_assert_eq(options.threads, 1);
    cr_assert_eq(options.message_size, 2);
    cr_assert_eq(memcmp(options.message, "hi", 2), 0);
    cr_assert_not(options.interval_given);
}

Test(load_options, takes_a_bare_number_as_seconds)
{
    cr_assert_eq(read_line("udpload -l 3 -t 2 -O 1 -S 1 ::1"), -1);
    cr_assert_eq(options.duration_ns, 3 * SECOND_NS);
    cr_assert_eq(options.timeout_ns, 2 * SECOND_NS);
    cr_assert_eq(options.omit_ns, SECOND_NS);
    cr_assert_eq(options.interval_ns, SECOND_NS);
    cr_assert(options.interval_given);
    cr_assert_eq(read_line("udpload -l 50ms -t 10ms ::1"), -1);
    cr_assert_eq(options.duration_ns, SECOND_NS / 20);
}

Test(load_options, gives_short_runs_shorter_intervals)
{
    cr_assert_eq(read_line("udpload -l 20 ::1"), -1);
    cr_assert_eq(options.interval_ns, SECOND_NS / 10);
    cr_assert_eq(read_line("udpload -n 20000 -Q 1000 ::1"), -1);
    cr_assert_eq(options.interval_ns, SECOND_NS / 10);
    cr_assert_eq(read_line("udpload -n 20001 -Q 1000 ::1"), -1);
    cr_assert_eq(options.interval_ns, SECOND_NS);
    cr_assert_eq(read_line("udpload -n 9223372036854775807 -Q 1 ::1"), -1);
    cr_assert_eq(options.interval_ns, SECOND_NS);
    cr_assert_eq(read_line("udpload -n 5 -Q max ::1"), -1);
    cr_assert_eq(options.interval_ns, SECOND_NS);
}

Test(load_options, has_no_time_limit_with_only_a_count)
{
    cr_assert_eq(read_line("udpload -n 5 ::1"), -1);
    cr_assert_eq(options.count, 5);
    cr_assert_eq(options.duration_ns, UINT64_MAX);
    cr_assert_eq(read_line("udpload -n 5 -l 1 ::1"), -1);
    cr_assert_eq(options.duration_ns, SECOND_NS);
}

Test(load_options, takes_rates_and_max)
{
    cr_assert_eq(read_line("udpload -Q 10000000 h"), -1);
    cr_assert_eq(options.rate, 10000000);
    cr_assert_eq(read_line("udpload --rate=max -q 7 h"), -1);
    cr_assert_eq(options.rate, 0);
    cr_assert_eq(options.outstanding, 7);
}

Test(load_options, repeats_the_message_up_to_its_size)
{
    cr_assert_eq(read_line("udpload -m abc --size 8 h"), -1);
    cr_assert_eq(options.message_size, 8);
    cr_assert_eq(memcmp(options.message, "abcabcab", 8), 0);
    cr_assert_eq(read_line("udpload -m '' h"), -1);
    cr_assert_eq(options.message_size, 0);
    expect_usage("udpload -m abc --size 2 h");
    expect_usage("udpload -m '' --size 2 h");
    expect_usage("udpload --size 65508 h");
}

Test(load_options, splits_the_expected_replies)
{
    cr_assert_eq(read_line("udpload --expect audi,toyota,bmw h"), -1);
    cr_assert_eq(options.expected_count, 3);
    cr_assert_eq(options.expected[1].size, 6);
    cr_assert_eq(memcmp(options.expected[1].bytes, "toyota", 6), 0);
    expect_usage("udpload --expect '' h");
    expect_usage("udpload --expect a,,b h");
    expect_usage("udpload --expect a,b,a h");
}

Test(load_options, reads_a_percentage)
{
    static const struct {
        const char *text;
        uint32_t ppm;
    } good[] = {{"0.1%", 1000}, {"0", 0}, {"5", 50000}, {"0.0001%", 1}, {"100%", 1000000}};
    static const char *const bad[] = {"x", "%", "100.1%", "101", "0.00001%", "1%%", "-1", "."};
    char line[ARGUMENT_BYTES];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(line, sizeof line, "udpload --find-max --max-loss %s h", good[i].text);
        cr_assert_eq(read_line(line), -1, "%s", good[i].text);
        cr_assert_eq(options.max_loss_ppm, good[i].ppm, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(line, sizeof line, "udpload --find-max --max-loss=%s h", bad[i]);
        expect_usage(line);
    }
}

Test(load_options, tolerates_any_loss_unless_max_loss_or_find_max_is_given)
{
    cr_assert_eq(read_line("udpload h"), -1);
    cr_assert_eq(options.max_loss_ppm, LOAD_LOSS_ANY);
    cr_assert_eq(read_line("udpload --find-max h"), -1);
    cr_assert_eq(options.max_loss_ppm, 1000);
    cr_assert_eq(read_line("udpload --max-loss 1% h"), -1);
    cr_assert_eq(options.max_loss_ppm, 10000);
}

Test(load_options, registers_each_client_once_for_a_fan_out)
{
    cr_assert_eq(read_line("udpload --fanout --control /s -c 77 -n 3 h"), -1);
    cr_assert_eq(options.broadcasts, 3);
    cr_assert_eq(options.count, 77);
    cr_assert_eq(options.rate, 0);
    cr_assert_str_eq(options.control, "/s");
    cr_assert_eq(read_line("udpload --fanout h"), -1);
    cr_assert_eq(options.broadcasts, 1);
    cr_assert_not_null(options.control);
}

Test(load_options, refuses_values_out_of_range)
{
    static const char *const lines[] = {
        "udpload -c 0 h",           "udpload -c 67108865 h",
        "udpload -Q 0 h",           "udpload -Q 10000001 h",
        "udpload -Q fast h",        "udpload -Q -5 h",
        "udpload -l 0 h",           "udpload -l 25h h",
        "udpload -l soon h",        "udpload -n 0 h",
        "udpload -t 0 h",           "udpload -T 0 h",
        "udpload -T 65 h",          "udpload -q 0 h",
        "udpload -S 1ms h",         "udpload -S 10ms -l 1h h",
        "udpload --source 1.2.3 h", "udpload --source 127.0.0.2:5 h",
        "udpload --json= h",        "udpload --seed x --poisson h",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect_usage(lines[i]);
}

Test(load_options, refuses_options_that_exclude_each_other)
{
    static const char *const lines[] = {
        "udpload",
        "udpload h i",
        "udpload --control /s h",
        "udpload --seed 1 h",
        "udpload --seed 1 --fanout --confirm h",
        "udpload --confirm h",
        "udpload --drop 10% h",
        "udpload --fanout --drop 10% h",
        "udpload --fanout --confirm --drop 101% h",
        "udpload --fanout --confirm --drop x h",
        "udpload --find-max --fanout h",
        "udpload --find-max -n 5 h",
        "udpload --find-max -Q max h",
        "udpload --poisson -Q max h",
        "udpload --fanout -l 5 h",
        "udpload --fanout -O 5 h",
        "udpload -q 5 h",
        "udpload -c 2 -T 3 h",
        "udpload -Q max -q 2 -T 3 h",
        "udpload -6 127.0.0.1",
        "udpload --source ::1 127.0.0.1",
        "udpload 127.0.0.1:0",
        "udpload [::1",
        "udpload 1::2::3",
        "udpload ::1:3000",
        "udpload --json r --hdr r h",
        "udpload --json - --hdr - h",
        "udpload --html /dev/stdout --hdr - h",
        "udpload --html r --hdr r h",
        "udpload --html r --json r h",
        "udpload --rat 5 --unknown h",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect_usage(lines[i]);
}

Test(load_options, prints_help_and_version)
{
    cr_assert_eq(read_line("udpload --help"), 0);
    cr_assert_eq(read_line("udpload -V"), 0);
}

Test(load_options, keeps_the_command_line_quoted_for_a_shell)
{
    char *const argv[] = {"udpload", "-m", "it's $5", "", "[::1]:3000", NULL};
    load_options_read(&options, 5, (char *[]){argv[0], argv[1], argv[2], argv[3], argv[4], NULL});
    cr_assert_str_eq(options.command, "udpload -m 'it'\\''s $5' '' '[::1]:3000'");
}

Test(load_options, prints_no_text_if_a_report_is_written_to_standard_output)
{
    cr_assert_eq(read_line("udpload --json r --hdr s --html t h"), -1);
    cr_assert(options.text);
    cr_assert_eq(read_line("udpload --json - h"), -1);
    cr_assert_not(options.text);
    cr_assert_eq(read_line("udpload --hdr r --html /dev/stdout h"), -1);
    cr_assert_not(options.text);
    cr_assert_str_eq(options.html, LOAD_STANDARD_OUTPUT);
    cr_assert_eq(read_line("udpload --json ./- h"), -1);
    cr_assert(options.text);
}

Test(load_options, has_clients_confirm_and_lose_datagrams_by_a_seed)
{
    cr_assert_eq(read_line("udpload --fanout h"), -1);
    cr_assert_not(options.confirm);
    cr_assert_eq(read_line("udpload --fanout --confirm h"), -1);
    cr_assert(options.confirm);
    cr_assert_eq(options.drop_ppm, 0);
    cr_assert_eq(read_line("udpload --fanout --confirm --drop 12.5% --seed 7 h"), -1);
    cr_assert_eq(options.drop_ppm, 125000);
    cr_assert_eq(options.seed, 7);
}
