/* Listings, broadcasts and expiry of all clients at once, with one worker and with four: every
 * request is answered meanwhile. */

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_fairness, .fini = harness_end, .timeout = 300);

enum { REQUESTERS = 32 };

static int requesters[REQUESTERS];

enum { MANY_CLIENTS = 200000, A_MILLION_CLIENTS = 1000000 };

static void start_server(struct server *server, int workers, const char *more)
{
    server_start(server,
                 harness_format("[server]\nworkers = %d\nreceive-buffer = 64m\n"
                                "[reply]\nmessage = yes\n[clients]\nmax = 2000000\n%s",
                                workers, more),
                 "-l", "127.0.0.1:0", NULL);
    for (int i = 0; i < REQUESTERS; i++)
        requesters[i] = udp_open("127.0.0.1");
}

/* Registers clients that send nothing afterwards. */
static void register_clients(struct server *server, int count)
{
    const char *number = harness_format("%d", count);
    struct process load;

    process_start(&load, NULL,
                  (const char *const[]){"udpload", "-c", number, "-n", number, "-Q", "max", "-t",
                                        "60s", endpoint_text(&server->at[0]), NULL});
    while (load.pidfd >= 0)
        process_pump(&load, HARNESS_DEADLINE_MS);
    /* Status 3: udpload did not reach its rate, which does not matter here. */
    expect(load.status == 0 || load.status == 3,
           "expected udpload to register %d clients, its status is %d", count, load.status);
    harness_equal("joined", server_stat(server, "joined"), count);
}

/* Each requester sends one request and waits for its reply; a broadcast copy may be received first.
 * Returns the number of copies. */
static int request_round(const struct server *server)
{
    char bytes[64];
    int copies = 0;

    for (int i = 0; i < REQUESTERS; i++)
        udp_send_text(requesters[i], &server->at[0], "hi");
    for (int i = 0; i < REQUESTERS; i++) {
        ssize_t size;

        for (; (size = udp_receive(requesters[i], bytes, sizeof bytes, NULL)) == 4; copies++)
            expect(memcmp(bytes, "news", 4) == 0, "expected news, got '%.4s'", bytes);
        expect(size == 3 && memcmp(bytes, "yes", 3) == 0, "expected a reply to requester %d", i);
    }
    return copies;
}

/* Each request was received and got a reply, and the kernel dropped none. */
static void expect_nothing_lost(struct server *server, int64_t requests)
{
    harness_equal("received", server_stat(server, "received"), requests);
    harness_equal("replied", server_stat(server, "replied"), requests);
    harness_equal("kernel_drops", server_stat(server, "kernel_drops"), 0);
}

/* The number of objects in a JSON array of flat objects. With a strstr for each object, sanitized
 * builds would need quadratic time, because they check the whole rest of the text at each call. */
static int64_t count_objects(const struct bytes *json)
{
    int64_t count = 0;

    for (size_t i = 0; i < json->size; i++)
        count += json->data[i] == '{';
    return count;
}

static void list_during_requests(int workers, int count)
{
    struct server server = {0};
    struct process listing;
    int64_t requests = count;
    int rounds = 0;

    start_server(&server, workers, "ttl = 1h\n");
    register_clients(&server, count);
    process_start(&listing, NULL,
                  (const char *const[]){"udpctl", "-s", server.socket, "-t", "60", "--json",
                                        "clients", NULL});
    for (; listing.pidfd >= 0; rounds++) {
        request_round(&server);
        requests += REQUESTERS;
        while (process_pump(&listing, 0))
            continue;
    }
    harness_equal("exit status", listing.status, 0);
    expect(rounds > 1, "expected requests during the listing, there were %d rounds", rounds);
    /* The requesters register during the listing, so it may contain them or not. */
    int64_t listed = count_objects(&listing.texts[0]);
    expect(listed >= count && listed <= count + REQUESTERS, "expected %d clients, %lld are listed",
           count, (long long)listed);
    expect_nothing_lost(&server, requests);
    server_stop(&server);
}

