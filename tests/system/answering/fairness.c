/* Work on all clients at once, with several workers and with one: it never costs a request. */

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_fairness, .fini = harness_end, .timeout = 300);

enum { ASKERS = 32 };

static int askers[ASKERS];

enum { MANY = 200000, A_MILLION = 1000000 };

static void start(struct server *server, int workers, const char *more)
{
    server_start(server,
                 harness_format("[server]\nworkers = %d\nreceive-buffer = 64m\n"
                                "[reply]\nmessage = yes\n[clients]\nmax = 2000000\n%s",
                                workers, more),
                 "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < ASKERS; i++)
        askers[i] = udp_open("127.0.0.1");
}

/* So many sources that are never heard of again. */
static void register_many(struct server *server, int count)
{
    const char *number = harness_format("%d", count);
    struct process load;

    process_start(&load, NULL,
                  (const char *const[]){"udpload", "-c", number, "-n", number, "-Q", "max", "-t",
                                        "60s", endpoint_text(&server->at[0]), NULL});
    while (load.pidfd >= 0)
        process_pump(&load, HARNESS_DEADLINE_MS);
    /* 3: the sender itself did not keep up, which is nobody's concern here. */
    expect(load.status == 0 || load.status == 3, "expected %d clients to speak, it was %d", count,
           load.status);
    harness_equal("joined", server_stat(server, "joined"), count);
}

/* Each asker asks once and waits for its answer; a copy of a broadcast may come before it. Returns
 * how many copies came. */
static int ask_round(const struct server *server)
{
    char bytes[64];
    int copies = 0;

    for (int i = 0; i < ASKERS; i++)
        udp_say(askers[i], &server->at[0], "hi");
    for (int i = 0; i < ASKERS; i++) {
        ssize_t size;

        for (; (size = udp_receive(askers[i], bytes, sizeof bytes, NULL)) == 4; copies++)
            expect(memcmp(bytes, "news", 4) == 0, "expected news, '%.4s' came", bytes);
        expect(size == 3 && memcmp(bytes, "yes", 3) == 0, "expected asker %d to be answered", i);
    }
    return copies;
}

/* The same number of requests as of answers, nothing lost in the kernel, and all accounted for. */
static void expect_nothing_lost(struct server *server, int64_t requests)
{
    harness_equal("received", server_stat(server, "received"), requests);
    harness_equal("replied", server_stat(server, "replied"), requests);
    harness_equal("kernel_drops", server_stat(server, "kernel_drops"), 0);
}

/* The objects of a JSON array of flat ones. A strstr for each would take a sanitizer the square of
 * their number, since it looks at the whole rest each time. */
static int64_t count_objects(const struct bytes *json)
{
    int64_t count = 0;

    for (size_t i = 0; i < json->size; i++)
        count += json->data[i] == '{';
    return count;
}

static void list_while_asked(int workers, int many)
{
    struct server server = {0};
    struct process listing;
    int64_t requests = many;
    int rounds = 0;

    start(&server, workers, "ttl = 1h\n");
    register_many(&server, many);
    process_start(&listing, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "-t", "60", "--json",
                                        "clients", NULL});
    for (; listing.pidfd >= 0; rounds++) {
        ask_round(&server);
        requests += ASKERS;
        while (process_pump(&listing, 0))
            continue;
    }
    harness_equal("exit status", listing.status, 0);
    expect(rounds > 1, "expected requests while the listing came, there were %d rounds", rounds);
    /* The askers come while it is written, and may be in it or not. */
    int64_t listed = count_objects(&listing.texts[0]);
    expect(listed >= many && listed <= many + ASKERS, "expected %d clients, %lld are listed", many,
           (long long)listed);
    expect_nothing_lost(&server, requests);
    server_stop(&server);
}

Test(system_fairness, of_four_workers_answers_each_request_while_a_million_clients_are_listed)
{
    list_while_asked(4, harness_sanitized() ? MANY : A_MILLION);
}

Test(system_fairness, of_one_worker_answers_each_request_while_many_clients_are_listed)
{
    list_while_asked(1, MANY);
}

