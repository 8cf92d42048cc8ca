/* Broadcasts with a key: an entry that was published before is not sent again, after SIGKILL at a
 * random moment, a stop or an upgrade, and without a state file; and what the commands say. */

#include "restart.h"
#include "upgrade.h"

#include "base/prng.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(system_publish, .init = restart_isolate, .fini = harness_end, .timeout = 300);

#define CONFIG "[reply]\nmessage = yes\n[clients]\nttl = 60s\n"

enum {
    ENTRIES = 150, /* copies that the receive buffer of a client holds */
    ROUNDS = 10,
    LINE_BYTES = 128,
};

static struct restart restart;
static int udp;

static void join(void)
{
    udp_ask(udp, &restart.server.at[0], "hi", "yes");
}

static void begin(void)
{
    restart_begin(&restart, CONFIG, restart_address(), NULL);
    udp = udp_open("127.0.0.1");
    join();
}

static const char *publish(const char *key, const char *text)
{
    return ctl_ok(&restart.server, "--json", "broadcast", "--key", key, text, NULL);
}

static const char *state_of(const char *json)
{
    return json_text(json, "state");
}

static void expect_sent(const char *key, const char *text)
{
    const char *answer = publish(key, text);
    harness_equal("sent", json_integer(answer, "sent"), 1);
    harness_contains("state", state_of(answer), "done");
    udp_expect(udp, &restart.server.at[0], text);
}

static void expect_duplicate(const char *key)
{
    const char *answer = publish(key, "again");
    harness_contains("state", state_of(answer), "duplicate");
    harness_equal("targets", json_integer(answer, "targets"), 0);
    expect(strstr(answer, "\"id\"") == NULL, "a duplicate has no job: %s", answer);
    join();
    udp_expect_nothing(udp, "a copy of a duplicate");
}

static void expect_stream(const char *name, const char *id, const char *state)
{
    const char *list = ctl_ok(&restart.server, "--json", "streams", name, NULL);
    harness_contains("streams", list,
                     harness_format("{\"stream\":\"%s\",\"id\":\"%s\",", name, id));
    harness_contains("state", state_of(list), state);
}

/* ---- SIGKILL ---- */

/* Sends the entries by a gateway, whose session it returns. Only the last one has a result. */
static int send_entries(void)
{
    int session = control_client_open(&restart.server);
    operator_send(session, "gateway\n", 8);
    for (int i = 1; i <= ENTRIES; i++) {
        char line[LINE_BYTES], hex[32] = "";
        char text[16];
        snprintf(text, sizeof text, "e%d", i);
        for (size_t k = 0; k < strlen(text); k++)
            snprintf(hex + 2 * k, sizeof hex - 2 * k, "%02x", (unsigned char)text[k]);
        int size = snprintf(line, sizeof line, "broadcast %s key=orders:%d %s\n",
                            i == ENTRIES ? "last" : "-", i, hex);
        operator_send(session, line, (size_t)size);
    }
    return session;
}

static int copies[ENTRIES + 1];

/* Counts the copies that arrive, until so many are there. */
static void receive_copies(int count)
{
    char text[64];
    for (int i = 0, entry = 0; i < count; i++) {
        ssize_t size = udp_receive(udp, text, sizeof text - 1, NULL);
        expect(size > 1, "a copy is missing");
        text[size] = '\0';
        entry = atoi(text + 1);
        expect(text[0] == 'e' && entry >= 1 && entry <= ENTRIES, "a copy is '%s'", text);
        copies[entry]++;
    }
}

/* Counts what was sent, and is still in the buffer of the socket: then comes the answer to a
 * request. */
static void receive_rest(void)
{
    char text[64];
    udp_send_text(udp, &restart.server.at[0], "hi");
    for (;;) {
        ssize_t size = udp_receive(udp, text, sizeof text - 1, NULL);
        expect(size > 0, "the answer is missing");
        text[size] = '\0';
        if (strcmp(text, "yes") == 0)
            return;
        copies[atoi(text + 1)]++;
    }
}

static void await_last_result(int session)
{
    char output[LINE_BYTES] = "";
    size_t size = 0;
    while (strstr(output, "result last ") == NULL) {
        expect(read(session, output + size, 1) == 1, "the session has ended");
        size = output[size] == '\n' || size + 2 == sizeof output ? 0 : size + 1;
        output[size] = '\0';
    }
}

static int last_entry(void)
{
    const char *list = ctl_ok(&restart.server, "streams", "--json", NULL);
    return strstr(list, "orders") != NULL ? atoi(json_text(list, "id")) : 0;
}

