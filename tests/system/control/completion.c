/* Shell completion of the four programs: bash, zsh and fish with the scripts that are installed
 * must offer what the help of each program lists. */

#include "completion_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(system_completion, .fini = harness_end, .timeout = 60);

static const char *const programs[] = {"udpsrv", "udpctl", "udpcli", "udpload"};
enum { PROGRAMS = sizeof programs / sizeof *programs };

/* Returns what bash offers for the last of words in line: sorted, each after a newline. The words
 * are split as bash does it, also at = and :. */
static const char *bash_offers(const char *line, const char *const *words)
{
    const char *program = words[0], *list = "";

    for (; *words != NULL; words++)
        list = harness_format("%s '%s'", list, *words);
    return run_ok(NULL, "bash", "--norc", "-c",
                  harness_format("source '%s' || exit\n"
                                 "COMP_WORDS=(%s) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                                 "COMP_LINE='%s' COMP_POINT=${#COMP_LINE} COMPREPLY=()\n"
                                 "_%s '%s'\n"
                                 "echo; for word in \"${COMPREPLY[@]}\"; do echo \"$word\"; done | "
                                 "LC_ALL=C sort",
                                 completion_script("bash", program), list, line, program,
                                 program_path(program)),
                  NULL);
}

#define BASH(line, ...) bash_offers(line, (const char *const[]){__VA_ARGS__, NULL})

static const char *fish_offers(const char *program, const char *line)
{
    return run_ok(
        NULL, "fish", "--no-config", "-c",
        harness_format("source %s; complete -C '%s'", completion_script("fish", program), line),
        NULL);
}

/* Calls visit for each long option in a program's help. Returns how many there are. */
static int each_option(const char *program, void (*visit)(const char *program, const char *name))
{
    const char *help = run_ok(NULL, program, "--help", NULL);
    int count = 0;

    for (const char *line = help; line != NULL; line = strchr(line + 1, '\n')) {
        const char *option = strstr(line, "--");
        const char *end = strchr(line + 1, '\n');

        /* A row of the table: blanks, possibly a short option, the long one. */
        if (option == NULL || (end != NULL && option > end) || strncmp(line, "\n  ", 3) != 0 ||
            option - line > 7)
            continue;
        visit(program, harness_format("%.*s", (int)strcspn(option, " \n"), option));
        count++;
    }
    return count;
}

/* Commands that an option may belong to; "" for options that belong to no command. */
static const char *const commands[] = {"",         "clients ", "broadcast ", "watch ", "kick ",
                                       "gateway ", "job ",     "key ",       "bridge "};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* ---- bash ---- */

static void expect_in_bash(const char *program, const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const char *command = harness_format("%.*s", (int)strcspn(commands[i], " "), commands[i]);
        const char *line = harness_format("%s %s%s", program, commands[i], name);
        const char *offers =
            *command ? BASH(line, program, command, name) : BASH(line, program, name);

        if (strstr(offers, harness_format("\n%s\n", name)) != NULL)
            return;
    }
    harness_fail("expected bash to complete %s %s", program, name);
}

Test(system_completion, bash_offers_each_option_of_the_help)
{
    for (size_t i = 0; i < PROGRAMS; i++)
        expect(each_option(programs[i], expect_in_bash) >= 7, "expected options in the help of %s",
               programs[i]);
}

Test(system_completion, bash_offers_no_more_options_than_the_help)
{
    for (size_t i = 0; i < PROGRAMS; i++) {
        const char *help = run_ok(NULL, programs[i], "--help", NULL);
        const char *line = harness_format("%s --", programs[i]);
        char *offers = strdup(BASH(line, programs[i], "--"));

        for (char *name = strtok(offers, "\n"); name != NULL; name = strtok(NULL, "\n"))
            harness_contains("the help", help, harness_format(" %s ", name));
        free(offers);
    }
}

Test(system_completion, bash_offers_the_commands_of_the_help)
{
    const char *help = run_ok(NULL, "udpctl", "--help", NULL);
    char *offers = strdup(BASH("udpctl ", "udpctl", ""));
    size_t count = 0;

    for (char *name = strtok(offers, "\n"); name != NULL; name = strtok(NULL, "\n"), count++)
        harness_contains("the help", help, harness_format("\n  %s ", name));
    free(offers);
    const char *listed = strstr(help, "Commands:\n");
    expect(listed != NULL, "expected commands in the help");
    const char *end = strstr(listed, "\n\n");
    size_t rows = 0;
    for (const char *row = listed; (row = strchr(row, '\n')) != NULL && row < end; row++)
        rows++;
    harness_equal("commands that are offered", (int64_t)count, (int64_t)rows);
    cr_assert_str_eq(BASH("udpctl sta", "udpctl", "sta"), "\nstats\nstatus\n");
    cr_assert_str_eq(BASH("udpctl -t 5s sta", "udpctl", "-t", "5s", "sta"), "\nstats\nstatus\n");
    cr_assert_str_eq(BASH("udpctl status s", "udpctl", "status", "s"), "\n");
}

