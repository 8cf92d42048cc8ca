/* Upgrades while broadcasts run: each client gets each copy once, a confirmed one asks only those
 * that have not confirmed, and the jobs are the same ones before and after. */

#include "devices.h"
#include "restart.h"
#include "tmux_pane.h"
#include "upgrade.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_upgrade_broadcasts, .fini = harness_end, .timeout = 90);

#define QUIET "[reply]\nmode = none\n"

static struct server server;

static const char *config(int workers, int rate)
{
    return harness_format(QUIET "[server]\nworkers = %d\n[broadcast]\nrate = %d\n", workers, rate);
}

static void start(int workers, int rate)
{
    upgrade_install();
    server_start(&server, config(workers, rate), "-l", restart_address(), NULL);
}

/* Changes the rate of the jobs, also of one that runs. */
static void change_rate(int workers, int rate)
{
    server_configure(&server, config(workers, rate));
    ctl_ok(&server, "reload", NULL);
}

static void join(int *clients, int count)
{
    for (int i = 0; i < count; i++) {
        clients[i] = udp_open("127.0.0.1");
        udp_send_text(clients[i], &server.at[0], "hi");
    }
    server_await_stat(&server, "joined", count);
}

/* Upgrades when so many copies of the job have been sent, while it runs. */
static void upgrade_after(int job, int64_t copies)
{
    while (job_count(&server, job, "sent") < copies)
        harness_wait_ms(1);
    expect(job_is(&server, job, "running"), "expected an upgrade within job %d", job);
    upgrade(&server);
    expect(job_is(&server, job, "running"), "expected job %d to run still", job);
}

/* ---- broadcasts ---- */

static void expect_one_copy_of(int *clients, int count, const char *text)
{
    for (int i = 0; i < count; i++)
        udp_expect(clients[i], &server.at[0], text);
    for (int i = 0; i < count; i++)
        udp_expect_nothing(clients[i], "it had its copy");
}

static void expect_upgrades_within_a_broadcast(int workers)
{
    enum { CLIENTS = 1000, RATE = 200 };
    static int clients[CLIENTS];
    if (!harness_raise_file_limit(CLIENTS + 100))
        cr_skip_test("this process may not open %d descriptors", CLIENTS + 100);
    start(workers, RATE);
    join(clients, CLIENTS);
    server_ask(&server, "broadcast nowait 41");
    upgrade_after(1, 100);
    upgrade_after(1, 400);
    await_job(&server, 1, "done");
    expect_one_copy_of(clients, CLIENTS, "A");
    harness_equal("targets", job_count(&server, 1, "targets"), CLIENTS);
    harness_equal("sent", job_count(&server, 1, "sent"), CLIENTS);
    harness_equal("copies_sent", server_stat(&server, "copies_sent"), CLIENTS);
    harness_equal("broadcasts", server_stat(&server, "broadcasts"), 1);
    expect(job_count(&server, 1, "duration_ms") >= (CLIENTS - 1) * 1000 / RATE - 20,
           "expected the broadcast to keep its rate");
    server_stop(&server);
}

Test(system_upgrade_broadcasts, within_one_of_one_worker_each_of_1000_clients_gets_one_copy)
{
    expect_upgrades_within_a_broadcast(1);
}

Test(system_upgrade_broadcasts, within_one_of_two_workers_each_of_1000_clients_gets_one_copy)
{
    expect_upgrades_within_a_broadcast(2);
}

Test(system_upgrade_broadcasts, one_that_was_taken_over_can_be_cancelled)
{
    enum { CLIENTS = 100 };
    int clients[CLIENTS];
    start(2, 10);
    join(clients, CLIENTS);
    server_ask(&server, "broadcast nowait 41");
    server_ask(&server, "broadcast nowait 42");
    upgrade_after(1, 10);
    ctl_ok(&server, "cancel", "1", NULL);
    expect(job_is(&server, 1, "cancelled"), "expected job 1 to be cancelled");
    int64_t sent = job_count(&server, 1, "sent");
    harness_equal("targets", job_count(&server, 1, "targets"), CLIENTS);
    harness_equal("skipped", job_count(&server, 1, "skipped"), CLIENTS - sent);
    change_rate(2, 1000);
    await_job(&server, 2, "done");
    harness_equal("copies_sent", server_stat(&server, "copies_sent"), sent + CLIENTS);
    server_stop(&server);
}

