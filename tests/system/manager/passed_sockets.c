/* Sockets that a service manager passes (sd_listen_fds(3)): they are used, they outlive a crash,
 * and those that cannot be used are errors. */

#include "stand_in_manager.h"
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_passed_sockets, .fini = harness_end, .timeout = 60);

static struct server server = {.prepare = manager_prepare};

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Passes the sockets of a server with all kinds of listeners, and returns its configuration. */
static const char *pass_all(const char **chat, const char **observers)
{
    server.dir = harness_path("server");
    mkdir(server.dir, 0755);
    server.socket = harness_format("%s/sock", server.dir);
    *chat = harness_format("%s/chat", server.dir);
    *observers = harness_format("%s/observers", server.dir);
    struct endpoint udp = manager_pass_udp("127.0.0.1:0", false);
    struct endpoint tcp = manager_pass_tcp("127.0.0.1:0");
    manager_pass_unix(*chat);
    manager_pass_unix(server.socket);
    manager_pass_unix(*observers);
    return harness_format("[server]\nlisten = %s, tcp:%s, unix:%s\n[control]\nobserver-socket = "
                          "%s\n",
                          endpoint_text(&udp), endpoint_text(&tcp), *chat, *observers);
}

/* Stops the server, whose control socket is not its own. */
static void stop(void)
{
    process_kill(&server.process, SIGTERM);
    harness_equal("the status", process_wait(&server.process), 0);
}

static void ask_stream(const char *name)
{
    int stream = stream_open(name);
    stream_write_text(stream, "hi\n");
    stream_expect(stream, "audi");
    close(stream);
}

Test(system_passed_sockets, all_kinds_are_used_and_their_files_stay)
{
    const char *chat, *observers, *config = pass_all(&chat, &observers);
    for (int i = 0; i < 2; i++) {
        server.listeners = server.other_count = 0;
        server_start(&server, harness_format("%s[reply]\nmessage = audi\n", config), NULL);
        int udp = udp_open("127.0.0.1");
        udp_ask(udp, &server.at[0], "hi", "audi");
        ask_stream(server.others[0]);
        ask_stream(server.others[1]);
        ctl_ok(&server, "status", NULL);
        run_ok(NULL, "udpctl", "-s", observers, "status", NULL);
        stop();
        expect(exists(chat) && exists(observers) && exists(server.socket),
               "expected the manager's files to stay");
    }
}

Test(system_passed_sockets, all_kinds_pass_on_at_an_upgrade_and_their_files_stay)
{
    const char *chat, *observers, *config;
    upgrade_install();
    config = pass_all(&chat, &observers);
    server_start(&server, harness_format("%s[reply]\nmessage = audi\n", config), NULL);
    for (int i = 0; i < 2; i++) {
        upgrade(&server);
        int udp = udp_open("127.0.0.1");
        udp_ask(udp, &server.at[0], "hi", "audi");
        ask_stream(server.others[0]);
        ask_stream(server.others[1]);
        run_ok(NULL, "udpctl", "-s", observers, "status", NULL);
    }
    stop();
    expect(exists(chat) && exists(observers) && exists(server.socket),
           "expected the manager's files to stay");
}

Test(system_passed_sockets, keep_the_number_of_workers_at_an_upgrade)
{
    upgrade_install();
    server.dir = harness_path("server");
    mkdir(server.dir, 0755);
    struct endpoint udp = manager_pass_udp("127.0.0.1:0", true);
    manager_pass_udp(endpoint_text(&udp), true);
    const char *listen = harness_format("[reply]\nmessage = yes\n[server]\nlisten = %s\nworkers = ",
                                        endpoint_text(&udp));
    server_start(&server, harness_format("%sauto\n", listen), NULL);
    upgrade(&server);
    harness_equal("the workers", json_integer(ctl_ok(&server, "status", "--json", NULL), "workers"),
                  2);
    server_configure(&server, harness_format("%s3\n", listen));
    upgrade_expect_failure(&server, "the service manager has passed one socket for each worker");
    server_stop(&server);
}

