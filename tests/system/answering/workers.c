/* Several worker threads behave as one service: one rotation of messages, one limit on clients, one
 * broadcast copy for each client, and one worker for each client. */

#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Other programs of the host may send to a port that they had before, and the counts here are
 * exact. Only root may make a network namespace. */
static void begin(void)
{
    if (geteuid() == 0)
        netns_enter();
}

TestSuite(system_workers, .init = begin, .fini = harness_end, .timeout = 120);

enum { WORKERS = 4, CLIENTS = 240 };

static int clients[CLIENTS];

/* Two listeners, so that each worker has two sockets. Both are on the address of the clients, so
 * that no client has the port of a listener: the server would take it for another server. */
static void start_four_workers(struct server *server, const char *more)
{
    server_start(server, harness_format("[server]\nworkers = %d\n%s", WORKERS, more), "-l",
                 "127.0.0.1:0", "-l", "127.0.0.1:0", NULL);
}

static void open_clients(void)
{
    if (!harness_raise_file_limit(CLIENTS + 100))
        cr_skip_test("this process may not open %d descriptors", CLIENTS + 100);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = udp_open("127.0.0.1");
}

/* A client always sends to the same listener. */
static const struct endpoint *listener_of(const struct server *server, int i)
{
    return &server->at[(size_t)i % server->listeners];
}

static void all_send(const struct server *server, const char *text)
{
    for (int i = 0; i < CLIENTS; i++)
        udp_send_text(clients[i], listener_of(server, i), text);
}

static void all_expect(const struct server *server, const char *text)
{
    for (int i = 0; i < CLIENTS; i++)
        udp_expect(clients[i], listener_of(server, i), text);
}

static void all_expect_nothing(void)
{
    for (int i = 0; i < CLIENTS; i++)
        udp_expect_nothing(clients[i], "more than the expected broadcasts");
}

/* All clients send a request at once, so that the workers reply in parallel. Counts the replies by
 * their first byte. */
static void request_rounds(const struct server *server, int rounds, int counts[128])
{
    char bytes[64];

    memset(counts, 0, 128 * sizeof counts[0]);
    for (int round = 0; round < rounds; round++) {
        all_send(server, "hi");
        for (int i = 0; i < CLIENTS; i++) {
            expect(udp_receive(clients[i], bytes, sizeof bytes, NULL) > 0,
                   "expected a reply to client %d in round %d", i, round);
            counts[bytes[0] & 127]++;
        }
    }
}

/* The CPU time of each worker thread in nanoseconds, indexed by its number. */
static void worker_run_times(const struct server *server, uint64_t times[WORKERS])
{
    const char *tasks = harness_format("/proc/%d/task", (int)server->process.pid);
    DIR *directory = opendir(tasks);
    struct dirent *entry;
    int found = 0;

    expect(directory != NULL, "expected %s: %s", tasks, strerror(errno));
    while ((entry = readdir(directory)) != NULL) {
        FILE *name = fopen(harness_format("%s/%s/comm", tasks, entry->d_name), "re");
        FILE *time = fopen(harness_format("%s/%s/schedstat", tasks, entry->d_name), "re");
        int number = -1;

        if (name != NULL && time != NULL && fscanf(name, "worker-%d", &number) == 1 &&
            number >= 0 && number < WORKERS)
            found += fscanf(time, "%lu", &times[number]);
        if (name != NULL)
            fclose(name);
        if (time != NULL)
            fclose(time);
    }
    closedir(directory);
    expect(found == WORKERS, "expected %d threads with the name worker-N, found %d", WORKERS,
           found);
}

Test(system_workers, rotate_the_messages_exactly)
{
    enum { ROUNDS = 30 };
    struct server server = {0};
    int counts[128];
    uint64_t before[WORKERS], after[WORKERS];

    open_clients();
    start_four_workers(&server, "");
    request_rounds(&server, 1, counts);
    worker_run_times(&server, before);
    request_rounds(&server, ROUNDS, counts);
    worker_run_times(&server, after);
    harness_equal("audi", counts['a'], ROUNDS * CLIENTS / 3);
    harness_equal("toyota", counts['t'], ROUNDS * CLIENTS / 3);
    harness_equal("bmw", counts['b'], ROUNDS * CLIENTS / 3);
    for (int i = 0; i < WORKERS; i++)
        expect(after[i] > before[i], "expected worker %d to have run", i);
    harness_equal("workers", json_integer(ctl_ok(&server, "status", "--json", NULL), "workers"),
                  WORKERS);
    server_stop(&server);
}