Test(system_completion, bash_completes_the_argument_of_an_option)
{
    cr_assert_str_eq(BASH("udpctl clients --sort ", "udpctl", "clients", "--sort", ""),
                     "\naddress\nidle\n");
    cr_assert_str_eq(BASH("udpctl clients --sort=", "udpctl", "clients", "--sort", "="),
                     "\naddress\nidle\n");
    cr_assert_str_eq(BASH("udpctl clients --sort=i", "udpctl", "clients", "--sort", "=", "i"),
                     "\nidle\n");
    cr_assert_str_eq(BASH("udpctl clients --limit ", "udpctl", "clients", "--limit", ""), "\n");
    /* An option of another command, and an option after the end of options. */
    cr_assert_str_eq(BASH("udpctl status --li", "udpctl", "status", "--li"), "\n");
    cr_assert_str_eq(BASH("udpctl clients -- --li", "udpctl", "clients", "--", "--li"), "\n");
}

Test(system_completion, bash_offers_files_where_a_file_is_wanted)
{
    static const struct {
        const char *program, *option;
    } cases[] = {{"udpsrv", "-c"},      {"udpsrv", "--config"}, {"udpctl", "-s"},
                 {"udpload", "--json"}, {"udpload", "--html"},  {"udpsrv", "--socket"}};
    const char *file = harness_path("a file");
    const char *start = harness_format("%.*s", (int)strlen(file) - 4, file);

    expect(run(NULL, "touch", file, NULL).status == 0, "expected a file");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *line = harness_format("%s %s %s", cases[i].program, cases[i].option, start);
        cr_assert_str_eq(BASH(line, cases[i].program, cases[i].option, start),
                         harness_format("\n%s\n", file));
    }
}

Test(system_completion, bash_offers_the_clients_and_jobs_of_the_server)
{
    struct server server = {.listeners = 0};
    int udp = udp_open("127.0.0.1");

    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "audi");
    ctl_ok(&server, "broadcast", "x", NULL);

    struct endpoint name = udp_name(udp);
    const char *address = endpoint_text(&name);
    const char *line = harness_format("udpctl -s %s kick ", server.socket);
    cr_assert_str_eq(BASH(line, "udpctl", "-s", server.socket, "kick", ""),
                     harness_format("\n%s\n", address));
    /* bash splits at the colon: only the part after it is offered. */
    line = harness_format("%s127.0.0.1:", line);
    cr_assert_str_eq(BASH(line, "udpctl", "-s", server.socket, "kick", "127.0.0.1", ":"),
                     harness_format("\n%s\n", strchr(address, ':') + 1));
    line = harness_format("udpctl -s %s send ", server.socket);
    cr_assert_str_eq(BASH(line, "udpctl", "-s", server.socket, "send", ""),
                     harness_format("\n%s\n", address));
    line = harness_format("udpctl -s %s send x ", server.socket);
    cr_assert_str_eq(BASH(line, "udpctl", "-s", server.socket, "send", "x", ""), "\n");
    line = harness_format("udpctl -s %s cancel ", server.socket);
    cr_assert_str_eq(BASH(line, "udpctl", "-s", server.socket, "cancel", ""), "\n1\n");
    line = harness_format("udpctl -s %s events joined exp", server.socket);
    cr_assert_str_eq(BASH(line, "udpctl", "-s", server.socket, "events", "joined", "exp"),
                     "\nexpired\n");
    server_stop(&server);
    /* Without a server nothing is offered, and no error is printed. */
    cr_assert_str_eq(BASH(line, "udpctl", "-s", server.socket, "cancel", ""), "\n");
}

/* Starts a server with two clients at each of its listeners, over UDP and a Unix socket. Returns
 * the UDP listener's name, and sets the other's. */
static const char *start_with_two_listeners(struct server *server, const char **other)
{
    *server = (struct server){.listeners = 0};
    *other = harness_format("unix:%s", harness_path("a_stream-1"));
    server_start(server, NULL, "-l", "127.0.0.1:0", "-l", *other, NULL);
    for (int i = 0; i < 2; i++) {
        udp_send_from_new_client(&server->at[0]);
        stream_open(*other);
    }
    server_await_stat(server, "clients", 4);
    return endpoint_text(&server->at[0]);
}

