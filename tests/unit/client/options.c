/* Tests of the command line of udpcli. */
#include "client/options.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

enum { ARGUMENTS_MAX = 16, ARGUMENT_BYTES = 64 };

static struct client_options options;

static void redirect(void)
{
    cr_redirect_stdout();
    cr_redirect_stderr();
}

/* Reads a command line of words separated by blanks; "''" is an empty word. */
static int read_line(const char *line)
{
    static char words[ARGUMENTS_MAX][ARGUMENT_BYTES];
    static char *argv[ARGUMENTS_MAX + 1];
    int argc = 0;
    for (int used; sscanf(line, "%63s%n", words[argc], &used) == 1; line += used) {
        if (strcmp(words[argc], "''") == 0)
            words[argc][0] = '\0';
        argv[argc] = words[argc];
        argc++;
    }
    argv[argc] = NULL;
    return client_options_read(&options, argc, argv);
}

static void expect_usage(const char *line)
{
    int status = read_line(line);
    cr_assert_eq(status, 2, "'%s' gave %d", line, status);
}

TestSuite(client_options, .init = redirect, .timeout = 10);

Test(client_options, has_the_documented_defaults)
{
    cr_assert_eq(read_line("udpcli 127.0.0.1"), -1);
    cr_assert_eq(options.timeout_ms, 2000);
    cr_assert_eq(options.retries, 2);
    cr_assert_eq(options.count, 1);
    cr_assert_eq(options.keepalive_ms, 0);
    cr_assert_eq(options.target.addr.port, 3000);
    cr_assert_null(options.message);
}

Test(client_options, accepts_short_and_long_forms)
{
    cr_assert_eq(read_line("udpcli -w 5 -r 0 -n 3 -4 localhost:9 hi"), -1);
    cr_assert_eq(options.timeout_ms, 5000);
    cr_assert_eq(options.retries, 0);
    cr_assert_eq(options.count, 3);
    cr_assert_eq(options.route.family, ADDR_IPV4);
    cr_assert_eq(options.target.port, 9);
    cr_assert_str_eq(options.message, "hi");
    cr_assert_eq(options.message_size, 2);
    cr_assert_eq(read_line("udpcli --timeout=50ms --keepalive=20s --json --ipv6 --hex ::1"), -1);
    cr_assert_eq(options.timeout_ms, 50);
    cr_assert_eq(options.keepalive_ms, 20000);
    cr_assert(options.json && options.hex);
    cr_assert_eq(options.route.family, ADDR_IPV6);
}

Test(client_options, distinguishes_an_empty_message_from_none)
{
    cr_assert_eq(read_line("udpcli 127.0.0.1 ''"), -1);
    cr_assert_not_null(options.message);
    cr_assert_eq(options.message_size, 0);
}

Test(client_options, decodes_a_hexadecimal_message)
{
    cr_assert_eq(read_line("udpcli --hex 127.0.0.1 00fF"), -1);
    cr_assert_eq(options.message_size, 2);
    cr_assert_arr_eq(options.message, "\0\xff", 2);
}

Test(client_options, accepts_streams)
{
    cr_assert_eq(read_line("udpcli tcp:127.0.0.1 hi"), -1);
    cr_assert_eq(options.target.transport, TRANSPORT_TCP);
    cr_assert_eq(options.target.addr.port, 3000);
    cr_assert_str_eq(options.message, "hi");
    cr_assert_eq(read_line("udpcli unix:/run/chat"), -1);
    cr_assert_eq(options.target.transport, TRANSPORT_UNIX);
    cr_assert_str_eq(options.target.path, "/run/chat");
    cr_assert_not(options.route.group);
}

Test(client_options, accepts_a_group_instead_of_a_host)
{
    cr_assert_eq(read_line("udpcli --group 239.1.2.3:3000 hi"), -1);
    cr_assert(options.route.group);
    cr_assert_eq(options.route.target, &options.target);
    cr_assert_eq(options.route.ttl, 1);
    cr_assert_null(options.route.interface);
    cr_assert_eq(options.timeout_ms, 0);
    cr_assert_str_eq(options.message, "hi");
    cr_assert_eq(read_line("udpcli -g 239.1.2.3:3000 -i eth0 --ttl 0"), -1);
    cr_assert_str_eq(options.route.interface, "eth0");
    cr_assert_eq(options.route.ttl, 0);
    cr_assert_null(options.message);
    expect_usage("udpcli --group 239.1.2.3");
    expect_usage("udpcli --group 192.0.2.1:3000");
    expect_usage("udpcli --group 239.1.2.3:3000 a b");
    expect_usage("udpcli --group 239.1.2.3:3000 --ttl 256");
    expect_usage("udpcli --ttl 1 127.0.0.1");
    expect_usage("udpcli --interface lo 127.0.0.1");
    expect_usage("udpcli 239.1.2.3:3000");
}