Test(system_workers, send_one_broadcast_copy_to_each_client)
{
    enum { BROADCASTS = 30 };
    struct server server = {0};

    open_clients();
    start_four_workers(&server, "[reply]\nmode = none\n");
    all_send(&server, "hi");
    server_await_stat(&server, "joined", CLIENTS);
    for (int round = 0; round < BROADCASTS; round++) {
        const char *report =
            server_ask(&server, harness_format("broadcast wait %02x", 'A' + round % 26));

        harness_equal("targets", answer_integer(report, "targets"), CLIENTS);
        harness_equal("sent", answer_integer(report, "sent"), CLIENTS);
        all_expect(&server, harness_format("%c", 'A' + round % 26));
    }
    all_expect_nothing();
    harness_equal("copies_sent", server_stat(&server, "copies_sent"), CLIENTS * BROADCASTS);
    harness_equal("broadcasts", server_stat(&server, "broadcasts"), BROADCASTS);
    server_stop(&server);
}

Test(system_workers, broadcast_at_a_rate_below_the_number_of_workers)
{
    enum { FEW = 8 };
    struct server server = {0};
    int few[FEW];

    start_four_workers(&server, "[reply]\nmode = none\n[broadcast]\nrate = 3\n");
    for (int i = 0; i < FEW; i++)
        udp_send_text(few[i] = udp_open("127.0.0.1"), &server.at[0], "hi");
    server_await_stat(&server, "joined", FEW);
    server_ask(&server, "broadcast nowait 41");
    for (int i = 0; i < FEW; i++)
        udp_expect(few[i], &server.at[0], "A");
    server_await_stat(&server, "broadcasts", 1);
    harness_equal("copies_sent", server_stat(&server, "copies_sent"), FEW);
    server_stop(&server);
}

Test(system_workers, sum_up_their_counters)
{
    struct server server = {0};
    char large[101];
    int same_port, counts[128];

    memset(large, 'x', sizeof large);
    open_clients();
    start_four_workers(&server, "max-datagram = 100\n");
    same_port = udp_open(harness_format("127.0.0.3:%d", endpoint_port(&server.at[0])));
    request_rounds(&server, 10, counts);
    for (int i = 0; i < CLIENTS; i++)
        udp_send(clients[i], listener_of(&server, i), large, sizeof large);
    for (int i = 0; i < 7; i++)
        udp_send_text(same_port, &server.at[0], "hi");
    server_await_stat(&server, "received", 11 * CLIENTS + 7);
    harness_equal("received", server_stat(&server, "received"), 11 * CLIENTS + 7);
    harness_equal("replied", server_stat(&server, "replied"), 10 * CLIENTS);
    harness_equal("drop_oversize", server_stat(&server, "drop_oversize"), CLIENTS);
    harness_equal("drop_own_source", server_stat(&server, "drop_own_source"), 7);
    harness_equal("kernel_drops", server_stat(&server, "kernel_drops"), 0);
    expect_balance("stats", server_ask(&server, "stats"));
    server_stop(&server);
}

/* Starts a child that sends datagrams from the sockets of all clients until it is killed. */
static pid_t start_flood(const struct endpoint *to)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with a test that fails */
    for (;;) {
        for (int i = 0; i < CLIENTS; i++)
            sendto(clients[i], "hi", 2, MSG_DONTWAIT, (const struct sockaddr *)&to->sockaddr,
                   to->size);
    }
}