Test(system_completion, bash_offers_each_listener_that_has_a_client_once)
{
    struct server server;
    const char *other, *name = start_with_two_listeners(&server, &other);
    const char *line = harness_format("udpctl -s %s clients --listener ", server.socket);

    cr_assert_str_eq(BASH(line, "udpctl", "-s", server.socket, "clients", "--listener", ""),
                     harness_format("\n%s\n%s\n", name, other));
    line = harness_format("udpctl -s %s clients --listener=127", server.socket);
    cr_assert_str_eq(BASH(line, "udpctl", "-s", server.socket, "clients", "--listener", "=", "127"),
                     harness_format("\n%s\n", name));
    server_stop(&server);
}

/* ---- fish ---- */

static void expect_in_fish(const char *program, const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const char *line = harness_format("%s %s%s", program, commands[i], name);
        const char *offers = harness_format("\n%s", fish_offers(program, line));

        if (strstr(offers, harness_format("\n%s\t", name)) ||
            strstr(offers, harness_format("\n%s=\t", name)))
            return;
    }
    harness_fail("expected fish to complete %s %s", program, name);
}

Test(system_completion, fish_offers_each_option_of_the_help)
{
    completion_need_shell("fish");
    for (size_t i = 0; i < PROGRAMS; i++)
        each_option(programs[i], expect_in_fish);
}

Test(system_completion, fish_offers_commands_choices_and_files)
{
    const char *file = harness_path("file.conf");

    completion_need_shell("fish");
    expect(run(NULL, "touch", file, NULL).status == 0, "expected a file");
    for (size_t i = 0; i < PROGRAMS; i++)
        run_ok(NULL, "fish", "-n", completion_script("fish", programs[i]), NULL);
    cr_assert_str_eq(fish_offers("udpctl", "udpctl st"),
                     "stats\tall counters and their meaning\n"
                     "status\twhether the server runs, its clients and uptime\n"
                     "stop\tstop the server\n"
                     "streams\tshow which entries of streams were broadcast last, by --key\n");
    /* The name of the socket is not the command. */
    harness_contains("what fish offers", fish_offers("udpctl", "udpctl -s stats sta"), "status\t");
    cr_assert_str_eq(fish_offers("udpctl", "udpctl status st"), "");
    harness_contains("what fish offers", fish_offers("udpctl", "udpctl clients --sort "), "idle");
    harness_contains("what fish offers",
                     fish_offers("udpsrv", harness_format("udpsrv -c %s", harness_path("fil"))),
                     file);
}

Test(system_completion, fish_offers_the_clients_and_listeners_of_the_server)
{
    struct server server;
    const char *other, *name = start_with_two_listeners(&server, &other);
    const char *begin = harness_format("%s -s %s", program_path("udpctl"), server.socket);

    completion_need_shell("fish");
    const char *offers = fish_offers("udpctl", harness_format("%s clients --listener ", begin));
    harness_contains("what fish offers", offers, harness_format("%s\t", name));
    harness_contains("what fish offers", offers, harness_format("%s\t", other));
    harness_equal("listeners", (int64_t)text_count(offers, "\n"), 2);
    offers = fish_offers("udpctl", harness_format("%s kick ", begin));
    harness_equal("clients over UDP", (int64_t)text_count(offers, "127."), 2);
    harness_equal("clients over Unix sockets", (int64_t)text_count(offers, "unix:#"), 2);
    harness_contains("what fish offers",
                     fish_offers("udpctl", harness_format("%s events joined exp", begin)),
                     "expired\n");
    server_stop(&server);
}

/* ---- zsh ---- */

/* Returns the arguments that a program's completion passes to zsh's _arguments after words. */
static const char *zsh_options(const char *program, const char *words)
{
    return run_ok(NULL, "zsh", "-f", "-c",
                  harness_format("_arguments() { print -rl -- \"$@\" }\n"
                                 "words=(%s %s ''); CURRENT=$#words; source '%s'",
                                 program, words, completion_script("zsh", program)),
                  NULL);
}

static void expect_in_zsh(const char *program, const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const char *options = zsh_options(program, commands[i]);

        if (strstr(options, harness_format("\n*%s[", name)) != NULL ||
            strstr(options, harness_format("\n*%s=[", name)) != NULL)
            return;
    }
    harness_fail("expected zsh to complete %s %s", program, name);
}

