/* udpctl config: the configuration in effect, with the values that wait for a restart. */

#include "fake_server.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_config, .fini = harness_end, .timeout = 60);

/* What udpsrv -T prints with the options of a server that was started with -l 127.0.0.1:0. */
static const char *printed(const struct server *server)
{
    return run_ok(NULL, "udpsrv", "-T", "-c", server->config, "-s", server->socket, "-l",
                  "127.0.0.1:0", NULL);
}

/* udpctl config, which must be a configuration that udpsrv accepts. */
static const char *config_of(const struct server *server)
{
    const char *text = ctl_ok(server, "config", NULL);

    run_ok(text, "udpsrv", "-t", "-c", "/dev/stdin", NULL);
    return text;
}

static void expect_part(const char *text, const char *part)
{
    expect(strstr(text, part) != NULL, "expected '%s' in:\n%s", part, text);
}

/* Returns the text without its lines about values that wait for a restart. */
static const char *without_marks(const char *text)
{
    const char *kept = "";

    for (size_t size; *text != '\0'; text += size) {
        size = strcspn(text, "\n") + 1;
        if (strncmp(text, "# after a", 9) != 0)
            kept = harness_format("%s%.*s", kept, (int)size, text);
    }
    return kept;
}

Test(system_config, is_printed_as_the_server_would_print_it)
{
    struct server server = {0};

    server_start(&server,
                 "[reply]\nmessage = \"a, b\"\nmessage = gr\xc3\xbc\xc3\x9f dich\nmessage = \" \"\n"
                 "[admission]\nallow = 127.0.0.0/8, 192.0.2.0/24\nper-prefix = 7\n"
                 "[clients]\nttl = 1500ms\n",
                 "-l", "127.0.0.1:0", NULL);
    cr_assert_str_eq(config_of(&server), printed(&server));
    server_stop(&server);
}

Test(system_config, of_a_server_without_a_file_has_the_defaults)
{
    struct server server = {0};

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    expect_part(config_of(&server), "\n[clients]\nmax = 1000000\nttl = 1m\nsweep = 1s\n");
    expect_part(config_of(&server), harness_format("\nsocket = %s\n", server.socket));
    server_stop(&server);
}

Test(system_config, has_the_new_values_after_a_reload)
{
    struct server server = {0};

    server_start(&server, "[reply]\nmessage = old\n", "-l", "127.0.0.1:0", NULL);
    server_configure(&server, "[reply]\nmessage = new\nmessage = newer\n[clients]\nttl = 7s\n"
                              "[admission]\npolicy = cookie\n");
    ctl_ok(&server, "reload", NULL);
    expect_part(config_of(&server), "\nmessage = new\nmessage = newer\n");
    expect_part(config_of(&server), "\nper-prefix = 65536\n");
    cr_assert_str_eq(config_of(&server), printed(&server));
    server_stop(&server);
}

Test(system_config, marks_what_waits_for_a_restart)
{
    struct server server = {0};
    const char *before, *after;

    server_start(&server, "[clients]\nmax = 100\n", "-l", "127.0.0.1:0", NULL);
    before = config_of(&server);
    server_configure(&server, "[server]\nworkers = 3\nuser = nobody\n[clients]\nmax = 200\n"
                              "[control]\nmode = 0600\n");
    ctl_ok(&server, "reload", NULL);
    after = config_of(&server);
    expect_part(after, "\nworkers = 1\n# after an upgrade: workers = 3\n");
    expect_part(after, "\n# user =\n# after a restart: user = nobody\n");
    expect_part(after, "\nmax = 100\n# after an upgrade: max = 200\n");
    expect_part(after, "\nmode = 0660\n# after a restart: mode = 0600\n");
    cr_assert_str_eq(without_marks(after), before);

    server_configure(&server, "[clients]\nmax = 100\n");
    ctl_ok(&server, "reload", NULL);
    cr_assert_str_eq(config_of(&server), before);
    server_stop(&server);
}

Test(system_config, stays_when_a_reload_is_refused)
{
    struct server server = {0};
    const char *before;

    server_start(&server, "[clients]\nttl = 9s\n", "-l", "127.0.0.1:0", NULL);
    before = config_of(&server);
    server_configure(&server, "[clients]\nttl = 8s\nmax = banana\n");
    harness_equal("the status of the reload", ctl(&server, "reload", NULL).status, 1);
    cr_assert_str_eq(config_of(&server), before);
    server_stop(&server);
}

