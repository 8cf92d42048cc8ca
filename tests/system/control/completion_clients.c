/* Shell completion of client names over UDP, TCP and Unix sockets, at the prompt of bash, zsh and
 * fish: the completed command is run and must reach that client. */

#include "completion_shell.h"

#include <string.h>
#include <sys/socket.h>

TestSuite(system_completion_clients, .fini = harness_end, .timeout = 120);

struct fixture {
    struct server server;
    const char *udp, *tcp; /* their names */
};

/* Starts a server with two UDP clients, of which one is named "lamp-7", a TCP client, and two
 * clients on a Unix socket. */
static void start(struct fixture *fixture)
{
    struct server *server = &fixture->server;

    *server = (struct server){.listeners = 0};
    server_start(server, "[clients]\nnames = trusted\n", "-l", "127.0.0.1:0", "-l",
                 "tcp:127.0.0.1:0", "-l", harness_format("unix:%s", harness_path("chat")), NULL);
    int udp = udp_open("127.0.0.1"), by_tcp = stream_open(server->others[0]);
    struct endpoint name = {.size = sizeof name.sockaddr};

    getsockname(by_tcp, (struct sockaddr *)&name.sockaddr, &name.size);
    fixture->tcp = harness_format("tcp:%s", endpoint_text(&name));
    stream_open(server->others[1]);
    stream_open(server->others[1]);
    udp_ask(udp, &server->at[0], "hi", "audi");
    name = udp_name(udp);
    fixture->udp = harness_format("%s", endpoint_text(&name));
    int lamp = udp_open("127.0.0.9");
    udp_ask(lamp, &server->at[0], "hi", "toyota");
    udp_send(lamp, &server->at[0], "\0UDP\10\1lamp-7", 12);
    server_await_stat(server, "named", 1);
    server_await_clients(server, 5);
}

static void open_bash(struct pane *pane)
{
    completion_shell_open(
        pane, 200, 50, "bash", "--norc",
        harness_format("PS1='prompt '; source '%s'", completion_script("bash", "udpctl")));
}

static bool shows(struct pane *pane, const char *text)
{
    return strstr(pane_text(pane), text) != NULL;
}

/* Completes what was typed. The completion waits 1 s for the server, and on a busy host it may then
 * have found nothing: it is requested again. */
static void complete(struct pane *pane, const char *completed)
{
    enum { TRIES = 5, TRY_MS = 5000 };
    int tries = 0;

    do {
        int64_t end = harness_now_ms() + TRY_MS;

        pane_press(pane, "Tab");
        while (!shows(pane, completed) && harness_now_ms() < end)
            harness_wait_ms(10);
    } while (!shows(pane, completed) && ++tries < TRIES);
    pane_await(pane, completed);
}

/* Types `kick` and a prefix, completes it, and runs the command; kicked is the completed name. */
static void complete_and_enter(struct pane *pane, struct fixture *fixture, const char *typed,
                               const char *kicked)
{
    int64_t before = server_stat(&fixture->server, "kicked");

    pane_press(pane, "C-l");
    pane_type(pane, harness_format("udpctl -s %s kick %s", fixture->server.socket, typed));
    complete(pane, kicked);
    pane_press(pane, "Enter");
    /* The screen may still show the output of the last command, if this one was typed before the
     * shell was ready. */
    server_await_stat(&fixture->server, "kicked", before + 1);
    pane_await(pane, "kicked  1\n");
    harness_equal("kicked", server_stat(&fixture->server, "kicked"), before + 1);
}

static void stop(struct pane *pane, struct fixture *fixture)
{
    completion_shell_close(pane);
    server_stop(&fixture->server);
}

/* Returns the first bytes of a name. */
static const char *prefix(const char *name, size_t size)
{
    return harness_format("%.*s", (int)size, name);
}

Test(system_completion_clients, bash_completes_them_from_any_prefix)
{
    struct fixture fixture;
    struct pane pane;

    start(&fixture);
    open_bash(&pane);
    complete_and_enter(&pane, &fixture, "tc", fixture.tcp);
    complete_and_enter(&pane, &fixture, "unix:#1", "unix:#1");
    complete_and_enter(&pane, &fixture, "un", "unix:#2");
    complete_and_enter(&pane, &fixture, "@", "@lamp-7");
    complete_and_enter(&pane, &fixture, prefix(fixture.udp, 10), fixture.udp);
    stop(&pane, &fixture);
}