Test(system_fairness, four_workers_answer_each_request_while_a_million_clients_are_listed)
{
    list_during_requests(4, harness_sanitized() ? MANY_CLIENTS : A_MILLION_CLIENTS);
}

Test(system_fairness, one_worker_answers_each_request_while_many_clients_are_listed)
{
    list_during_requests(1, MANY_CLIENTS);
}

static void broadcast_during_requests(int workers)
{
    struct server server = {0};
    int64_t requests = MANY_CLIENTS + 2 * REQUESTERS;
    int copies = 0;

    start_server(&server, workers, "ttl = 1h\n");
    register_clients(&server, MANY_CLIENTS);
    request_round(&server);
    server_ask(&server, "broadcast nowait 6e657773");
    do {
        copies += request_round(&server);
        requests += REQUESTERS;
    } while (server_stat(&server, "broadcasts") == 0);
    copies += request_round(&server);
    harness_equal("copies to the requesters", copies, REQUESTERS);
    harness_equal("copies that the kernel accepted or rejected",
                  server_stat(&server, "copies_sent") + server_stat(&server, "copies_failed"),
                  MANY_CLIENTS + REQUESTERS);
    expect_nothing_lost(&server, requests);
    server_stop(&server);
}

Test(system_fairness, four_workers_answer_each_request_during_a_broadcast_to_all_clients)
{
    broadcast_during_requests(4);
}

Test(system_fairness, one_worker_answers_each_request_during_a_broadcast_to_all_clients)
{
    broadcast_during_requests(1);
}

static void expire_during_requests(int workers)
{
    enum { TTL_MS = 2000 };
    struct server server = {0};
    int64_t requests = MANY_CLIENTS, expired;

    /* The sweep interval is longer than ttl, so no client is removed until all have expired. */
    start_server(&server, workers, "ttl = 2s\nsweep = 1h\n");
    register_clients(&server, MANY_CLIENTS);
    harness_wait_ms(TTL_MS + 10);
    harness_equal("expired", server_stat(&server, "expired"), 0);
    server_configure(&server, "[reply]\nmessage = yes\n[clients]\nttl = 2s\nsweep = 10ms\n");
    server_ask(&server, "reload");
    do {
        request_round(&server);
        requests += REQUESTERS;
        expired = server_stat(&server, "expired");
    } while (expired < MANY_CLIENTS);
    expect_nothing_lost(&server, requests);
    harness_equal("clients that have not expired", server_stat(&server, "clients"),
                  server_stat(&server, "joined") - server_stat(&server, "expired"));
    server_stop(&server);
}

Test(system_fairness, four_workers_answer_each_request_while_all_clients_expire)
{
    expire_during_requests(4);
}

Test(system_fairness, one_worker_answers_each_request_while_all_clients_expire)
{
    expire_during_requests(1);
}

/* The number of lines of a file that contain both texts. */
static int count_lines_with(const char *path, const char *one, const char *other)
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

Test(system_fairness, a_worker_retries_a_failed_receive_no_more_often_than_its_timers_expire)
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
    /* Each sweep, every 10 ms, reads the drop counter of the socket once. Failed receive attempts
     * may not be more frequent than the timers. */
    server_start(&server, "[clients]\nsweep = 10ms\n", "-l", "127.0.0.1:0", NULL);
    udp_ask(udp, &server.at[0], "hi", "audi"); /* it receives again after the errors */
    server_stop(&server);
    int failures = count_lines_with(trace, "recvmmsg(", "ENOMEM");
    int sweeps = count_lines_with(trace, "getsockopt(", "SO_MEMINFO");
    harness_equal("failed attempts", failures, 20);
    expect(sweeps >= failures / 2, "expected a sweep for every two attempts, there were %d",
           sweeps);
    harness_contains("the log", server_log(&server), "cannot receive");
}