static void await_targets(int job, int64_t targets)
{
    for (int64_t end = harness_now_ms() + HARNESS_DEADLINE_MS;
         job_count(&server, job, "targets") < targets; harness_wait_ms(1))
        expect(harness_now_ms() < end, "expected %lld targets of job %d", (long long)targets, job);
}

/* Returns the lines of jobs without what grows with the time: of a job that runs or waits for
 * confirmations, all after its targets. */
static const char *lasting_jobs(void)
{
    static char lines[4096];
    char line[256], state[32];
    const char *answer = server_ask(&server, "jobs");
    size_t used = 0;
    lines[0] = '\0';
    while (sscanf(answer, "%255[^\n]", line) == 1) {
        int targets_end = 0;
        if (sscanf(line, "job %*d %31s %*d%n", state, &targets_end) == 1 &&
            (strcmp(state, "running") == 0 || strcmp(state, "confirming") == 0))
            line[targets_end] = '\0';
        used += (size_t)snprintf(lines + used, sizeof lines - used, "%s\n", line);
        answer += strcspn(answer, "\n") + 1;
        if (strcmp(line, ".") == 0)
            break;
    }
    return harness_format("%s", lines);
}

Test(system_upgrade_broadcasts, jobs_are_the_same_before_and_after)
{
    enum { CLIENTS = 20 };
    int clients[CLIENTS], device;
    start(2, 1000);
    join(clients, CLIENTS);
    ctl_ok(&server, "broadcast", "all", NULL);
    ctl_ok(&server, "broadcast", "--to", "127.0.0.0/9", "some", NULL);
    device = device_join(&server);
    server_ask(&server, "broadcast nowait confirm 41");
    expect_message(device, "A");
    await_job(&server, 3, "confirming");
    server_configure(&server, config(2, 1));
    ctl_ok(&server, "reload", NULL);
    server_ask(&server, "broadcast nowait 42");
    server_ask(&server, "broadcast nowait to=127.0.0.1 43");
    server_ask(&server, "broadcast nowait 44");
    ctl_ok(&server, "cancel", "6", NULL);
    await_targets(4, CLIENTS + 1); /* each worker adds its clients when it begins */
    const char *before = lasting_jobs();
    harness_equal("waiting jobs", (int64_t)text_count(before, "waiting"), 1);
    upgrade(&server);
    const char *after = lasting_jobs();
    expect(strcmp(before, after) == 0, "expected the jobs\n%s\nnot\n%s", before, after);
    harness_equal("the next job", answer_integer(server_ask(&server, "broadcast nowait 45"), "id"),
                  7);
    server_stop(&server);
}

/* ---- another registry ---- */

Test(system_upgrade_broadcasts,
     one_that_runs_refuses_other_workers_and_one_that_has_ended_goes_over)
{
    enum { CLIENTS = 50 };
    int clients[CLIENTS];
    start(2, 5);
    join(clients, CLIENTS);
    server_configure(&server, config(1, 5));
    server_ask(&server, "broadcast nowait 41");
    upgrade_expect_refusal(&server, "a broadcast runs or waits for confirmations");
    change_rate(2, 1000);
    await_job(&server, 1, "done");
    server_configure(&server, config(1, 1000));
    harness_equal("sent", job_count(&server, 1, "sent"), CLIENTS);
    const char *before = server_ask(&server, "jobs");
    upgrade(&server);
    harness_contains("jobs", server_ask(&server, "jobs"), before);
    ctl_ok(&server, "broadcast", "B", NULL);
    harness_equal("sent", job_count(&server, 2, "sent"), CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        udp_expect(clients[i], &server.at[0], "A");
        udp_expect(clients[i], &server.at[0], "B");
    }
    server_stop(&server);
}