static void stop_flood(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* The listing contains the address of each client exactly once. */
static void expect_each_listed_once(struct server *server)
{
    const char *listing = server_ask(server, "clients");

    for (int i = 0; i < CLIENTS; i++) {
        struct endpoint name = udp_name(clients[i]);

        harness_equal(
            endpoint_text(&name),
            (int64_t)text_count(listing, harness_format("\nclient %s ", endpoint_text(&name))), 1);
    }
    harness_equal("clients", (int64_t)text_count(listing, "\nclient "), CLIENTS);
}

/* A wrapper that delays the return of each bind, so that many datagrams are received while a
 * SO_REUSEPORT group is incomplete. NULL where strace does not run: then few are. */
static const char *const *slow_bind_wrapper(void)
{
    static const char *const strace[] = {
        "strace",    "-D", "-f",         "-qq", "-o",
        "/dev/null", "-e", "trace=bind", "-e",  "inject=bind:delay_exit=20000",
        NULL};

    if (harness_sanitized() || run(NULL, "strace", "-o", "/dev/null", "true", NULL).status != 0)
        return NULL;
    return strace;
}

Test(system_workers, keep_each_client_in_one_shard_even_if_it_sends_before_and_during_the_start)
{
    struct server server = {.wrapper = slow_bind_wrapper()};
    int reserved = udp_open("127.0.0.1");
    struct endpoint to = udp_name(reserved);
    pid_t flood;

    open_clients();
    close(reserved);
    flood = start_flood(&to);
    server_start(&server, harness_format("[server]\nworkers = %d\n[reply]\nmode = none\n", WORKERS),
                 "-l", endpoint_text(&to), NULL);
    server_await_stat(&server, "received", harness_sanitized() ? 5000 : 50000);
    stop_flood(flood);
    for (int i = 0; i < CLIENTS; i++)
        udp_send_text(clients[i], &to, "hi");
    server_await_stat(&server, "clients", CLIENTS);
    harness_equal("joined", server_stat(&server, "joined"), CLIENTS);
    expect_each_listed_once(&server);
    server_stop(&server);
}

Test(system_workers, do_not_count_datagrams_before_the_start_as_kernel_drops)
{
    struct server server = {0};
    int reserved = udp_open("127.0.0.1"), later;
    struct endpoint to = udp_name(reserved);
    pid_t flood;

    if (geteuid() != 0)
        cr_skip_test("only root can set a receive buffer that is large enough");
    open_clients();
    close(reserved);
    flood = start_flood(&to);
    server_start(
        &server,
        harness_format("[server]\nworkers = %d\nreceive-buffer = 256m\n[reply]\nmode = none\n",
                       WORKERS),
        "-l", endpoint_text(&to), NULL);
    stop_flood(flood);
    later = udp_open("127.0.0.1");
    udp_send_text(later, &to, "hi");
    server_await_stat(&server, "joined", 1);
    harness_equal("kernel_drops", server_stat(&server, "kernel_drops"), 0);
    server_stop(&server);
}

Test(system_workers, share_the_limit_on_clients_exactly)
{
    enum { MAX = 50 };
    struct server server = {0};
    int counts[128];

    open_clients();
    start_four_workers(&server, harness_format("[clients]\nmax = %d\n", MAX));
    request_rounds(&server, 1, counts);
    harness_equal("clients", server_stat(&server, "clients"), MAX);
    harness_equal("refused_full", server_stat(&server, "refused_full"), CLIENTS - MAX);
    /* A free place can be used by any shard, whichever shard had it before. */
    for (int kicked = 1; kicked <= MAX; kicked++) {
        const char *listing = server_ask(&server, "clients 1");
        char first[ENDPOINT_TEXT_BYTES];

        expect(sscanf(listing, "ok\nclient %79s", first) == 1, "expected a client in '%s'",
               listing);
        server_ask(&server, harness_format("kick %s", first));
        request_rounds(&server, 1, counts);
        harness_equal("clients", server_stat(&server, "clients"), MAX);
    }
    server_stop(&server);
}

Test(system_workers, find_and_kick_the_clients_of_each_worker)
{
    struct server server = {0};
    int counts[128];

    open_clients();
    start_four_workers(&server, "");
    request_rounds(&server, 1, counts);
    for (int i = 0; i < CLIENTS; i++) {
        struct endpoint name = udp_name(clients[i]);
        const char *text = endpoint_text(&name);

        harness_contains("the client", server_ask(&server, harness_format("client %s", text)),
                         text);
        harness_equal(
            "kicked",
            answer_integer(server_ask(&server, harness_format("kick %s", text)), "kicked"), 1);
    }
    harness_equal("clients", server_stat(&server, "clients"), 0);
    harness_equal("kicked", server_stat(&server, "kicked"), CLIENTS);
    server_stop(&server);
}

static void expect_refused(const char *first, const char *second)
{
    struct server server = {0}, other = {0};
    struct result result;
    int udp = udp_open("127.0.0.1");

    server_start(&server, first, "-l", "127.0.0.1:0", NULL);
    result = server_try(&other, second, "-l", endpoint_text(&server.at[0]), NULL);
    harness_equal("exit status", result.status, 1);
    harness_contains("the error", result.err, endpoint_text(&server.at[0]));
    harness_contains("the error", result.err, "another program uses it");
    udp_ask(udp, &server.at[0], "hi", "audi");
    server_stop(&server);
}

Test(system_workers, do_not_share_their_port_with_a_second_daemon)
{
    expect_refused("[server]\nworkers = 4\n", "[server]\nworkers = 4\n");
    expect_refused("[server]\nworkers = 4\n", "[server]\nworkers = 1\n");
    expect_refused("[server]\nworkers = 1\n", "[server]\nworkers = 4\n");
}

Test(system_workers, restart_the_rotation_after_a_reload_and_keep_it_exact)
{
    enum { ROUNDS = 10 };
    struct server server = {0};
    int counts[128];

    open_clients();
    start_four_workers(&server, "");
    request_rounds(&server, 1, counts);
    server_configure(&server, "[server]\nworkers = 2\n[reply]\nmessage = one, two\n"
                              "[clients]\nttl = 1h\n[broadcast]\nrate = 100000\n");
    harness_contains("the answer to reload", ctl_ok(&server, "reload", NULL), "server.workers");
    request_rounds(&server, ROUNDS, counts);
    harness_equal("one", counts['o'], ROUNDS * CLIENTS / 2);
    harness_equal("two", counts['t'], ROUNDS * CLIENTS / 2);
    harness_equal("workers", json_integer(ctl_ok(&server, "status", "--json", NULL), "workers"),
                  WORKERS);
    harness_equal("sent",
                  json_integer(ctl_ok(&server, "broadcast", "news", "--json", NULL), "sent"),
                  CLIENTS);
    all_expect(&server, "news");
    server_stop(&server);
}

Test(system_workers, stop_during_a_flood_and_a_broadcast_with_balanced_counters)
{
    struct server server = {0};
    pid_t flood;
    const char *last;

    open_clients();
    start_four_workers(&server, "[reply]\nmode = none\n[broadcast]\nrate = 10\n");
    flood = start_flood(&server.at[0]);
    server_await_stat(&server, "clients", CLIENTS);
    server_ask(&server, "broadcast nowait 41");
    server_await_stat(&server, "copies_sent", 1);
    server_stop(&server);
    stop_flood(flood);
    last = strstr(server_log(&server), " stopped ");
    expect(last != NULL, "expected a last line, the log is '%s'", server_log(&server));
    expect_balance("the last line", last);
    harness_contains("the last line", last, "broadcasts=1");
}

Test(system_workers, bind_privileged_ports_before_they_drop_privileges)
{
    struct server server = {.owner = 65534};
    int udp;

    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    harness_disable_leak_check();
    server_start(&server, "[server]\nworkers = 4\nuser = nobody\n", "-l",
                 harness_privileged_address(), NULL);
    udp = udp_open("127.0.0.1");
    udp_ask(udp, &server.at[0], "hi", "audi");
    server_stop(&server);
}

static void use_one_processor(void)
{
    cpu_set_t all, one;

    sched_getaffinity(0, sizeof all, &all);
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &all))
            continue;
        CPU_SET(i, &one);
        break;
    }
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        _exit(126);
}