Test(system_config, as_json_has_an_object_for_each_key)
{
    struct server server = {0};
    const char *json;

    server_start(&server,
                 "[reply]\nmessage = \"a, \\\"b\\\"\"\nmessage = c\n[clients]\nmax = 100\n", "-l",
                 "127.0.0.1:0", NULL);
    server_configure(&server, "[reply]\nmessage = \"a, \\\"b\\\"\"\nmessage = c\n[server]\n"
                              "user = nobody\n[clients]\nmax = 200\n[admission]\n"
                              "deny = 192.0.2.1, 192.0.2.2\n");
    ctl_ok(&server, "reload", NULL);
    json = ctl_ok(&server, "config", "--json", NULL);
    run_ok(json, "python3", "-c",
           "import json, sys\n"
           "keys = json.load(sys.stdin)\n"
           "assert keys['server.listen'] == {'value': ['127.0.0.1:0']}, keys\n"
           "assert keys['server.user'] == {'value': None, 'after_restart': 'nobody'}, keys\n"
           "assert keys['server.group'] == {'value': None}, keys\n"
           "assert keys['clients.max'] == {'value': '100', 'after_restart': '200'}, keys\n"
           "assert keys['reply.message'] == {'value': [r'\"a, \\\"b\\\"\"', 'c']}, keys\n"
           "assert keys['admission.allow'] == {'value': []}, keys\n"
           "assert keys['admission.deny'] == {'value': ['192.0.2.1', '192.0.2.2']}, keys\n"
           "assert list(keys)[0] == 'server.listen' and list(keys)[-1] == 'log.target', keys\n",
           NULL);
    server_stop(&server);
}

/* ---- large configurations ---- */

enum { BLOCKS = 20000, MESSAGE_BYTES = 65507 };

/* Messages whose values are 262 kB long, and many blocks. */
static const char *large_configuration(void)
{
    const char *path = harness_path("large.conf");
    FILE *file = fopen(path, "we");

    expect(file != NULL, "expected to write %s", path);
    fprintf(file, "[reply]\n");
    for (int i = 0; i < 3; i++) {
        fprintf(file, "message = \"%d", i);
        for (int k = 1; k < MESSAGE_BYTES; k++)
            fprintf(file, "\\x%02x", 0x80 + k % 128);
        fprintf(file, "\"\n");
    }
    fprintf(file, "[admission]\n");
    for (int i = 0; i < BLOCKS; i++)
        fprintf(file, "deny = 10.%d.%d.0/24\n", i / 256, i % 256);
    fclose(file);
    return run_ok(NULL, "cat", path, NULL);
}

Test(system_config, of_any_length_is_printed_whole)
{
    struct server server = {0};
    const char *text;

    server_start(&server, large_configuration(), "-l", "127.0.0.1:0", NULL);
    text = ctl_ok(&server, "config", NULL);
    expect(strcmp(text, printed(&server)) == 0, "expected what udpsrv -T prints");
    harness_equal("the number of blocks", (int64_t)text_count(text, "\ndeny = "), BLOCKS);
    server_stop(&server);
}

/* The answer has the configuration of the moment in which it was asked for. */
Test(system_config, that_is_read_slowly_is_not_changed_by_a_reload)
{
    struct server server = {0};
    const char *answer;
    int slow;

    server_start(&server, large_configuration(), "-l", "127.0.0.1:0", NULL);
    slow = control_client_open(&server);
    expect(operator_send(slow, "config\n", 7), "expected to send the command");
    server_ask(&server, "status");
    server_configure(&server, "[clients]\nttl = 7s\n");
    ctl_ok(&server, "reload", NULL);
    expect_part(config_of(&server), "\nttl = 7s\n");
    answer = operator_answer(slow);
    expect(answer != NULL, "expected the whole answer");
    harness_equal("the number of blocks", (int64_t)text_count(answer, "\nitem admission.deny 10."),
                  BLOCKS);
    expect_part(answer, "\nvalue clients.ttl 1m\n");
    server_stop(&server);
}

Test(system_config, that_is_not_read_does_not_delay_the_stop)
{
    struct server server = {0};
    int slow;

    server_start(&server, large_configuration(), "-l", "127.0.0.1:0", NULL);
    slow = control_client_open(&server);
    expect(operator_send(slow, "config\n", 7), "expected to send the command");
    server_ask(&server, "status");
    server_stop(&server);
}

/* ---- the answer of another server ---- */

Test(system_config, lines_of_a_newer_server_are_ignored)
{
    static const char answer[] =
        "ok\nvalue a.b c\nmore d\nnovel a.b c\nmore e\nrestart-value a.b f\n.\n";
    const char *path = harness_path("fake");
    int listener = fake_server_listen(path), connection;
    struct process process;
    char byte = '\0';

    process_start(&process, NULL, (const char *const[]){"udpctl", "-s", path, "config", NULL});
    connection = accept(listener, NULL, NULL);
    while (byte != '\n' && read(connection, &byte, 1) == 1)
        continue;
    operator_send(connection, answer, strlen(answer));
    harness_equal("the status", process_wait(&process), 0);
    cr_assert_str_eq(process.texts[0].data, "[a]\nb = cd\n# after a restart: b = f\n");
    close(connection);
    close(listener);
}
