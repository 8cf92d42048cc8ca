/* The sockets of a server that is upgraded: all kinds pass to the new process with what waits in
 * them, and listeners and workers may be others than before. */

#include "http.h"
#include "restart.h"
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

TestSuite(system_upgrade_sockets, .fini = harness_end, .timeout = 60);

static struct server server;

/* The text of a configuration with these lines of [server]. */
static const char *config_of(const char *lines)
{
    return harness_format("[reply]\nmessage = yes\n[admission]\npolicy = open\n[server]\n%s",
                          lines);
}

static void start(const char *lines)
{
    upgrade_install();
    server_start(&server, config_of(lines), NULL);
}

/* Upgrades to these lines of [server]. */
static void upgrade_to(const char *lines)
{
    server_configure(&server, config_of(lines));
    upgrade(&server);
}

static void ask_stream(const char *name)
{
    int stream = stream_open(name);
    stream_write_text(stream, "hi\n");
    stream_expect(stream, "yes");
    close(stream);
}

static void ask_udp(const struct endpoint *at)
{
    int udp = udp_open("127.0.0.1");
    udp_ask(udp, at, "hi", "yes");
    close(udp);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static ino_t inode_of(const char *path)
{
    struct stat file;
    expect(stat(path, &file) == 0, "expected %s", path);
    return file.st_ino;
}

Test(system_upgrade_sockets, of_all_kinds_answer_after_two_upgrades)
{
    const char *chat = harness_path("chat"), *observers = harness_path("observers");
    upgrade_install();
    server_start(&server,
                 harness_format("%slisten = 127.0.0.1:0, tcp:127.0.0.1:0, unix:%s\n"
                                "[control]\nobserver-socket = %s\n",
                                config_of(""), chat, observers),
                 NULL);
    ino_t files[] = {inode_of(chat), inode_of(observers), inode_of(server.socket)};
    for (int i = 0; i < 3; i++) {
        ask_udp(&server.at[0]);
        ask_stream(server.others[0]);
        ask_stream(server.others[1]);
        run_ok(NULL, "udpctl", "-s", observers, "status", NULL);
        upgrade(&server);
    }
    expect(files[0] == inode_of(chat) && files[1] == inode_of(observers) &&
               files[2] == inode_of(server.socket),
           "expected the same files of sockets");
    server_stop(&server);
    expect(!exists(chat) && !exists(observers) && !exists(server.socket),
           "expected that the last process removes the files");
}

Test(system_upgrade_sockets, whose_files_are_removed_later_are_made_again)
{
    const char *chat = harness_path("chat");
    start(harness_format("listen = 127.0.0.1:0, unix:%s\n", chat));
    upgrade(&server);
    expect(unlink(chat) == 0, "expected a file");
    server_await_log(&server, "the file of a listener was created again");
    ask_stream(server.others[0]);
    expect(unlink(server.socket) == 0, "expected a file");
    server_await_log(&server, "the operator's socket was removed and is created again");
    ctl_ok(&server, "status", NULL);
    server_stop(&server);
}

Test(system_upgrade_sockets, of_a_multicast_group_stay_joined)
{
    struct endpoint group = endpoint_of("239.1.2.3:4000");
    netns_enter();
    netns_shell("ip link set lo multicast on && ip route add 239.0.0.0/8 dev lo");
    start("listen = 127.0.0.1:0, 239.1.2.3:4000\n");
    int udp = udp_open("127.0.0.1");
    for (int i = 0; i < 3; i++) {
        udp_send_text(udp, &group, "hi");
        udp_expect(udp, NULL, "yes");
        upgrade(&server);
    }
    server_stop(&server);
}

Test(system_upgrade_sockets, of_listeners_that_are_new_and_that_are_removed)
{
    const char *chat = harness_path("chat"), *second = harness_path("second");
    const char *address = restart_address();
    start(harness_format("listen = %s, tcp:%s, unix:%s\n", address, address, chat));
    struct endpoint kept = server.at[0];
    int port = udp_open("127.0.0.9"); /* a port that is free */
    struct endpoint new_one = udp_name(port);
    close(port);
    upgrade_to(
        harness_format("listen = %s, %s, unix:%s\n", endpoint_text(&new_one), address, second));
    ask_udp(&kept);
    ask_udp(&new_one);
    ask_stream(harness_format("unix:%s", second));
    expect(!exists(chat), "expected that the file of a removed listener is removed");
    upgrade_to(harness_format("listen = tcp:%s, %s\n", address, address));
    ask_udp(&kept);
    ask_stream(harness_format("tcp:%s", address));
    expect(!exists(second), "expected that the file of a removed listener is removed");
    server_stop(&server);
}

Test(system_upgrade_sockets, of_removed_listeners_stay_when_the_upgrade_fails)
{
    const char *chat = harness_path("chat");
    start(harness_format("listen = 127.0.0.1:0, unix:%s\n", chat));
    int taken = udp_open("127.0.0.1");
    struct endpoint at = udp_name(taken);
    server_configure(&server, config_of(harness_format("listen = %s\n", endpoint_text(&at))));
    upgrade_expect_failure(&server, "cannot listen");
    ask_stream(server.others[0]);
    ask_udp(&server.at[0]);
    server_stop(&server);
}

/* Returns the text of a configuration with observers. */
static const char *config_with_observers(const char *path)
{
    return harness_format("%slisten = 127.0.0.1:0\n[control]\nobserver-socket = %s\n",
                          config_of(""), path);
}

Test(system_upgrade_sockets, of_observers_at_another_path)
{
    const char *first = harness_path("first"), *second = harness_path("second");
    upgrade_install();
    server_start(&server, config_with_observers(first), NULL);
    server_configure(&server, config_with_observers(second));
    upgrade(&server);
    run_ok(NULL, "udpctl", "-s", second, "status", NULL);
    expect(!exists(first), "expected that the file at the former path is removed");
    server_configure(&server, config_with_observers("off"));
    upgrade(&server);
    expect(!exists(second), "expected that the file of no observers is removed");
    server_stop(&server);
}

Test(system_upgrade_sockets, at_a_port_that_the_kernel_chose_keep_it)
{
    start("listen = 127.0.0.1:0\nworkers = 2\n");
    struct endpoint before = server.at[0];
    upgrade(&server);
    ask_udp(&before);
    server_stop(&server);
}

/* Has udpload send while the server is upgraded to each of these numbers of workers. */
static void expect_no_loss(const char *listen, const char *target, const int *workers, size_t count)
{
    struct process load;
    const char *report = harness_path("report");
    const char *rate = harness_sanitized() ? "500" : "5000";
    start(harness_format("%sworkers = %d\n", listen, workers[0]));
    const char *argv[] = {"udpload", "-c",
                          "100",     "-Q",
                          rate,      "-l",
                          "3s",      "-t",
                          "5s",      "-S",
                          "100ms",   "--json",
                          report,    target != NULL ? target : endpoint_text(&server.at[0]),
                          NULL};
    process_start(&load, NULL, argv);
    server_await_clients(&server, 100);
    for (size_t i = 1; i < count; i++)
        upgrade_to(harness_format("%sworkers = %d\n", listen, workers[i]));
    process_wait(&load);
    const char *text = run_ok(NULL, "cat", report, NULL);
    harness_equal("the requests that were lost", json_integer(text, "lost"), 0);
    harness_equal("the replies that came twice", json_integer(text, "duplicate"), 0);
    expect(json_integer(text, "sent") > 1000, "expected some requests");
    server_stop(&server);
}

Test(system_upgrade_sockets, lose_no_request_when_the_number_of_workers_stays)
{
    expect_no_loss("listen = 127.0.0.1:0\n", NULL, (int[]){2, 2, 2, 2}, 4);
}

Test(system_upgrade_sockets, lose_no_request_when_the_number_of_workers_changes)
{
    expect_no_loss("listen = 127.0.0.1:0\n", NULL, (int[]){1, 2, 4, 2, 1, 3, 1}, 7);
}

Test(system_upgrade_sockets, of_a_wildcard_lose_no_request_when_the_number_of_workers_changes)
{
    netns_enter();
    expect_no_loss("listen = 0.0.0.0:4000\n", "127.0.0.1:4000", (int[]){1, 2, 4, 2, 1}, 5);
}

Test(system_upgrade_sockets, of_IPv6_lose_no_request_when_the_number_of_workers_changes)
{
    netns_enter();
    expect_no_loss("listen = [::1]:4000\n", NULL, (int[]){1, 3, 1, 2}, 4);
}

/* Each client belongs to one worker: a broadcast reaches it once. */
Test(system_upgrade_sockets, of_more_workers_know_each_client_once)
{
    enum { CLIENTS = 40 };
    int clients[CLIENTS];
    start("listen = 127.0.0.1:0\nworkers = 1\n");
    upgrade_to("listen = 127.0.0.1:0\nworkers = 4\n");
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = udp_open("127.0.0.1");
        udp_ask(clients[i], &server.at[0], "hi", "yes");
    }
    server_await_clients(&server, CLIENTS);
    upgrade_to("listen = 127.0.0.1:0\nworkers = 2\n");
    for (int i = 0; i < CLIENTS; i++)
        udp_ask(clients[i], &server.at[0], "hi", "yes");
    server_await_clients(&server, CLIENTS);
    ctl_ok(&server, "broadcast", "news", NULL);
    for (int i = 0; i < CLIENTS; i++) {
        udp_expect(clients[i], &server.at[0], "news");
        udp_expect_nothing(clients[i], "the broadcast again");
    }
    server_stop(&server);
}