Test(system_passed_sockets, a_file_of_the_manager_that_is_removed_is_not_made_again)
{
    const char *chat, *observers, *config = pass_all(&chat, &observers);
    server_start(&server, config, NULL);
    int control = control_client_open(&server);
    unlink(chat);
    unlink(server.socket);
    operator_send(control, "reload\n", 7);
    harness_contains("the answer", operator_answer(control), "ok");
    expect(!exists(chat) && !exists(server.socket), "expected no file");
    stop();
}

Test(system_passed_sockets, what_arrives_after_a_crash_is_answered_by_the_next_server)
{
    const char *chat, *observers, *config = pass_all(&chat, &observers);
    int udp = udp_open("127.0.0.1"), new = udp_open("127.0.0.1");
    config = harness_format("%s[reply]\nmessage = audi\n", config);
    server_start(&server, config, NULL);
    struct endpoint at = server.at[0];
    const char *tcp = server.others[0], *path = server.others[1];
    udp_ask(udp, &at, "hi", "audi");
    server_kill(&server);
    udp_send_text(udp, &at, "still here");
    udp_send_text(new, &at, "just come");
    int streams[2] = {stream_open(tcp), stream_open(path)};
    int control = control_client_open(&server);
    stream_write_text(streams[0], "hi\n");
    operator_send(control, "status\n", 7);
    server.listeners = server.other_count = 0;
    server_start(&server, config, NULL);
    udp_expect(udp, &at, "audi");
    udp_expect(new, &at, "audi");
    stream_expect(streams[0], "audi");
    stream_write_text(streams[1], "hi\n");
    stream_expect(streams[1], "audi");
    harness_contains("the answer", operator_answer(control), "ok\n");
    server_await_clients(&server, 4);
    expect_balance("stats", server_ask(&server, "stats"));
    stop();
}

/* Each client stays with the worker that it had: it is registered once, also after a crash. */
Test(system_passed_sockets, several_workers_keep_their_clients_over_a_crash)
{
    enum { WORKERS = 3, CLIENTS = 60 };
    int clients[CLIENTS];
    struct endpoint at = manager_pass_udp("127.0.0.1:0", true);
    for (int i = 1; i < WORKERS; i++)
        manager_pass_udp(endpoint_text(&at), true);
    const char *config = harness_format("[server]\nworkers = %d\nlisten = %s\n[reply]\nmessage = "
                                        "audi\n",
                                        WORKERS, endpoint_text(&at));
    server_start(&server, config, NULL);
    for (int i = 0; i < CLIENTS; i++)
        udp_ask(clients[i] = udp_open("127.0.0.1"), &at, "hi", "audi");
    server_kill(&server);
    for (int i = 0; i < CLIENTS; i++)
        udp_send_text(clients[i], &at, "still here");
    server.listeners = 0;
    server_start(&server, config, NULL);
    for (int i = 0; i < CLIENTS; i++)
        udp_expect(clients[i], &at, "audi");
    for (int i = 0; i < CLIENTS; i++)
        udp_ask(clients[i], &at, "hi again", "audi");
    harness_equal("clients", server_stat(&server, "clients"), CLIENTS);
    ctl_ok(&server, "broadcast", "once", NULL);
    for (int i = 0; i < CLIENTS; i++) {
        udp_expect(clients[i], &at, "once");
        udp_expect_nothing(clients[i], "a second copy");
    }
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

Test(system_passed_sockets, workers_auto_is_as_many_as_are_passed)
{
    struct endpoint at = manager_pass_udp("127.0.0.1:0", true);
    manager_pass_udp(endpoint_text(&at), true);
    server_start(&server, "[server]\nworkers = auto\n", "-l", endpoint_text(&at), NULL);
    server_await_log(&server, " workers=2 ");
    server_stop(&server);
}

Test(system_passed_sockets, an_ipv6_wildcard_of_ipv6_only_is_used)
{
    const int on = 1;
    struct endpoint at = endpoint_of("[::]:0");
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&at.sockaddr, at.size) < 0)
        cr_skip_test("this host has no IPv6");
    getsockname(fd, (struct sockaddr *)&at.sockaddr, &at.size);
    manager_pass(fd);
    server_start(&server, "[admission]\npolicy = open\n[reply]\nmessage = audi\n", "-l",
                 endpoint_text(&at), NULL);
    struct endpoint to = endpoint_with_port("::1", endpoint_port(&at));
    udp_ask(udp_open("::1"), &to, "hi", "audi");
    server_stop(&server);
}