/* Which clients have confirmed is known by the places in the memory that is not kept. */
Test(system_upgrade_broadcasts, to_other_workers_says_that_the_list_of_an_ended_one_is_lost)
{
    const char *const reason = "an upgrade that changed workers, listeners, names or clients.max "
                               "has not kept its list";
    start(2, 1000);
    int device = device_join(&server);
    server_ask(&server, "broadcast nowait confirm 41");
    confirm(device, &server.at[0], expect_message(device, "A"));
    await_job(&server, 1, "done");
    upgrade(&server);
    expect(is_listed(list_clients(&server, 1, "--confirmed"), device), "expected the device");
    server_configure(&server, config(1, 1000));
    for (int i = 0; i < 2; i++) {
        upgrade(&server);
        harness_contains("the refusal", ctl(&server, "job", "1", "--silent", NULL).err, reason);
        expect_tally(&server, 1, 1, 0, 0);
    }
    server_ask(&server, "broadcast nowait confirm 41");
    expect_message(device, "A");
    expect(is_listed(list_clients(&server, 2, "--silent"), device), "expected the device");
    server_stop(&server);
}

/* ---- confirmed broadcasts ---- */

Test(system_upgrade_broadcasts, a_confirmed_one_asks_only_who_has_not_confirmed)
{
    enum { DEVICES = 100, PLAIN = 50, RATE = 20 };
    int devices[DEVICES], plain[PLAIN];
    start(2, RATE);
    join(plain, PLAIN);
    for (int i = 0; i < DEVICES; i++)
        devices[i] = device_join(&server);
    server_ask(&server, "broadcast nowait confirm 41");
    upgrade_after(1, 30);
    change_rate(2, 1000);
    uint64_t number = 0;
    for (int i = 0; i < DEVICES; i++) {
        number = expect_message(devices[i], "A");
        if (i > 0)
            confirm(devices[i], &server.at[0], number);
    }
    server_await_stat(&server, "confirmed", DEVICES - 1);
    await_job(&server, 1, "confirming");
    upgrade(&server);
    expect(is_listed(list_clients(&server, 1, "--silent"), devices[0]),
           "expected the first device to be listed");
    expect_tally(&server, 1, DEVICES - 1, 1, PLAIN);

    /* The second round. */
    harness_equal("the number of the message", (int64_t)expect_message(devices[0], "A"),
                  (int64_t)number);
    upgrade(&server);
    confirm(devices[0], &server.at[0], number);
    await_job(&server, 1, "done");
    expect_tally(&server, 1, DEVICES, 0, PLAIN);
    harness_equal("rounds", job_count(&server, 1, "rounds"), 2);
    harness_equal("datagrams", job_count(&server, 1, "datagrams"), DEVICES + PLAIN + 1);
    for (int i = 0; i < DEVICES; i++)
        udp_expect_nothing(devices[i], "it has confirmed");
    expect_one_copy_of(plain, PLAIN, "A");
    server_stop(&server);
}

/* ---- relayed messages ---- */

/* Expects a message after those that others sent to join. */
static void expect_relayed(int udp, const char *text)
{
    char got[16];
    ssize_t size;
    do {
        size = udp_receive(udp, got, sizeof got - 1, NULL);
        expect(size > 0, "expected '%s'", text);
        got[size] = '\0';
    } while (strcmp(got, "hi") == 0);
    expect(strcmp(got, text) == 0, "expected '%s', not '%s'", text, got);
}

Test(system_upgrade_broadcasts, relayed_messages_reach_each_other_client_once_and_in_their_order)
{
    enum { CLIENTS = 20, MESSAGES = 200 /* fewer than a receive buffer holds */ };
    int clients[CLIENTS];
    upgrade_install();
    server_start(&server,
                 QUIET "[server]\nworkers = 2\n[broadcast]\nrelay = others\nrelay-rate = 0\n", "-l",
                 restart_address(), NULL);
    join(clients, CLIENTS);
    process_kill(&server.process, SIGUSR2);
    for (int i = 0; i < MESSAGES; i++) {
        udp_send_text(clients[0], &server.at[0], harness_format("%d", i));
        harness_wait_ms(1);
    }
    upgrade_follow(&server);
    for (int i = 0; i < MESSAGES; i++)
        for (int k = 1; k < CLIENTS; k++)
            expect_relayed(clients[k], harness_format("%d", i));
    for (int i = 1; i < CLIENTS; i++)
        udp_expect_nothing(clients[i], "it had all messages");
    server_stop(&server);
}