Test(system_workers, are_as_many_as_usable_processors_by_default)
{
    struct server server = {0}, small = {.prepare = use_one_processor};
    cpu_set_t all;

    sched_getaffinity(0, sizeof all, &all);
    server_start(&server, "[server]\nworkers = auto\n", "-l", "127.0.0.1:0", NULL);
    harness_equal("workers", json_integer(ctl_ok(&server, "status", "--json", NULL), "workers"),
                  CPU_COUNT(&all) < 256 ? CPU_COUNT(&all) : 256);
    server_start(&small, "[server]\nworkers = auto\n", "-l", "127.0.0.1:0", NULL);
    harness_equal("workers on one processor",
                  json_integer(ctl_ok(&small, "status", "--json", NULL), "workers"), 1);
    server_stop(&server);
    server_stop(&small);
}

static void allow_few_files(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        _exit(126);
}

Test(system_workers, raise_the_limit_on_open_files_when_they_need_to)
{
    struct server server = {.prepare = allow_few_files};
    int udp = udp_open("127.0.0.1");

    if (!harness_raise_file_limit(1000))
        cr_skip_test("this host allows too few open files");
    server_start(&server, "[server]\nworkers = 64\nlisten = 127.0.0.1:0, 127.0.0.2:0\n", NULL);
    for (int i = 0; i < 30; i++)
        udp_send_text(udp, &server.at[1], "hi");
    server_await_stat(&server, "replied", 30);
    server_stop(&server);
}