Test(system_upgrade_sockets, of_a_server_that_has_given_up_root_get_more_workers)
{
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
    server.owner = 65534;
    start("listen = 127.0.0.1:0\nworkers = 1\nuser = nobody\n");
    upgrade_to("listen = 127.0.0.1:0\nworkers = 3\nuser = nobody\n");
    upgrade_to("listen = 127.0.0.1:0\nworkers = 5\nuser = nobody\n");
    for (int i = 0; i < 20; i++)
        ask_udp(&server.at[0]);
    server_stop(&server);
}

Test(system_upgrade_sockets, below_port_1024_get_no_more_workers_without_root)
{
    const char *listen;
    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
    server.owner = 65534;
    listen = harness_format("listen = %s\nuser = nobody\n", harness_privileged_address());
    start(harness_format("%sworkers = 1\n", listen));
    upgrade_to(harness_format("%sworkers = 1\n", listen));
    server_configure(&server, config_of(harness_format("%sworkers = 2\n", listen)));
    upgrade_expect_failure(&server, "cannot add a worker to a socket in use");
    ask_udp(&server.at[0]);
    server_stop(&server);
}

/* ---- datagrams that the kernel drops ---- */

enum { FLOOD = 200 };

/* Sends more than the receive buffer holds, while the server does not run. */
static void overflow(int udp)
{
    char bytes[1000] = {'x'};
    process_kill(&server.process, SIGSTOP);
    for (int i = 0; i < FLOOD; i++)
        udp_send(udp, &server.at[0], bytes, sizeof bytes);
}

