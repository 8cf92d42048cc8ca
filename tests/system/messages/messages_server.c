/* Provokes the error messages of udpctl and udpsrv, for messages.c. */

#include "error_messages.h"
#include "frames.h"
#include "server/control/control_sessions.h"
#include "subscriber.h"
#include "upgrade.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- udpctl ---- */

static const char *json_error(struct result result)
{
    return harness_format("udpctl: %s", json_text(result.out, "error"));
}

/* Starts a server with 300 clients and slow broadcasts. */
static void start_slow(struct server *server)
{
    *server = (struct server){.listeners = 0};
    server_start(server, "[broadcast]\nrate = 10\nqueue = 1\n", "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < 300; i++)
        udp_send_from_new_client(&server->at[0]);
    server_await_stat(server, "clients", 300);
}

static void provoke_invalid_answers(void)
{
    static const char *const kinds[] = {"nonsense\n", "ok\nclients x\n.\n", "ok\n", "ok\n.\n"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        error_messages_expect_of_fake_server("udpctl -s @ status", kinds[i], FAKE_SERVER_CLOSES,
                                             false);
    error_messages_expect_of_fake_server("udpctl -s @ -t 20ms status", "ok\n", FAKE_SERVER_WAITS,
                                         false);
    error_messages_expect_of_fake_server("udpctl -s @ -t 20ms watch -n 1", "", FAKE_SERVER_WAITS,
                                         true);
    error_messages_expect_of_fake_server("udpctl -s @ watch -n 1", "", FAKE_SERVER_CLOSES, true);
}

/* Starts `udpctl send --confirm` to a client, whose job waits behind a broadcast and is cancelled.
 */
static void provoke_cancelled_send(struct server *server)
{
    struct process sending;
    int udp = udp_open("127.0.0.1");
    struct endpoint name = udp_name(udp);
    udp_send_text(udp, &server->at[0], "hi");
    server_await_stat(server, "joined", 301);
    process_start(&sending, NULL,
                  (const char *const[]){"udpctl", "-s", server->socket, "send", "--confirm",
                                        endpoint_text(&name), "x", NULL});
    while (!strstr(ctl_ok(server, "jobs", NULL), "client="))
        harness_wait_ms(10);
    error_messages_expect(NULL, NULL,
                          harness_format("udpctl -s %s job 3 --silent", server->socket));
    ctl_ok(server, "cancel", "3", NULL);
    harness_equal("the status of a message that is cancelled", process_wait(&sending), 1);
    error_messages_check("a message that is cancelled", sending.texts[1].data);
}

static void provoke_confirmation_errors(struct server *server)
{
    static const char *const commands[] = {
        "job 1 --silent --confirmed",
        "job 99 --silent",
        "job 1 --silent",
        "job 99",
        "broadcast --within 5s x",
        "send 1.2.3.4:5 --within 5s x",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        error_messages_expect(NULL, NULL,
                              harness_format("udpctl -s %s %s", server->socket, commands[i]));
    provoke_cancelled_send(server);
}

/* Broadcasts that a device does not confirm: more than are remembered. */
static void provoke_silence(void)
{
    static struct server server;
    int device = udp_open("127.0.0.1");
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    const char *ctl = harness_format("udpctl -s %s", server.socket);
    udp_send_text(device, &server.at[0], "hi");
    server_await_stat(&server, "joined", 1);
    error_messages_check(
        "a broadcast that nobody can confirm",
        error_messages_run(NULL, NULL, harness_format("%s broadcast --confirm x", ctl)).err);
    frame_send(device, &server.at[0], 8, NULL, "\x01");
    server_await_stat(&server, "named", 1);
    error_messages_check(
        "a broadcast that is not confirmed",
        error_messages_run(NULL, NULL, harness_format("%s broadcast --confirm --within 1s x", ctl))
            .err);
    for (int i = 0; i < 8; i++) {
        ctl_ok(&server, "broadcast", "--confirm", "--no-wait", "x", NULL);
        while (!strstr(ctl_ok(&server, "job", harness_format("%d", i + 3), NULL), "confirming"))
            harness_wait_ms(10);
    }
    error_messages_expect(NULL, NULL, harness_format("%s job 1 --silent", ctl));
    server_kill(&server);
}

static void provoke_broadcast_errors(void)
{
    static struct server server;
    struct process waiting;
    char *line = calloc(1, 70001);
    memset(line, 0x78, 70000);
    start_slow(&server);
    const char *ctl = harness_format("udpctl -s %s", server.socket);
    error_messages_expect(NULL, line, harness_format("%s broadcast --stdin", ctl));
    free(line);
    process_start(&waiting, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "broadcast", "x", NULL});
    while (!strstr(ctl_ok(&server, "jobs", NULL), "running"))
        harness_wait_ms(10);
    ctl_ok(&server, "broadcast", "--no-wait", "y", NULL);
    error_messages_expect(NULL, NULL, harness_format("%s broadcast --no-wait z", ctl));
    ctl_ok(&server, "cancel", "2", NULL);
    provoke_confirmation_errors(&server);
    ctl_ok(&server, "cancel", "1", NULL);
    process_wait(&waiting);
    error_messages_check("a broadcast that is cancelled", waiting.texts[1].data);
    error_messages_at_terminal(harness_format("%s broadcast z", ctl), " to go", NULL, "\x03",
                               "cancel 4' ends it");
    struct process left;
    process_start(&left, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "broadcast", "x", NULL});
    while (!strstr(ctl_ok(&server, "jobs", NULL), "waiting"))
        harness_wait_ms(10);
    server_kill(&server);
    process_wait(&left);
    error_messages_check("a broadcast whose server ends", left.texts[1].data);
}

static void provoke_prompt_errors(void)
{
    const char *directory = harness_path("state/udpsrv");
    const char *file = harness_format("%s/udpctl_history", directory);
    const char *spoil = harness_format("rm -f %s; mkdir -p %s", file, file);
    error_messages_at_terminal("udpctl", "udpctl> ", NULL, "'half\r", "key recalls");
    error_messages_at_terminal("udpctl", "udpctl> ", spoil, "help\r",
                               "free space there, or continue without it");
    error_messages_at_terminal("udpctl", "udpctl> ", NULL, "\x04", "\x1b[?2004l");
}

/* Without permission for the directory of the socket. */
static void drop_privileges(void)
{
    if (geteuid() == 0 && setuid(65534) != 0)
        _exit(1);
}

void provoke_ctl(void)
{
    char path[200] = "/";
    memset(path + 1, 'x', sizeof path - 2);
    path[sizeof path - 1] = '\0';
    error_messages_expect(NULL, NULL, harness_format("udpctl -s %s status", path));
    const char *shut = harness_path("shut");
    run_ok(NULL, "mkdir", "-m", "0", shut, NULL);
    error_messages_expect(drop_privileges, NULL, harness_format("udpctl -s %s/sock status", shut));
    error_messages_expect(NULL, NULL, "udpctl -s /nowhere/sock status");
    error_messages_expect(NULL, NULL, "udpctl -s /dev/null stats");
    error_messages_check(
        "JSON", json_error(error_messages_run(NULL, NULL, "udpctl --json -s /nowhere/sock stats")));
    provoke_invalid_answers();
    provoke_broadcast_errors();
    provoke_silence();
    provoke_prompt_errors();
}

/* ---- udpsrv ---- */

/* The journal of the state file can be neither read nor written. */
static void provoke_publish_errors(void)
{
    static struct server server;
    const char *file = harness_path("publish-state");
    const char *config = harness_format("[state]\nfile = %s\n", file);
    run_ok(NULL, "mkdir", harness_format("%s.streams", file), NULL);
    const char *path = harness_write_file("publish.conf", config, 0644);
    error_messages_check(
        "a journal that is a directory",
        error_messages_run(NULL, NULL, harness_format("udpsrv -t -c %s", path)).err);
    server_start(&server, config, "-l", "127.0.0.1:0", NULL);
    error_messages_expect(NULL, NULL,
                          harness_format("udpctl -s %s broadcast --key orders:5 x", server.socket));
}

static void provoke_client_and_job_errors(void)
{
    static const char *const commands[] = {"client 192.0.2.1:9",  "kick 192.0.2.1:9",
                                           "cancel 99",           "client 192.0.2.1",
                                           "send 192.0.2.1:9 hi", "streams nothing"};
    static struct server server;
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        error_messages_expect(NULL, NULL,
                              harness_format("udpctl -s %s %s", server.socket, commands[i]));
    error_messages_check(
        "a broadcast without targets",
        error_messages_run(NULL, NULL, harness_format("udpctl -s %s broadcast x", server.socket))
            .err);
    error_messages_check(
        "a selector without clients",
        error_messages_run(NULL, NULL,
                           harness_format("udpctl -s %s kick --idle-max 1s", server.socket))
            .err);
    error_messages_expect(NULL, NULL, harness_format("udpctl -s %s cancel 1", server.socket));
    server_stop(&server);
}

/* Sends bytes to the control socket, and expects an error. ends: closes the sending side. */
static void expect_refusal(const struct server *server, const void *bytes, size_t size, bool ends)
{
    int control = control_client_open(server);
    expect(operator_send(control, bytes, size), "expected to send %.20s", (const char *)bytes);
    if (ends)
        shutdown(control, SHUT_WR);
    const char *answer = operator_answer(control);
    expect(answer && strncmp(answer, "error ", 6) == 0, "expected a refusal of %.20s: %s",
           (const char *)bytes, answer ? answer : "nothing");
    error_messages_check(
        "the control protocol",
        harness_format("udpsrv: %.*s", (int)strcspn(answer + 6, "\n"), answer + 6));
    close(control);
}

/* Opens one session more than the maximum, so that the server closes the first one. */
static void provoke_by_too_many_sessions(const struct server *server)
{
    int first = control_client_open(server);
    for (int i = 0; i < CONTROL_SESSIONS_MAX; i++)
        control_client_open(server);
    error_messages_record(operator_answer(first));
}

static void provoke_by_subscriptions(const struct server *server)
{
    static const char *const commands[] = {"listen now\n",    "listen to=x\n",
                                           "listen name=\n",  "events joined\n",
                                           "events kinds=\n", "events kinds=joind\n"};
    enum { WAITING = CONTROL_SESSIONS_MAX - CONTROL_SESSIONS_RESERVED };
    int waiting[WAITING];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        expect_refusal(server, commands[i], strlen(commands[i]), false);
    for (int i = 0; i < WAITING; i++) {
        struct subscriber subscriber;
        subscriber_open(&subscriber, server, "events");
        waiting[i] = subscriber.control;
    }
    expect_refusal(server, "listen\n", 7, false);
    for (int i = 0; i < WAITING; i++)
        close(waiting[i]);
}

static void provoke_by_protocol(void)
{
    static const char *const commands[] = {
        "nonsense",
        "statsu",
        "stats now",
        "client",
        "client x",
        "kick 1.2.3.4",
        "cancel x",
        "cancel 99",
        "broadcast",
        "broadcast x 00",
        "broadcast wait 0",
        "clients x",
        "clients 0",
        "send x 00",
        "send 1.2.3.4:5 0",
        "broadcast wait to=x 00",
        "broadcast wait confirm within=x 00",
        "send 1.2.3.4:5 confirm within=x 00",
        "job x",
        "job 1 loud",
        "clients to=x",
        "count to=x",
        "count 1",
        "kick to=x",
        "kick to=::1 1.2.3.4:5",
    };
    enum { LONG = 140 << 10 };
    static struct server server;
    char *line = calloc(1, LONG);
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *command = harness_format("%s\n", commands[i]);
        expect_refusal(&server, command, strlen(command), false);
    }
    provoke_by_subscriptions(&server);
    expect_refusal(&server, "a\0b\n", 4, false);
    expect_refusal(&server, "stats", 5, true);
    memset(line, 'x', LONG);
    expect_refusal(&server, line, LONG, false);
    free(line);
    provoke_by_too_many_sessions(&server);
    server_stop(&server);
}