static bool is_uncertain(void)
{
    return strstr(ctl_ok(&restart.server, "streams", NULL), "uncertain") != NULL;
}

Test(system_publish, after_a_kill_only_the_entry_in_progress_may_be_missing)
{
    struct prng prng;
    uint64_t seed = (uint64_t)harness_now_ms();
    printf("seed %llu\n", (unsigned long long)seed);
    prng_init(&prng, seed);
    begin();
    for (int round = 0; round < ROUNDS; round++) {
        memset(copies, 0, sizeof copies);
        unlink(harness_format("%s.streams", restart.state));
        server_kill(&restart.server);
        restart_again(&restart, CONFIG);
        join();
        int session = send_entries();
        receive_copies(1 + (int)(prng_uniform(&prng) * (ENTRIES - 1)));
        server_kill(&restart.server);
        close(session);
        restart_again(&restart, CONFIG);
        receive_rest();
        int uncertain = is_uncertain() ? last_entry() : 0;
        /* The source does not know what was published, and sends all again. */
        session = send_entries();
        await_last_result(session);
        receive_rest();
        close(session);
        for (int i = 1; i <= ENTRIES; i++)
            expect(copies[i] == 1 || (copies[i] == 0 && i == uncertain),
                   "entry %d has %d copies, entry %d is uncertain", i, copies[i], uncertain);
    }
    server_stop(&restart.server);
}

/* ---- stops, upgrades ---- */

Test(system_publish, an_entry_is_a_duplicate_after_a_stop)
{
    begin();
    expect_sent("orders:5-1", "one");
    expect_duplicate("orders:5-1");
    expect_duplicate("orders:4-9");
    expect_sent("orders:5-2", "two");
    restart_stop_and_start(&restart, CONFIG);
    expect_stream("orders", "5-2", "done");
    expect_duplicate("orders:5-2");
    expect_sent("orders:6", "three");
    server_stop(&restart.server);
}

/* Reports that two entries of the stream are missing. The server answers by that state. */
static void report_gap(const char *state)
{
    static const char request[] = "gateway\ngap 1 orders 5-0 8-0 2 7\nend\n";
    int control = stream_open(harness_format("unix:%s", restart.server.socket));
    expect(operator_send(control, request, sizeof request - 1), "expected to report a gap");
    stream_expect(control, "ok");
    stream_expect(control, harness_format("result 1 state=%s", state));
    stream_expect(control, ".");
    close(control);
}

static void expect_gap(void)
{
    const char *list = ctl_ok(&restart.server, "--json", "streams", "orders", NULL);
    harness_equal("gaps", json_integer(list, "gaps"), 1);
    harness_equal("missing entries", json_integer(list, "missing"), 2);
}

Test(system_publish, an_upgrade_keeps_the_streams_in_either_form)
{
    upgrade_install();
    begin();
    expect_sent("orders:5", "one");
    report_gap("counted");
    upgrade(&restart.server);
    expect_gap();
    report_gap("known");
    expect_duplicate("orders:5");
    expect_sent("orders:6", "two");
    server_configure(&restart.server,
                     harness_format("[server]\nlisten = %s\n[state]\nfile = %s\n"
                                    "[clients]\nmax = 1000\n[reply]\nmessage = yes\n",
                                    restart.listen[0], restart.state));
    upgrade(&restart.server);
    expect_gap();
    expect_duplicate("orders:6");
    expect_sent("orders:7", "three");
    expect_stream("orders", "7-0", "done");
    server_kill(&restart.server);
    restart_again(&restart, CONFIG);
    expect_stream("orders", "7-0", "done");
    server_stop(&restart.server);
}

Test(system_publish, without_a_state_file_the_streams_last_as_long_as_the_server)
{
    struct server server = {.dir = NULL};
    upgrade_install();
    server_start(&server, "[server]\nlisten = 127.0.0.1:0\n[reply]\nmessage = yes\n", NULL);
    ctl_ok(&server, "broadcast", "--key", "orders:5", "one", NULL);
    server_await_log(&server, "a restart forgets which keys were published");
    harness_contains("streams", ctl_ok(&server, "--json", "streams", NULL), "\"kept\":false");
    upgrade(&server);
    harness_contains("broadcast", ctl_ok(&server, "broadcast", "--key", "orders:5", "one", NULL),
                     "duplicate");
    server_stop(&server);
}

/* ---- errors and commands ---- */