static void expect_all_counted(int64_t sent)
{
    server_await_stat(&server, "kernel_drops", 1);
    int64_t received = server_stat(&server, "received"),
            dropped = server_stat(&server, "kernel_drops");
    expect(received + dropped == sent, "expected %d datagrams, %d were received and %d dropped",
           (int)sent, (int)received, (int)dropped);
}

static void start_small(int workers)
{
    start(harness_format("listen = 127.0.0.1:0\nreceive-buffer = 4k\nworkers = %d\n", workers));
}

Test(system_upgrade_sockets, that_have_dropped_datagrams_count_them_once)
{
    start_small(1);
    int udp = udp_open("127.0.0.1");
    overflow(udp);
    process_kill(&server.process, SIGCONT);
    expect_all_counted(FLOOD);
    upgrade(&server);
    expect_all_counted(FLOOD);
    overflow(udp);
    process_kill(&server.process, SIGCONT);
    upgrade(&server);
    expect_all_counted(2 * FLOOD);
    server_stop(&server);
}

Test(system_upgrade_sockets, that_drop_datagrams_before_the_upgrade_count_them_in_the_new_process)
{
    start_small(2);
    int udp = udp_open("127.0.0.1");
    for (int i = 1; i <= 3; i++) {
        overflow(udp);
        process_kill(&server.process, SIGUSR2);
        process_kill(&server.process, SIGCONT);
        upgrade_follow(&server);
        expect_all_counted(i * FLOOD);
    }
    server_stop(&server);
}

/* ---- metrics ---- */

Test(system_upgrade_sockets, of_metrics_answer_at_the_same_port_after_two_upgrades)
{
    upgrade_install();
    server_start(&server, harness_format("[metrics]\nlisten = 127.0.0.1:0\n%s", config_of("")),
                 "-l", "127.0.0.1:0", NULL);
    const char *address = http_address(&server);
    for (int i = 0; i < 3; i++) {
        ask_udp(&server.at[0]);
        harness_equal("replied",
                      metric(http_get(address, "/metrics").body,
                             "udpsrv_datagrams_received_total{outcome=\"replied\"}"),
                      i + 1);
        harness_equal("health", http_get(address, "/healthz").status, 200);
        upgrade(&server);
    }
    server_stop(&server);
}