/* The answer of the observers' socket to a command of operators, with the control socket and
 * without one. */
static void provoke_by_observers(void)
{
    static struct server server;
    const char *path = harness_path("observers");
    for (int off = 0; off < 2; off++) {
        server = (struct server){.socket = off ? "off" : NULL};
        server_start(&server, harness_format("[control]\nobserver-socket = %s\n", path), "-l",
                     "127.0.0.1:0", NULL);
        error_messages_expect(NULL, NULL, harness_format("udpctl -s %s stop", path));
        server_stop(&server);
    }
}

static void provoke_by_reload(void)
{
    static struct server server;
    server_start(&server, "[clients]\nttl = 60s\n", "-l", "127.0.0.1:0", NULL);
    server_configure(&server, "[clients]\nttl = x\nnonsense = 1\n[nonsense]\ninclude = /nowhere\n");
    error_messages_expect(NULL, NULL, harness_format("udpctl -s %s reload", server.socket));
    server_await_log(&server, "cannot reload");
    error_messages_expect(NULL, NULL, harness_format("udpctl -s %s upgrade", server.socket));
    error_messages_check("its log", server_log(&server) + strcspn(server_log(&server), "\n") + 1);
    server_stop(&server);
}

/* An upgrade that copies the clients loses the lists of jobs that have ended. */
static void provoke_by_upgrade(void)
{
    static struct server server;
    upgrade_install();
    server_start(&server, "[server]\nworkers = 2\n", "-l", "127.0.0.1:0", NULL);
    ctl_ok(&server, "broadcast", "--confirm", "x", NULL);
    server_configure(&server, "[server]\nworkers = 1\n");
    upgrade(&server);
    error_messages_expect(NULL, NULL, harness_format("udpctl -s %s job 1 --silent", server.socket));
    server_stop(&server);
}