Test(system_publish, is_refused_while_the_journal_cannot_be_written)
{
    begin();
    const char *journal = harness_format("%s.streams", restart.state);
    expect(mkdir(journal, 0700) == 0, "cannot make %s", journal);
    struct result result = ctl(&restart.server, "broadcast", "--key", "orders:5", "one", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("the error", result.err, "the key cannot be written to");
    join();
    udp_expect_nothing(udp, "what was refused");
    rmdir(journal);
    expect_sent("orders:5", "two");
    server_stop(&restart.server);
}

/* Sends a request of a gateway session, and expects that its result contains text. */
static void expect_result(int session, const char *request, const char *text)
{
    char line[512];
    size_t size = 0;
    operator_send(session, request, strlen(request));
    while (size == 0 || line[size - 1] != '\n') {
        expect(read(session, line + size, 1) == 1, "the session has ended");
        size = line[size] == '\n' && strncmp(line, "ok\n", 3) == 0 ? 0 : size + 1;
    }
    line[size] = '\0';
    harness_contains("the result", line, text);
}

Test(system_publish, a_gateway_skips_no_entry_after_one_that_was_refused)
{
    begin();
    const char *journal = harness_format("%s.streams", restart.state);
    expect(mkdir(journal, 0700) == 0, "cannot make %s", journal);
    int session = control_client_open(&restart.server);
    operator_send(session, "gateway\n", 8);
    expect_result(session, "broadcast 1 key=orders:5 35\n", "cannot be written");
    expect_result(session, "broadcast 2 key=orders:6 36\n", "was refused before");
    rmdir(journal);
    expect_result(session, "broadcast 3 key=orders:7 37\n", "was refused before");
    expect_result(session, "broadcast 4 key=orders:5 35\n", "state=done");
    expect_result(session, "broadcast 5 key=orders:6 36\n", "state=done");
    expect_result(session, "broadcast 6 key=orders:6 36\n", "state=duplicate");
    close(session);
    udp_expect(udp, NULL, "5");
    udp_expect(udp, NULL, "6");
    server_stop(&restart.server);
}

Test(system_publish, a_gateway_has_a_result_for_each_entry)
{
    begin();
    struct result result = run(
        "{\"ref\":1,\"broadcast\":{\"text\":\"a\",\"key\":\"new orders:5\",\"entries_added\":9}}\n"
        "{\"ref\":2,\"broadcast\":{\"text\":\"b\",\"key\":\"new orders:5\"}}\n"
        "{\"ref\":3,\"broadcast\":{\"text\":\"c\",\"key\":\"new orders:6\"}}\n"
        "{\"ref\":4,\"broadcast\":{\"text\":\"d\",\"key\":\"no id\"}}\n",
        "udpctl", "-s", restart.server.socket, "gateway", NULL);
    harness_equal("status", result.status, 0);
    harness_contains("the first one", result.out, "{\"ref\":1,\"id\":1,\"state\":\"done\"");
    harness_contains("a duplicate", result.out, "{\"ref\":2,\"state\":\"duplicate\",\"targets\":0");
    harness_contains("the next one", result.out, "{\"ref\":3,\"id\":2,\"state\":\"done\"");
    harness_contains("a wrong key", result.out, "{\"ref\":4,\"error\":\"cannot broadcast: bad");
    udp_expect(udp, NULL, "a");
    udp_expect(udp, NULL, "c");
    expect_stream("new orders", "6-0", "done");
    server_stop(&restart.server);
}

Test(system_publish, the_commands_report_what_is_wrong)
{
    begin();
    struct result result = ctl(&restart.server, "streams", "nothing", NULL);
    harness_equal("status", result.status, 1);
    harness_contains("the error", result.err, "nothing of it was published");
    result = ctl(&restart.server, "broadcast", "--key", "orders", "x", NULL);
    harness_equal("status", result.status, 2);
    result = ctl(&restart.server, "broadcast", "--entries-added", "3", "x", NULL);
    harness_equal("status", result.status, 2);
    result = ctl(&restart.server, "broadcast", "--stdin", "--key", "orders:5", NULL);
    harness_equal("status", result.status, 2);
    harness_contains("no wait",
                     ctl_ok(&restart.server, "--json", "broadcast", "--no-wait", "--key",
                            "orders:5", "--entries-added", "7", "x", NULL),
                     "{\"id\":1,\"state\":\"queued\"}");
    harness_contains("streams", ctl_ok(&restart.server, "--json", "streams", NULL),
                     "\"entries_added\":7");
    server_stop(&restart.server);
}