static const char *metrics_at(const char *path)
{
    return harness_format("[metrics]\nlisten = unix:%s\n%s", path, config_of(""));
}

Test(system_upgrade_sockets, of_metrics_that_are_files_stay_until_the_configuration_has_another_one)
{
    const char *first = harness_path("first"), *second = harness_path("second");
    upgrade_install();
    server_start(&server, metrics_at(first), "-l", "127.0.0.1:0", NULL);
    ino_t file = inode_of(first);
    upgrade(&server);
    expect(inode_of(first) == file, "expected the same file");
    harness_equal("health", http_get(harness_format("unix:%s", first), "/healthz").status, 200);
    server_configure(&server, metrics_at(second));
    upgrade(&server);
    harness_equal("health", http_get(harness_format("unix:%s", second), "/healthz").status, 200);
    expect(!exists(first), "expected that the first file is removed");
    server_stop(&server);
    expect(!exists(second), "expected that the second file is removed");
}

/* ---- files of a program that fails ---- */

static void await_removal(const char *path)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    while (exists(path)) {
        expect(harness_now_ms() < deadline, "expected that %s is removed", path);
        harness_wait_ms(1);
    }
}

/* The address of the metrics is the last one that is opened before the control sockets. */
Test(system_upgrade_sockets, that_a_program_has_added_are_removed_when_it_gives_up)
{
    const char *chat = harness_path("chat"), *fresh = harness_path("fresh");
    start(harness_format("listen = 127.0.0.1:0, tcp:127.0.0.1:0, unix:%s\n", chat));
    ino_t file = inode_of(chat);
    server_configure(&server,
                     config_of(harness_format("listen = 127.0.0.1:0, tcp:127.0.0.1:0, unix:%s, "
                                              "unix:%s\n[metrics]\nlisten = %s\n",
                                              chat, fresh, strchr(server.others[0], ':') + 1)));
    upgrade_expect_failure(&server, "cannot serve metrics");
    await_removal(fresh);
    expect(inode_of(chat) == file, "expected the file of a listener that both have to stay");
    ask_stream(server.others[1]);
    server_stop(&server);
}

/* Binds a socket and closes it, as a process does that is killed. */
static const char *leave_socket_file(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strcpy(address.sun_path, harness_path(name));
    expect(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "expected %s", name);
    close(fd);
    return harness_path(name);
}

Test(system_upgrade_sockets, that_a_program_has_named_are_removed_when_it_is_killed)
{
    const char *chat = harness_path("chat");
    start(harness_format("listen = 127.0.0.1:0, unix:%s\n", chat));
    const char *first = leave_socket_file("first"), *second = leave_socket_file("second"),
               *other = leave_socket_file("other"), *text = harness_write_file("text", "", 0644);
    /* The message HANDOVER_FILES, of kind 10: each path comes after its length. */
    upgrade_put_script(harness_format("printf '\\012\\%03zo%%s\\%03zo%%s\\%03zo%%s' %s %s %s >&8; "
                                      "printf '\\012\\%03zo%%s' %s >&8; send GO; exec sleep 100",
                                      strlen(first), strlen(text), strlen(chat), first, text, chat,
                                      strlen(second), second));
    process_kill(&server.process, SIGUSR2);
    server_await_log(&server, "cannot upgrade: this process goes on");
    await_removal(first);
    await_removal(second);
    expect(exists(other) && exists(text) && exists(chat), "expected the other files to stay");
    ask_stream(server.others[0]);
    server_stop(&server);
}

/* ---- metrics ---- */

/* The old process serves the metrics until the new one serves. */
Test(system_upgrade_sockets, of_metrics_are_not_answered_by_a_program_that_fails)
{
    upgrade_install();
    server_start(&server, harness_format("[metrics]\nlisten = 127.0.0.1:0\n%s", config_of("")),
                 "-l", "127.0.0.1:0", NULL);
    const char *address = http_address(&server);
    upgrade_put_script("await PACKAGE; send READY 1; await PACKAGE; exit 1");
    upgrade_expect_failure(&server, "ended while it took over");
    harness_equal("health", http_get(address, "/healthz").status, 200);
    server_stop(&server);
}