Test(system_completion_clients, bash_completes_after_a_colon_and_a_number_sign)
{
    struct fixture fixture;
    struct pane pane;

    start(&fixture);
    open_bash(&pane);
    complete_and_enter(&pane, &fixture, "tcp:127.0.0.1:", fixture.tcp);
    complete_and_enter(&pane, &fixture, "unix:#2", "unix:#2");
    complete_and_enter(&pane, &fixture, "unix:#", "unix:#1");
    complete_and_enter(&pane, &fixture, "@la", "@lamp-7");
    stop(&pane, &fixture);
}

Test(system_completion_clients, bash_completes_within_quotes_and_with_other_word_breaks)
{
    struct fixture fixture;
    struct pane pane;

    start(&fixture);
    open_bash(&pane);
    complete_and_enter(&pane, &fixture, "\"tcp:127", harness_format("\"%s\"", fixture.tcp));
    complete_and_enter(&pane, &fixture, "'unix:#1", "'unix:#1'");
    pane_type(&pane, "COMP_WORDBREAKS=${COMP_WORDBREAKS//:}; echo with''out");
    pane_press(&pane, "Enter");
    pane_await(&pane, "\nwithout");
    complete_and_enter(&pane, &fixture, "unix:", "unix:#2");
    complete_and_enter(&pane, &fixture, "127.0.0.1:", fixture.udp);
    stop(&pane, &fixture);
}

Test(system_completion_clients, zsh_completes_them)
{
    struct fixture fixture;
    struct pane pane;

    start(&fixture);
    completion_shell_open(&pane, 200, 50, "zsh", "-f",
                          harness_format("fpath=(%s $fpath); autoload -U compinit; compinit -D -u\n"
                                         "setopt extended_glob; PS1='prompt '",
                                         completion_folder("zsh")));
    complete_and_enter(&pane, &fixture, "tc", fixture.tcp);
    complete_and_enter(&pane, &fixture, "unix:\\#1", "unix:\\#1");
    complete_and_enter(&pane, &fixture, "u", "unix:\\#2");
    complete_and_enter(&pane, &fixture, "@la", "@lamp-7");
    complete_and_enter(&pane, &fixture, prefix(fixture.udp, 10), fixture.udp);
    stop(&pane, &fixture);
}

Test(system_completion_clients, fish_completes_them)
{
    struct fixture fixture;
    struct pane pane;

    start(&fixture);
    completion_shell_open(&pane, 200, 50, "fish", "--no-config",
                          harness_format("source %s; set -g fish_autosuggestion_enabled 0",
                                         completion_script("fish", "udpctl")));
    complete_and_enter(&pane, &fixture, "tc", fixture.tcp);
    complete_and_enter(&pane, &fixture, "unix:#1", "unix:#1");
    complete_and_enter(&pane, &fixture, "u", "unix:\\#2");
    complete_and_enter(&pane, &fixture, "@la", "@lamp-7");
    complete_and_enter(&pane, &fixture, prefix(fixture.udp, 10), fixture.udp);
    stop(&pane, &fixture);
}

/* The table aligns the job number 1 to the right, after blanks. */
static void complete_job(struct pane *pane, struct fixture *fixture)
{
    ctl_ok(&fixture->server, "broadcast", "hello", NULL);
    pane_press(pane, "C-l");
    pane_type(pane, harness_format("udpctl -s %s cancel ", fixture->server.socket));
    complete(pane, " cancel 1");
    pane_press(pane, "C-u");
}

Test(system_completion_clients, zsh_and_fish_complete_jobs)
{
    struct fixture fixture;
    struct pane pane;

    start(&fixture);
    completion_shell_open(&pane, 200, 50, "zsh", "-f",
                          harness_format("fpath=(%s $fpath); autoload -U compinit; compinit -D -u",
                                         completion_folder("zsh")));
    complete_job(&pane, &fixture);
    stop(&pane, &fixture);
    start(&fixture);
    completion_shell_open(&pane, 200, 50, "fish", "--no-config",
                          harness_format("source %s", completion_script("fish", "udpctl")));
    complete_job(&pane, &fixture);
    stop(&pane, &fixture);
}