static void broadcast_while_asked(int workers)
{
    struct server server = {0};
    int64_t requests = MANY + 2 * ASKERS;
    int copies = 0, rounds = 0;

    start(&server, workers, "ttl = 1h\n");
    register_many(&server, MANY);
    ask_round(&server);
    server_ask(&server, "broadcast nowait 6e657773");
    for (; server_stat(&server, "broadcasts") == 0; rounds++) {
        copies += ask_round(&server);
        requests += ASKERS;
    }
    copies += ask_round(&server);
    expect(rounds > 0, "expected requests while the broadcast ran");
    harness_equal("copies for who asked", copies, ASKERS);
    harness_equal("copies that the kernel took or refused",
                  server_stat(&server, "copies_sent") + server_stat(&server, "copies_failed"),
                  MANY + ASKERS);
    expect_nothing_lost(&server, requests);
    server_stop(&server);
}

Test(system_fairness, of_four_workers_answers_each_request_while_all_get_a_broadcast)
{
    broadcast_while_asked(4);
}

Test(system_fairness, of_one_worker_answers_each_request_while_all_get_a_broadcast)
{
    broadcast_while_asked(1);
}

static void expire_while_asked(int workers)
{
    enum { TTL_MS = 2000 };
    struct server server = {0};
    int64_t requests = MANY, expired;

    /* No sweep sees them until all their deadlines have passed. */
    start(&server, workers, "ttl = 2s\nsweep = 1h\n");
    register_many(&server, MANY);
    harness_tick(TTL_MS + 10);
    harness_equal("expired", server_stat(&server, "expired"), 0);
    server_configure(&server, "[reply]\nmessage = yes\n[clients]\nttl = 2s\nsweep = 10ms\n");
    server_ask(&server, "reload");
    do {
        ask_round(&server);
        requests += ASKERS;
        expired = server_stat(&server, "expired");
    } while (expired < MANY);
    expect_nothing_lost(&server, requests);
    harness_equal("clients and those who were", server_stat(&server, "clients"),
                  server_stat(&server, "joined") - server_stat(&server, "expired"));
    server_stop(&server);
}

Test(system_fairness, of_four_workers_answers_each_request_while_all_expire)
{
    expire_while_asked(4);
}

Test(system_fairness, of_one_worker_answers_each_request_while_all_expire)
{
    expire_while_asked(1);
}

/* How many lines of a file hold both texts. */
static int count_lines(const char *path, const char *one, const char *other)
{
    FILE *file = fopen(path, "re");
    char line[1024];
    int count = 0;

    expect(file != NULL, "expected strace to write %s", path);
    while (fgets(line, sizeof line, file) != NULL)
        count += strstr(line, one) != NULL && strstr(line, other) != NULL;
    fclose(file);
    return count;
}

Test(system_fairness, of_one_worker_tries_in_vain_no_more_often_than_its_timers_tick)
{
    const char *trace = harness_path("trace");
    const char *const strace[] = {"strace", "-D",
                                  "-f",     "-qq",
                                  "-o",     trace,
                                  "-e",     "trace=recvmmsg,getsockopt",
                                  "-e",     "inject=recvmmsg:error=ENOMEM:when=1..20",
                                  NULL};
    struct server server = {.wrapper = strace};
    int udp = udp_open("127.0.0.1");

    if (harness_sanitized())
        cr_skip_test("a sanitized server is not to be traced");
    if (run(NULL, "strace", "-o", "/dev/null", "true", NULL).status != 0)
        cr_skip_test("strace does not run here");
    /* Each sweep asks once for the socket's drops, every 10 ms; so often may be tried in vain. */
    server_start(&server, "[clients]\nsweep = 10ms\n", "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "audi"); /* it goes on when the kernel has recovered */
    server_stop(&server);
    int in_vain = count_lines(trace, "recvmmsg(", "ENOMEM");
    int sweeps = count_lines(trace, "getsockopt(", "SO_MEMINFO");
    harness_equal("attempts in vain", in_vain, 20);
    expect(sweeps >= in_vain / 2, "expected a sweep for every two attempts, there were %d", sweeps);
    harness_contains("the log", server_log(&server), "cannot receive");
}