Test(client_options, refuses_wrong_usage)
{
    expect_usage("udpcli");
    expect_usage("udpcli 127.0.0.1 a b");
    expect_usage("udpcli --nonsense 127.0.0.1");
    expect_usage("udpcli 127.0.0.1:0 a");
    expect_usage("udpcli -w x 127.0.0.1 a");
    expect_usage("udpcli -w 25h 127.0.0.1 a");
    expect_usage("udpcli -r -1 127.0.0.1 a");
    expect_usage("udpcli -n 0 127.0.0.1 a");
    expect_usage("udpcli -n 2 127.0.0.1");
    expect_usage("udpcli -k 0 127.0.0.1");
    expect_usage("udpcli -k 20s 127.0.0.1 a");
    expect_usage("udpcli --hex 127.0.0.1 abc");
    expect_usage("udpcli --hex 127.0.0.1 zz");
    expect_usage("udpcli -6 127.0.0.1 a");
}

Test(client_options, succeeds_at_help_and_version)
{
    cr_assert_eq(read_line("udpcli -h"), 0);
    cr_assert_eq(read_line("udpcli --version"), 0);
}

Test(client_options, says_hello_by_itself_unless_the_user_wants_a_plain_client)
{
    cr_assert_eq(read_line("udpcli 127.0.0.1"), -1);
    cr_assert_eq(options.frames.policy, HELLO_UNASKED);
    cr_assert(options.frames.confirms);
    cr_assert_null(options.frames.name);
    cr_assert_eq(read_line("udpcli --plain 127.0.0.1"), -1);
    cr_assert_eq(options.frames.policy, HELLO_NEVER);
    cr_assert_not(options.frames.frames);
    cr_assert_not(options.frames.confirms);
    cr_assert_eq(read_line("udpcli --no-confirm 127.0.0.1"), -1);
    cr_assert_eq(options.frames.policy, HELLO_ASKED);
    cr_assert(options.frames.frames);
    cr_assert_not(options.frames.confirms);
}

Test(client_options, says_no_hello_by_a_stream_or_to_a_group)
{
    static const char *const lines[] = {"udpcli tcp:127.0.0.1", "udpcli unix:/run/chat",
                                        "udpcli -g 239.1.2.3:3000"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        cr_assert_eq(read_line(lines[i]), -1);
        cr_assert_eq(options.frames.policy, HELLO_NEVER, "%s", lines[i]);
    }
}

Test(client_options, asks_for_a_name_with_confirmed_broadcasts_or_without)
{
    cr_assert_eq(read_line("udpcli --name pump-4 127.0.0.1"), -1);
    cr_assert_eq(options.frames.policy, HELLO_ASKED);
    cr_assert_str_eq(options.frames.name, "pump-4");
    cr_assert(options.frames.confirms);
    cr_assert_eq(read_line("udpcli --name pump-4 --no-confirm 127.0.0.1"), -1);
    cr_assert_eq(options.frames.policy, HELLO_ASKED);
    cr_assert(options.frames.frames);
    cr_assert_not(options.frames.confirms);
}

Test(client_options, confirms_nothing_with_a_message)
{
    cr_assert_eq(read_line("udpcli 127.0.0.1 hi"), -1);
    cr_assert_eq(options.frames.policy, HELLO_NEVER);
    cr_assert_eq(read_line("udpcli --name x 127.0.0.1 hi"), -1);
    cr_assert_eq(options.frames.policy, HELLO_ASKED);
    cr_assert_not(options.frames.frames);
    cr_assert_not(options.frames.confirms);
    cr_assert_eq(read_line("udpcli --plain 127.0.0.1 hi"), -1);
    cr_assert_eq(options.frames.policy, HELLO_NEVER);
    expect_usage("udpcli --no-confirm 127.0.0.1 hi");
}

Test(client_options, takes_the_file_of_the_key_of_a_name)
{
    cr_assert_eq(read_line("udpcli --name pump-4 --key-file /etc/pump-4.key 127.0.0.1"), -1);
    cr_assert_str_eq(options.key_file, "/etc/pump-4.key");
    cr_assert_eq(options.frames.key, options.key);
    cr_assert_eq(read_line("udpcli --name pump-4 127.0.0.1"), -1);
    cr_assert_null(options.key_file);
    cr_assert_null(options.frames.key);
    expect_usage("udpcli --key-file /etc/pump-4.key 127.0.0.1");
    expect_usage("udpcli --name pump-4 --key-file");
}

Test(client_options, rejects_bad_names_and_combinations_of_hello)
{
    expect_usage("udpcli --name '' 127.0.0.1");
    expect_usage("udpcli --name a\x1b 127.0.0.1");
    expect_usage("udpcli --name a\xff 127.0.0.1");
    expect_usage("udpcli --plain --no-confirm 127.0.0.1");
    expect_usage("udpcli --plain --name x 127.0.0.1");
    expect_usage("udpcli --name x unix:/run/chat");
    expect_usage("udpcli --no-confirm -g 239.1.2.3:3000");
    expect_usage("udpcli --no-confirm tcp:127.0.0.1");
}