static void name_no_channel(void)
{
    setenv("UDPSRV_UPGRADE", "1", 1);
}

static void provoke_checks(void)
{
    static const char *const configs[] = {
        "[clients]\\nnames = keyed\\nnames-key-file = /nowhere/key\\n[admission]\\npolicy = cookie",
        "[clients]\\nnames = trusted\\n[server]\\nlisten = 0.0.0.0\\n[admission]\\npolicy = open",
        "[clients]\\nttl = 1s\\n[state]\\nfile = /nowhere/state",
        "[state]\\nfile = /dev/null",
    };
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        const char *line = harness_format("printf '%s\\n' | %s -t -c /dev/stdin", configs[i],
                                          program_path("udpsrv"));
        error_messages_check(line, run(NULL, "sh", "-c", line, NULL).err);
    }
}

static void provoke_starts(void)
{
    int udp = udp_open("127.0.0.1");
    struct endpoint at = udp_name(udp);
    static struct server server;
    static const char *const files[] = {
        "[server]\nlisten = 0.0.0.0:0\n",
        "[clients]\nttl = x\nmax = -1\n",
        "nonsense\n",
        "include = /nowhere/file\n",
        "[server]\nuser = no-such-user\n",
        "[control]\nobserver-group = no-such-group\n",
        "[control]\nobserver-socket = /nowhere/observers\n",
        "[clients]\nnames = keyed\nnames-key-file = /nowhere/key\n[admission]\npolicy = cookie\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        server = (struct server){0};
        struct result result = server_try(&server, files[i], NULL);
        expect(result.status > 0 && result.status < 128, "expected no start with %s", files[i]);
        error_messages_check(files[i], result.err);
    }
    server = (struct server){0};
    error_messages_check("a taken port",
                         server_try(&server, NULL, "-l", endpoint_text(&at), NULL).err);
    error_messages_expect(NULL, NULL, "udpsrv -t -c /nowhere/file");
    error_messages_expect(NULL, NULL, "udpsrv -t -c /dev");
    error_messages_expect(NULL, NULL, "udpsrv -t -l nonsense");
    error_messages_expect(name_no_channel, NULL, "udpsrv -l 127.0.0.1:0");
    provoke_checks();
    const char *many =
        harness_format("%s -t $(yes -- -l127.0.0.1:0 | head -70)", program_path("udpsrv"));
    error_messages_check(many, run(NULL, "sh", "-c", many, NULL).err);
}

void provoke_server(void)
{
    provoke_client_and_job_errors();
    provoke_publish_errors();
    provoke_by_protocol();
    provoke_by_observers();
    provoke_by_reload();
    provoke_by_upgrade();
    provoke_starts();
}