Test(system_passed_sockets, a_user_without_privileges_gets_a_port_below_1024)
{
    if (geteuid() != 0)
        cr_skip_test("only root has such ports");
    server = (struct server){.prepare = manager_prepare_nobody, .owner = 65534};
    struct endpoint at = manager_pass_udp(harness_privileged_address(), false);
    server_start(&server, "[reply]\nmessage = audi\n", "-l", endpoint_text(&at), NULL);
    udp_ask(udp_open("127.0.0.1"), &at, "hi", "audi");
    server_stop(&server);
}

/* Returns whether the server executes a command of a user. */
static bool may_command(uid_t user, gid_t group)
{
    struct result result = run("status\n", "setpriv", harness_format("--reuid=%u", user),
                               harness_format("--regid=%u", group), "--clear-groups", "socat",
                               "-t60", "-", harness_format("unix-connect:%s", server.socket), NULL);
    return text_count(result.out, "uptime_s") > 0;
}

Test(system_passed_sockets, a_control_socket_is_for_the_user_and_the_group_of_the_server)
{
    enum { USER = 65534, GROUP = 12345, OTHER = 23456 };
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    server = (struct server){.prepare = manager_prepare, .dir = harness_path("server")};
    mkdir(server.dir, 0755);
    chmod(harness_path("."), 0755);
    server.socket = harness_format("%s/sock", server.dir);
    manager_pass_unix(server.socket);
    chmod(server.socket, 0777);
    server_start(&server,
                 harness_format("[server]\nuser = %d\ngroup = %d\n[control]\ngroup = %d\nmode = "
                                "0660\n",
                                USER, USER, GROUP),
                 "-l", "127.0.0.1:0", NULL);
    expect(may_command(USER, OTHER), "expected the user of the server to be an operator");
    expect(may_command(OTHER, GROUP), "expected the group to be operators");
    expect(!may_command(OTHER, 0), "expected the group of root not to be operators");
    expect(!may_command(OTHER, OTHER), "expected others not to be operators");
    ctl_ok(&server, "status", NULL);
    stop();
}

/* ---- an address that does not exist yet ---- */

/* Passes a socket at 192.0.2.1, where no interface has that address (FreeBind=yes). */
static void pass_missing(int type, uint16_t port)
{
    const int on = 1;
    struct endpoint at = endpoint_with_port("192.0.2.1", port);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    expect(fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) == 0 &&
               bind(fd, (struct sockaddr *)&at.sockaddr, at.size) == 0 &&
               (type != SOCK_STREAM || listen(fd, 8) == 0),
           "expected to bind to a missing address: %s", strerror(errno));
    manager_pass(fd);
}

