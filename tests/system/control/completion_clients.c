/* The names of clients of every kind, completed at the prompt of the real shells: what is inserted
 * is entered, and must reach the client that it names. */

#include "tmux_pane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

TestSuite(system_completion_clients, .fini = harness_end, .timeout = 120);

struct simulated_clients {
    struct server server;
    const char *udp, *tcp; /* their names */
};

/* A server with a UDP client, one by TCP, and two on a Unix socket. */
static void start(struct simulated_clients *clients)
{
    struct server *server = &clients->server;

    *server = (struct server){.listeners = 0};
    server_start(server, NULL, "-l", "127.0.0.1:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
    int udp = udp_open("127.0.0.1"), by_tcp = stream_open(server->others[0]);
    struct endpoint name = {.size = sizeof name.sockaddr};

    getsockname(by_tcp, (struct sockaddr *)&name.sockaddr, &name.size);
    clients->tcp = harness_format("tcp:%s", endpoint_text(&name));
    stream_open(server->others[1]);
    stream_open(server->others[1]);
    udp_ask(udp, &server->at[0], "hi", "audi");
    name = udp_name(udp);
    clients->udp = harness_format("%s", endpoint_text(&name));
    server_await_clients(server, 4);
}

static const char *completion(const char *shell, const char *file)
{
    const char *build = getenv("UDPSRV_BUILD");

    return harness_format("%s/completions/%s/%s", build != NULL ? build : "build", shell, file);
}

/* A shell with that in its startup, at a prompt; udpctl is the one that was built. */
static void open_shell(struct pane *pane, const char *shell, const char *option, const char *setup)
{
    const char *rc = harness_path("rc");
    FILE *file;

    if (run(NULL, shell, option, "-c", "true", NULL).status != 0)
        cr_skip_test("%s is not installed (Debian's package has the same name)", shell);
    pane_need_tmux();
    file = fopen(rc, "we");
    expect(file != NULL, "expected to write %s", rc);
    fprintf(file, "%s\n", setup);
    fclose(file);
    const char *path = program_path("udpctl");
    pane_open(pane, 200, 50,
              harness_format("env PATH=%.*s:$PATH HOME=%s %s %s", (int)(strlen(path) - 7), path,
                             harness_path(""), shell, option));
    pane_type(pane, harness_format("source %s; echo be''gun", rc));
    pane_press(pane, "Enter");
    pane_await(pane, "\nbegun");
}

/* Types the beginning of a command, completes it, and enters what stands there then. */
static void complete_and_enter(struct pane *pane, struct simulated_clients *clients,
                               const char *typed, const char *kicked)
{
    int64_t before = server_stat(&clients->server, "kicked");

    pane_press(pane, "C-l");
    pane_type(pane, harness_format("udpctl -s %s kick %s", clients->server.socket, typed));
    pane_press(pane, "Tab");
    pane_await(pane, kicked);
    pane_press(pane, "Enter");
    pane_await(pane, "kicked  1\n");
    harness_equal("kicked", server_stat(&clients->server, "kicked"), before + 1);
}

static void leave(struct pane *pane, struct simulated_clients *clients)
{
    pane_type(pane, "exit");
    pane_press(pane, "Enter");
    pane_await(pane, "status ");
    pane_close(pane);
    server_stop(&clients->server);
}

/* The first bytes of a client's name. */
static const char *part(const char *name, size_t size)
{
    return harness_format("%.*s", (int)size, name);
}

Test(system_completion_clients, bash_completes_them_from_any_part_that_was_typed)
{
    struct simulated_clients clients;
    struct pane pane;

    start(&clients);
    open_shell(&pane, "bash", "--norc",
               harness_format("PS1='prompt '; source '%s'", completion("bash", "udpctl")));
    complete_and_enter(&pane, &clients, "tc", clients.tcp);
    complete_and_enter(&pane, &clients, "unix:#1", "unix:#1");
    complete_and_enter(&pane, &clients, "un", "unix:#2");
    complete_and_enter(&pane, &clients, part(clients.udp, 10), clients.udp);
    leave(&pane, &clients);
}

Test(system_completion_clients, bash_completes_behind_a_colon_and_a_number_sign)
{
    struct simulated_clients clients;
    struct pane pane;

    start(&clients);
    open_shell(&pane, "bash", "--norc",
               harness_format("PS1='prompt '; source '%s'", completion("bash", "udpctl")));
    complete_and_enter(&pane, &clients, "tcp:127.0.0.1:", clients.tcp);
    complete_and_enter(&pane, &clients, "unix:#2", "unix:#2");
    complete_and_enter(&pane, &clients, "unix:#", "unix:#1");
    leave(&pane, &clients);
}

Test(system_completion_clients, bash_completes_within_quotes_and_whatever_words_break_at)
{
    struct simulated_clients clients;
    struct pane pane;

    start(&clients);
    open_shell(&pane, "bash", "--norc",
               harness_format("PS1='prompt '; source '%s'", completion("bash", "udpctl")));
    complete_and_enter(&pane, &clients, "\"tcp:127", harness_format("\"%s\"", clients.tcp));
    complete_and_enter(&pane, &clients, "'unix:#1", "'unix:#1'");
    pane_type(&pane, "COMP_WORDBREAKS=${COMP_WORDBREAKS//:}; echo with''out");
    pane_press(&pane, "Enter");
    pane_await(&pane, "\nwithout");
    complete_and_enter(&pane, &clients, "unix:", "unix:#2");
    complete_and_enter(&pane, &clients, "127.0.0.1:", clients.udp);
    leave(&pane, &clients);
}

Test(system_completion_clients, zsh_completes_them)
{
    struct simulated_clients clients;
    struct pane pane;

    start(&clients);
    open_shell(&pane, "zsh", "-f",
               harness_format("fpath=(%s $fpath); autoload -U compinit; compinit -D -u\n"
                              "setopt extended_glob; PS1='prompt '",
                              completion("zsh", "")));
    complete_and_enter(&pane, &clients, "tc", clients.tcp);
    complete_and_enter(&pane, &clients, "unix:\\#1", "unix:\\#1");
    complete_and_enter(&pane, &clients, "u", "unix:\\#2");
    complete_and_enter(&pane, &clients, part(clients.udp, 10), clients.udp);
    leave(&pane, &clients);
}

Test(system_completion_clients, fish_completes_them)
{
    struct simulated_clients clients;
    struct pane pane;

    start(&clients);
    open_shell(&pane, "fish", "--no-config",
               harness_format("source %s; set -g fish_autosuggestion_enabled 0",
                              completion("fish", "udpctl.fish")));
    complete_and_enter(&pane, &clients, "tc", clients.tcp);
    complete_and_enter(&pane, &clients, "unix:#1", "unix:#1");
    complete_and_enter(&pane, &clients, "u", "unix:\\#2");
    complete_and_enter(&pane, &clients, part(clients.udp, 10), clients.udp);
    leave(&pane, &clients);
}

/* Numbers of one digit stand to the right in the table. */
static void complete_job(struct pane *pane, struct simulated_clients *clients)
{
    ctl_ok(&clients->server, "broadcast", "hello", NULL);
    pane_press(pane, "C-l");
    pane_type(pane, harness_format("udpctl -s %s cancel ", clients->server.socket));
    pane_press(pane, "Tab");
    pane_await(pane, " cancel 1");
    pane_press(pane, "C-u");
}

Test(system_completion_clients, zsh_and_fish_complete_jobs)
{
    struct simulated_clients clients;
    struct pane pane;

    start(&clients);
    open_shell(&pane, "zsh", "-f",
               harness_format("fpath=(%s $fpath); autoload -U compinit; compinit -D -u",
                              completion("zsh", "")));
    complete_job(&pane, &clients);
    leave(&pane, &clients);
    start(&clients);
    open_shell(&pane, "fish", "--no-config",
               harness_format("source %s", completion("fish", "udpctl.fish")));
    complete_job(&pane, &clients);
    leave(&pane, &clients);
}
