/* Kills of the server by SIGKILL at random moments, while clients join, leave and expire and
 * snapshots are written. Each restart has every client that was registered when the last snapshot
 * was begun, and was not removed later, for the rest of its ttl; and no client that was not
 * registered at that moment or later.
 *
 *     UDPSRV_CRASH_ROUNDS=100 UDPSRV_CRASH_SEED=1 build/system-tests --filter='system_crash/x'
 *
 * sets the number of kills and draws the same ones again, as far as the time that each step takes
 * allows; the seed of each run is in its output. */

#include "frames.h"
#include "restart.h"

#include "base/prng.h"
#include "state/state_contents.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_crash, .init = restart_isolate, .fini = harness_end, .timeout = 1800);

enum {
    ROUNDS = 10, /* of each test; make check-long has 100 */
    CLIENTS = 60,
    EVENTS_MAX = 1 << 18,
    TTL_MS = 2500,
    INTERVAL_MS = 1000,
    /* Clocks in whole milliseconds: of the test, of the server, and the wall clock of its files. */
    TRUNCATION_MS = 5,
    /* A snapshot waits for the disk, and the machine may be busy. */
    LATE_MS = 5000,
    LEAVE = 3,
};

#define CONFIG                                                                  \
    "[reply]\nmessage = yes\n[clients]\nttl = 2500ms\nsweep = 20ms\n[server]\n" \
    "workers = %s\n"

/* A datagram that registers or renews a client, or a removal. It took place between begin_ms and
 * end_ms of the wall clock; end_ms is 0 until the answer comes, which a kill may prevent. */
struct event {
    int client;
    bool is_removal;
    int64_t begin_ms, end_ms;
};

/* When a client expires: not before least_ms, and not after most_ms. 0: it is not registered, or
 * that is not certain. */
struct bounds {
    int64_t least_ms, most_ms;
};

static struct restart restart;
static struct prng prng;
static int udp[CLIENTS];
static bool is_active[CLIENTS];         /* it sends in this round */
static struct bounds at_start[CLIENTS]; /* by the file that the server was started with */
static struct bounds in_file[CLIENTS];  /* by the present file */
static uint64_t last_snapshot;
static struct event events[EVENTS_MAX]; /* of this round */
static size_t event_count;
static int64_t started_ms;

static int random_below(int limit)
{
    return (int)(prng_uniform(&prng) * limit);
}

static const struct endpoint *listener_of(int client)
{
    return &restart.server.at[client % 2];
}

/* ---- what clients do ---- */

static struct event *begin_event(int client, bool is_removal)
{
    expect(event_count < EVENTS_MAX, "expected fewer events in a round");
    struct event *event = &events[event_count++];
    *event = (struct event){client, is_removal, restart_wall_ms(), 0};
    return event;
}

static void request(int client)
{
    struct event *event = begin_event(client, false);
    udp_ask(udp[client], listener_of(client), "hi", "yes");
    event->end_ms = restart_wall_ms();
}

static void kick(int client)
{
    struct event *event = begin_event(client, true);
    struct endpoint name = udp_name(udp[client]);
    const char *line = harness_format("kick %s\n", endpoint_text(&name));
    operator_send(restart.server.control, line, strlen(line));
    operator_answer(restart.server.control); /* it may be registered or not */
    event->end_ms = restart_wall_ms();
}

/* A leave is not answered, so another request, which registers the client again, follows it. */
static void leave(int client)
{
    struct event *event = begin_event(client, true);
    frame_send(udp[client], listener_of(client), LEAVE, NULL, "");
    request(client);
    event->end_ms = restart_wall_ms();
}

static void act(void)
{
    int client = random_below(CLIENTS), action = random_below(40);
    if (!is_active[client])
        return;
    if (action == 0)
        kick(client);
    else if (action < 3)
        leave(client);
    else
        request(client);
}

/* ---- the moment of the kill ---- */

/* Sends requests whose answers may not come any more. */
static void send_unanswered(void)
{
    for (int i = random_below(10); i > 0; i--) {
        int client = random_below(CLIENTS);
        begin_event(client, false);
        udp_send_text(udp[client], listener_of(client), "hi");
    }
}

static void spin_ms(int ms)
{
    int64_t end_ms = harness_now_ms() + ms;
    while (harness_now_ms() < end_ms)
        continue;
}

/* Lets clients act until a moment that is drawn: any, or near that of a snapshot. */
static void act_until_kill(int round)
{
    int64_t ready_ms = harness_now_ms(), limit_ms = ready_ms + random_below(3 * INTERVAL_MS / 2);
    uint64_t snapshot = restart_snapshot(&restart);
    bool awaits_file = round % 3 == 1;
    if (awaits_file)
        limit_ms = ready_ms + HARNESS_DEADLINE_MS;
    if (round % 3 == 2)
        limit_ms = ready_ms + INTERVAL_MS - 20 + random_below(40);
    while (harness_now_ms() < limit_ms && !(awaits_file && restart_snapshot(&restart) != snapshot))
        act();
    send_unanswered();
    spin_ms(random_below(4));
}

/* ---- what must follow ---- */

static uint8_t file_bytes[1 << 20];

static int read_bytes(void *state, uint64_t offset, void *bytes, size_t size)
{
    (void)state;
    memcpy(bytes, file_bytes + offset, size);
    return 0;
}