Test(system_completion, zsh_offers_each_option_of_the_help_and_no_more)
{
    completion_need_shell("zsh");
    for (size_t i = 0; i < PROGRAMS; i++) {
        const char *help = run_ok(NULL, programs[i], "--help", NULL);

        each_option(programs[i], expect_in_zsh);
        for (size_t k = 0; k < COMMANDS; k++) {
            const char *rest = zsh_options(programs[i], commands[k]);

            while ((rest = strstr(rest, "\n*--")) != NULL) {
                rest += 2;
                harness_contains("the help", help,
                                 harness_format(" %.*s ", (int)strcspn(rest, "=["), rest));
            }
        }
    }
}

Test(system_completion, zsh_completes_at_its_prompt)
{
    struct pane pane;

    completion_need_shell("zsh");
    for (size_t i = 0; i < PROGRAMS; i++)
        run_ok(NULL, "zsh", "-n", completion_script("zsh", programs[i]), NULL);
    completion_shell_open(
        &pane, 100, 30, "zsh", "-f",
        harness_format("fpath=(%s $fpath); autoload -U compinit; compinit -D -u; PS1='prompt '",
                       completion_folder("zsh")));
    pane_type(&pane, "udpctl st");
    pane_press(&pane, "Tab");
    pane_await(&pane, "stats    -- all counters and their meaning\n"
                      "status   -- whether the server runs, its clients and uptime\n"
                      "stop     -- stop the server\n"
                      "streams  -- show which entries of streams were broadcast last, by --key\n");
    pane_press(&pane, "C-u");
    pane_type(&pane, "udpctl clients --lim");
    pane_press(&pane, "Tab");
    pane_await(&pane, "prompt udpctl clients --limit=");
    pane_press(&pane, "C-u");
    pane_type(&pane, "udpctl -s /nowhere clients --sort=id");
    pane_press(&pane, "Tab");
    pane_await(&pane, "prompt udpctl -s /nowhere clients --sort=idle");
    pane_press(&pane, "C-u");
    pane_type(&pane, "udpctl events join");
    pane_press(&pane, "Tab");
    pane_await(&pane, "prompt udpctl events joined");
    pane_type(&pane, "expi");
    pane_press(&pane, "Tab");
    pane_await(&pane, "prompt udpctl events joined expired");
    pane_press(&pane, "C-u");
    pane_type(&pane, "udpsrv --conf");
    pane_press(&pane, "Tab");
    pane_type(&pane, "READ");
    pane_press(&pane, "Tab");
    pane_await(&pane, "prompt udpsrv --config=README.md");
    pane_press(&pane, "C-u");
    completion_shell_close(&pane);
}

Test(system_completion, zsh_offers_each_listener_that_has_a_client_once)
{
    struct server server;
    struct pane pane;

    completion_need_shell("zsh");
    const char *other, *name = start_with_two_listeners(&server, &other);
    completion_shell_open(
        &pane, 150, 30, "zsh", "-f",
        harness_format("fpath=(%s $fpath); autoload -U compinit; compinit -D -u; PS1='prompt '",
                       completion_folder("zsh")));
    pane_type(&pane, harness_format("udpctl -s %s clients --listener 1", server.socket));
    pane_press(&pane, "Tab");
    pane_await(&pane, harness_format("clients --listener %s", name));
    pane_press(&pane, "C-u");
    pane_type(&pane, harness_format("udpctl -s %s clients --listener=uni", server.socket));
    pane_press(&pane, "Tab");
    pane_await(&pane, harness_format("clients --listener=%s", other));
    pane_press(&pane, "C-u");
    completion_shell_close(&pane);
    server_stop(&server);
}

/* ---- All shells ---- */

Test(system_completion, is_installed_where_shells_look_and_uninstalled)
{
    static const char *const files[] = {
        "share/bash-completion/completions/udpctl", "share/zsh/site-functions/_udpload",
        "share/fish/vendor_completions.d/udpsrv.fish", "share/doc/udpsrv/docs/security.md",
        "share/doc/udpsrv/docs/protocol.md"};
    const char *root = harness_path("root");
    const char *build = getenv("UDPSRV_BUILD");
    const char *b = harness_format("B=%s", build != NULL ? build : "build");

    /* Installs the existing build, with whatever flags it was made. */
    run_ok(NULL, "make", "-o", "all", b, "PREFIX=/usr", harness_format("DESTDIR=%s", root),
           "install", NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        run_ok(NULL, "test", "-s", harness_format("%s/usr/%s", root, files[i]), NULL);
    run_ok(NULL, "make", b, "PREFIX=/usr", harness_format("DESTDIR=%s", root), "uninstall", NULL);
    cr_assert_str_eq(run_ok(NULL, "find", root, "-type", "f", NULL), "");
}