Test(system_passed_sockets, those_at_a_missing_address_wait_for_it_only_where_listeners_do)
{
    netns_enter();
    manager_open(MANAGER_PATH);
    pass_missing(SOCK_DGRAM, 3000);
    pass_missing(SOCK_STREAM, 3001);
    const char *config = "listen = 192.0.2.1:3000, tcp:192.0.2.1:3001\n[admission]\npolicy = "
                         "open\n[reply]\nmessage = audi\n";
    struct result result = server_try(&server, harness_format("[server]\n%s", config), NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the log", result.err, "cannot listen address=192.0.2.1:3000");
    server_start(&server, harness_format("[server]\nmissing-address = wait\n%s", config), NULL);
    manager_await("STATUS=0 clients; waiting for 192.0.2.1:3000 tcp:192.0.2.1:3001");
    netns_shell("ip address add 192.0.2.1/32 dev lo");
    server_await_log(&server, "an address that was missing is served address=192.0.2.1:3000");
    server_await_log(&server, "an address that was missing is served address=tcp:192.0.2.1:3001");
    struct endpoint at = endpoint_of("192.0.2.1:3000");
    udp_ask(udp_open("192.0.2.1"), &at, "hi", "audi");
    ask_stream("tcp:192.0.2.1:3001");
    server_stop(&server);
}

/* ---- errors ---- */

/* Expects that a server with these listeners does not start. */
static void expect_refusal(const char *listeners, const char *reason, const char *advice)
{
    struct result result =
        server_try(&server, harness_format("[server]\nlisten = %s\n", listeners), NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the log", result.err,
                     "error cannot use a socket that the service manager passed");
    harness_contains("the log", result.err, reason);
    harness_contains("the log", result.err, advice);
    manager_forget_sockets();
}

Test(system_passed_sockets, one_that_no_listener_uses_is_an_error)
{
    struct endpoint at = manager_pass_udp("127.0.0.1:0", false);
    manager_open(MANAGER_PATH);
    expect_refusal("127.0.0.1:0",
                   harness_format("descriptor=3 name=first address=%s reason=\"no listener",
                                  endpoint_text(&at)),
                   "server.listen");
    manager_await("STATUS=not started: checking the sockets that the service manager passed; the "
                  "log says more");
    at = manager_pass_tcp("127.0.0.1:0");
    expect_refusal(endpoint_text(&at), "address=tcp:127.0.0.1:", "server.listen");
    manager_pass_unix(harness_path("another"));
    expect_refusal("127.0.0.1:0", "address=unix:/", "control.socket");
}

Test(system_passed_sockets, one_of_the_wrong_kind_is_an_error)
{
    manager_pass(open("/dev/null", O_RDONLY | O_CLOEXEC));
    expect_refusal("127.0.0.1:0", "it is no socket", "ListenDatagram=");
    manager_pass(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    expect_refusal("127.0.0.1:0", "neither a UDP socket nor a stream socket", "ListenStream=");
    manager_pass(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    expect_refusal("127.0.0.1:0", "a stream socket that does not listen", "Accept=no");
    manager_pass(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    expect_refusal("127.0.0.1:0", "it is bound to no port", "ListenDatagram=");
}

Test(system_passed_sockets, a_count_that_is_too_large_is_reported_once)
{
    manager_pass_udp("127.0.0.1:0", false);
    server.prepare = manager_prepare_too_many;
    struct result result = server_try(&server, NULL, "-l", "127.0.0.1:0", NULL);
    harness_equal("the status", result.status, 1);
    harness_contains("the log", result.err, "LISTEN_FDS counts it, and no such descriptor is open");
    harness_equal("lines", (int64_t)text_count(result.err, "no such descriptor is open"), 1);
}

Test(system_passed_sockets, an_ipv6_wildcard_that_receives_ipv4_is_an_error)
{
    const int off = 0;
    struct endpoint at = endpoint_of("[::]:0");
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0 ||
        bind(fd, (struct sockaddr *)&at.sockaddr, at.size) < 0)
        cr_skip_test("this host has no IPv6");
    getsockname(fd, (struct sockaddr *)&at.sockaddr, &at.size);
    manager_pass(fd);
    expect_refusal(harness_format("%s\n[admission]\npolicy = open", endpoint_text(&at)),
                   "it receives IPv4, too", "BindIPv6Only=ipv6-only");
}

Test(system_passed_sockets, several_workers_need_one_each_that_share_the_port)
{
    struct endpoint at = manager_pass_udp("127.0.0.1:0", false);
    expect_refusal(harness_format("%s\nworkers = 2", endpoint_text(&at)),
                   "1 of this address are passed, and the number of workers is 2", "ReusePort=yes");
    at = manager_pass_udp("127.0.0.1:0", false);
    manager_pass_udp(endpoint_text(&at), false); /* SO_REUSEADDR allows it */
    expect_refusal(harness_format("%s\nworkers = 2", endpoint_text(&at)), "SO_REUSEPORT",
                   "ReusePort=yes");
}

Test(system_passed_sockets, those_for_another_process_are_ignored)
{
    manager_pass_udp("127.0.0.1:0", false);
    server.prepare = manager_prepare_another;
    server_start(&server, NULL, "-l", "127.0.0.1:0", NULL);
    udp_ask(udp_open("127.0.0.1"), &server.at[0], "hi", "audi");
    server_stop(&server);
}

/* ---- what is in a socket, or set on it, before the start ---- */

/* The kernel notes where a datagram was sent to only from the start on. */
Test(system_passed_sockets, what_waits_in_an_ipv4_wildcard_is_answered)
{
    struct endpoint at = manager_pass_udp("0.0.0.0:0", false);
    struct endpoint to = endpoint_with_port("127.0.0.1", endpoint_port(&at));
    int udp = udp_open("127.0.0.1");
    udp_send_text(udp, &to, "waiting");
    server_start(&server, "[admission]\npolicy = open\n[reply]\nmessage = audi\n", "-l",
                 endpoint_text(&at), NULL);
    udp_expect(udp, &to, "audi");
    udp_ask(udp, &to, "hi", "audi");
    ctl_ok(&server, "broadcast", "text", NULL);
    udp_expect(udp, &to, "text");
    server_stop(&server);
}

Test(system_passed_sockets, options_that_report_more_of_a_datagram_are_reset)
{
    const int on = 1;
    struct endpoint at = endpoint_of("0.0.0.0:0");
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    expect(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) == 0 &&
               setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) == 0 &&
               setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on) == 0 &&
               bind(fd, (struct sockaddr *)&at.sockaddr, at.size) == 0,
           "expected a socket: %s", strerror(errno));
    at = udp_name(fd);
    manager_pass(fd);
    server_start(&server, "[admission]\npolicy = open\n[reply]\nmessage = audi\n", "-l",
                 endpoint_text(&at), NULL);
    struct endpoint to = endpoint_with_port("127.0.0.2", endpoint_port(&at));
    udp_ask(udp_open("127.0.0.1"), &to, "hi", "audi"); /* from the address that it was sent to */
    server_stop(&server);
}