/* Reads when the snapshot in the file was begun. */
static int64_t snapshot_begin_ms(void)
{
    static struct state_contents contents;
    int file = open(restart.state, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(file, file_bytes, sizeof file_bytes);
    close(file);
    expect(size > 0, "expected to read %s", restart.state);
    const struct state_input input = {.read = read_bytes, .size = (uint64_t)size};
    state_fault fault = state_contents_read(&contents, &input);
    expect(fault == NULL, "expected a whole file after the kill: %s", fault);
    return (int64_t)contents.server.begun.wall_ms;
}

/* Continues the bounds of a client in a snapshot that was begun at begin_ms by an event. */
static void follow(struct bounds *bounds, const struct event *event, int64_t begin_ms,
                   int64_t killed_ms)
{
    int64_t end_ms = event->end_ms != 0 ? event->end_ms : killed_ms;
    if (event->is_removal) {
        bounds->least_ms = 0;
        if (end_ms + TRUNCATION_MS < begin_ms)
            bounds->most_ms = 0;
        return;
    }
    if (end_ms + TRUNCATION_MS < begin_ms)
        bounds->least_ms = event->begin_ms + TTL_MS;
    bounds->most_ms = end_ms + TTL_MS;
}

/* Computes which clients are in the file that the killed server has left. */
static void note_file(int64_t killed_ms)
{
    uint64_t snapshot = restart_snapshot(&restart);
    if (killed_ms - started_ms > INTERVAL_MS + LATE_MS)
        expect(snapshot != last_snapshot, "expected a snapshot within the interval");
    if (snapshot == last_snapshot)
        return;
    last_snapshot = snapshot;
    int64_t begin_ms = snapshot_begin_ms();
    expect(begin_ms + INTERVAL_MS + LATE_MS > killed_ms,
           "expected a snapshot of the last %d ms, it is %lld ms old", INTERVAL_MS,
           (long long)(killed_ms - begin_ms));
    memcpy(in_file, at_start, sizeof in_file);
    for (size_t i = 0; i < event_count; i++)
        follow(&in_file[events[i].client], &events[i], begin_ms, killed_ms);
}

static bool is_listed(const char *list, int client)
{
    struct endpoint name = udp_name(udp[client]);
    return strstr(list, harness_format("\nclient %s ", endpoint_text(&name))) != NULL;
}

/* Expects that the clients are those of the file. */
static void expect_clients_of_file(int round)
{
    int64_t before_ms = restart_wall_ms();
    const char *list = server_ask(&restart.server, "clients");
    int64_t after_ms = restart_wall_ms();
    size_t listed = 0;
    for (int i = 0; i < CLIENTS; i++) {
        bool is_registered = is_listed(list, i);
        listed += is_registered;
        expect(is_registered || in_file[i].least_ms <= after_ms + TRUNCATION_MS,
               "round %d: expected client %d, which has %lld ms left, in %s", round, i,
               (long long)(in_file[i].least_ms - after_ms), list);
        expect(!is_registered || in_file[i].most_ms + TRUNCATION_MS >= before_ms,
               "round %d: expected no client %d, which %s, in %s", round, i,
               in_file[i].most_ms == 0 ? "was not registered" : "has expired", list);
    }
    harness_equal("clients of the test", (int64_t)text_count(list, "\nclient "), (int64_t)listed);
    expect(strstr(server_log(&restart.server), "cannot") == NULL, "expected no warning");
    restart_expect_balance(&restart);
}

static void begin_round(void)
{
    char bytes[64];
    event_count = 0;
    server_ask(&restart.server, "status"); /* opens the connection */
    started_ms = restart_wall_ms();
    memcpy(at_start, in_file, sizeof at_start);
    for (int i = 0; i < CLIENTS; i++) {
        is_active[i] = random_below(3) > 0;
        while (recv(udp[i], bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
            continue;
    }
}

static uint32_t number_of(const char *variable, uint32_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static void run_rounds(const char *workers)
{
    const char *config = harness_format(CONFIG, workers);
    int rounds = (int)number_of("UDPSRV_CRASH_ROUNDS", ROUNDS);
    uint32_t seed = number_of("UDPSRV_CRASH_SEED", (uint32_t)restart_wall_ms());
    uint32_t listed = 0, files = 0;
    fprintf(stderr, "system_crash: UDPSRV_CRASH_ROUNDS=%d UDPSRV_CRASH_SEED=%u\n", rounds, seed);
    prng_init(&prng, seed);
    restart_begin(&restart, config, restart_address(), "[::1]:0", NULL);
    for (int i = 0; i < CLIENTS; i++)
        udp[i] = udp_open(i % 2 == 0 ? "127.0.0.1" : "::1");
    for (int round = 1; round <= rounds; round++) {
        uint64_t snapshot = last_snapshot;
        begin_round();
        act_until_kill(round);
        server_kill(&restart.server);
        note_file(restart_wall_ms());
        restart_again(&restart, config);
        expect_clients_of_file(round);
        files += snapshot != last_snapshot;
        listed += (uint32_t)server_stat(&restart.server, "clients");
    }
    fprintf(stderr, "system_crash: %u snapshots, %u clients restored\n", files, listed);
    expect(files > 0 && listed > 0, "expected snapshots and clients in some rounds");
    server_stop(&restart.server);
}

Test(system_crash, loses_no_client_of_the_last_snapshot_and_adds_none)
{
    run_rounds("1");
}

/* The workers have other clients after each start. */
Test(system_crash, loses_no_client_of_the_last_snapshot_with_four_workers)
{
    run_rounds("4");
}