/* ---- sessions that wait ---- */

/* Starts udpctl, which waits for the end of a broadcast, and returns when its first copy is sent.
 */
static void start_waiting(struct process *waiting, const char *option)
{
    process_start(
        waiting, NULL,
        (const char *const[]){"udpctl", "-s", server.socket, "broadcast", "A", option, NULL});
    while (server_stat(&server, "copies_sent") == 0)
        harness_wait_ms(1);
}

Test(system_upgrade_broadcasts, udpctl_that_waits_for_one_waits_for_its_end_after_two_upgrades)
{
    enum { CLIENTS = 40 };
    int clients[CLIENTS];
    struct process waiting;
    start(2, 5);
    join(clients, CLIENTS);
    start_waiting(&waiting, NULL);
    upgrade(&server);
    upgrade(&server);
    expect(job_is(&server, 1, "running"), "expected the broadcast to run still");
    change_rate(2, 1000);
    harness_equal("the status of udpctl", process_wait(&waiting), 0);
    harness_contains("its output", waiting.texts[0].data, "targets      40\n");
    harness_contains("its output", waiting.texts[0].data, "sent         40\n");
    harness_contains("its output", waiting.texts[0].data, "state        done\n");
    expect(job_is(&server, 1, "done"), "expected that udpctl has waited for the end");
    expect_one_copy_of(clients, CLIENTS, "A");
    server_stop(&server);
}

Test(system_upgrade_broadcasts, udpctl_that_waits_for_a_confirmed_one_has_its_counts)
{
    struct process waiting;
    start(2, 1000);
    int device = device_join(&server);
    start_waiting(&waiting, "--confirm");
    uint64_t number = expect_message(device, "A");
    upgrade(&server);
    confirm(device, &server.at[0], number);
    harness_equal("the status of udpctl", process_wait(&waiting), 0);
    harness_contains("its output", waiting.texts[0].data, "confirmed    1\n");
    harness_contains("its output", waiting.texts[0].data, "silent       0\n");
    server_stop(&server);
}

Test(system_upgrade_broadcasts, udpctl_that_waits_for_one_that_is_cancelled_later_says_so)
{
    enum { CLIENTS = 20 };
    int clients[CLIENTS];
    struct process waiting;
    start(1, 5);
    join(clients, CLIENTS);
    start_waiting(&waiting, NULL);
    upgrade(&server);
    ctl_ok(&server, "cancel", "1", NULL);
    harness_equal("the status of udpctl", process_wait(&waiting), 1);
    harness_contains("the error", waiting.texts[1].data, "it was cancelled before its end");
    server_stop(&server);
}

Test(system_upgrade_broadcasts, udpctl_that_waits_for_one_of_a_server_that_crashes_names_the_job)
{
    enum { CLIENTS = 20 };
    int clients[CLIENTS];
    struct process waiting;
    start(1, 5);
    join(clients, CLIENTS);
    start_waiting(&waiting, NULL);
    process_kill(&server.process, SIGKILL);
    process_wait(&server.process);
    harness_equal("the status of udpctl", process_wait(&waiting), 1);
    harness_contains("the error", waiting.texts[1].data,
                     "cannot wait for job 1: the server closed the connection before its end; "
                     "`udpctl job 1` shows whether it goes on");
}

Test(system_upgrade_broadcasts, udpctl_on_a_terminal_goes_on_with_its_progress)
{
    enum { CLIENTS = 40 };
    int clients[CLIENTS];
    struct pane pane;
    pane_need_tmux();
    start(2, 5);
    join(clients, CLIENTS);
    pane_open(&pane, 80, 24,
              harness_format("%s -s %s broadcast A", program_path("udpctl"), server.socket));
    pane_await(&pane, " to go");
    upgrade(&server);
    change_rate(2, 1000);
    const char *screen = pane_expect_end(&pane, 0);
    harness_contains("the screen", screen, "sent         40\n");
    harness_equal("bars", (int64_t)text_count(screen, "to go"), 0);
    pane_close(&pane);
    server_stop(&server);
}