Test(system_passed_sockets, what_was_dropped_before_the_start_is_not_counted)
{
    enum { DATAGRAMS = 64 };
    static const char text[1024];
    const int bytes = 4096;
    struct endpoint at = manager_pass_udp("127.0.0.1:0", false);
    int udp = udp_open("127.0.0.1");
    setsockopt(manager_passed(0), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    for (int i = 0; i < DATAGRAMS; i++)
        udp_send(udp, &at, text, sizeof text);
    server_start(&server, "[reply]\nmessage = audi\n", "-l", endpoint_text(&at), NULL);
    udp_expect(udp, &at, "audi");
    harness_equal("drops", server_stat(&server, "kernel_drops"), 0);
    server_stop(&server);
}

/* Each client is registered by one worker, also if a datagram of it waited in the socket of another
 * one, which the last server would have chosen. */
Test(system_passed_sockets, of_several_workers_register_each_client_once)
{
    enum { CLIENTS = 24, WORKERS = 3 };
    int udp[CLIENTS];
    struct endpoint at = manager_pass_udp("127.0.0.1:0", true);
    while (manager_passed(WORKERS - 1) < 0)
        manager_pass_udp(endpoint_text(&at), true);
    const char *config = harness_format("[server]\nlisten = %s\nworkers = %d\n[reply]\nmessage = "
                                        "audi\n",
                                        endpoint_text(&at), WORKERS);
    for (int i = 0; i < CLIENTS; i++)
        udp[i] = udp_open("127.0.0.1");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CLIENTS; i++)
            udp_send_text(udp[i], &at, "waiting");
        server = (struct server){.prepare = manager_prepare, .dir = server.dir};
        server_start(&server, config, NULL);
        for (int i = 0; i < CLIENTS; i++)
            udp_expect(udp[i], &at, "audi");
        for (int i = 0; i < CLIENTS; i++)
            udp_ask(udp[i], &at, "hi", "audi");
        harness_equal("clients", server_stat(&server, "clients"), CLIENTS);
        ctl_ok(&server, "broadcast", "text", NULL);
        for (int i = 0; i < CLIENTS; i++)
            udp_expect(udp[i], &at, "text");
        for (int i = 0; i < CLIENTS; i++)
            udp_ask(udp[i], &at, "hi", "audi"); /* and no second copy before it */
        server_kill(&server);
    }
}
