/* What the service manager gets from the start of the server to its end, and when a worker hangs. A
 * worker is only a mailbox and a registry here, and answers when the test lets it. */
#include "server/manager/service_manager.h"
#include "manager_fixture.h"
#include "os/process/clock.h"
#include "registry_fixture.h"
#include "server/workers/worker_state.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { WORKERS = 2, WATCHDOG_MS = 20 };

static char address[64];
static struct service_manager tested;
static struct loop *loop, *worker_loop;
static struct mailbox *mailbox;
static struct worker workers[WORKERS];
static struct worker *list[WORKERS];
static struct shard shards[WORKERS];
static struct listeners listeners;
static int manager;

static void set_up(void)
{
    manager = manager_open(manager_address(address));
    loop = loop_new();
    worker_loop = loop_new();
    mailbox = mailbox_new(loop);
    for (int i = 0; i < WORKERS; i++) {
        list[i] = &workers[i];
        shards[i] = shard_new(8, 1000, 0);
        workers[i].mailbox = mailbox_new(worker_loop);
        workers[i].decider.registry = shards[i].registry;
    }
    listeners.count = 1;
    strcpy(listeners.list[0].text, "127.0.0.1:3000");
    setenv("NOTIFY_SOCKET", address, 1);
}

static void tear_down(void)
{
    service_manager_disconnect(&tested);
    for (int i = 0; i < WORKERS; i++)
        mailbox_free(workers[i].mailbox);
    mailbox_free(mailbox);
    service_manager_free(&tested);
    for (int i = 0; i < WORKERS; i++)
        shard_free(&shards[i]);
    loop_free(worker_loop);
    loop_free(loop);
    close(manager);
}

TestSuite(service_manager, .init = set_up, .fini = tear_down, .timeout = 60);

static void connect_manager(void)
{
    service_manager_init(&tested);
    service_manager_connect(&tested);
}

static void become_ready(void)
{
    const struct service_manager_options options = {.loop = loop,
                                                    .reply_mailbox = mailbox,
                                                    .workers = list,
                                                    .worker_count = WORKERS,
                                                    .listeners = &listeners};
    connect_manager();
    cr_assert_eq(service_manager_prepare(&tested, &options), 0);
    service_manager_ready(&tested);
}

static void become_ready_with_watchdog(void)
{
    setenv("WATCHDOG_USEC", "20000", 1);
    become_ready();
    cr_assert_str_eq(manager_receive(manager), "READY=1\nSTATUS=0 clients at 127.0.0.1:3000");
}

/* Lets the first workers answer. */
static void answer(int count)
{
    for (int i = 0; i < count; i++)
        mailbox_handle_all(workers[i].mailbox);
}

static void on_end(void *state)
{
    (void)state;
    loop_stop(loop);
}

/* Runs the loop for some time, in which each timer of the tested module ticks several times. */
static void run(void)
{
    struct loop_timer end;
    cr_assert_eq(loop_timer_open(loop, &end, on_end, NULL), 0);
    loop_timer_once(&end, UINT64_C(3) * WATCHDOG_MS * 1000000);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    loop_timer_close(&end);
}

Test(service_manager, is_not_present_without_a_socket)
{
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "20000", 1);
    become_ready();
    cr_expect_not(service_manager_is_present(&tested));
    cr_expect_null(tested.checks, "the workers are not asked");
    service_manager_stop(&tested, "stopping");
}

Test(service_manager, gets_that_the_server_is_ready_and_that_it_stops)
{
    become_ready();
    cr_expect(service_manager_is_present(&tested));
    cr_expect_str_eq(manager_receive(manager), "READY=1\nSTATUS=0 clients at 127.0.0.1:3000");
    service_manager_stop(&tested, "stopping");
    service_manager_stop(&tested, "stopping again");
    cr_expect_str_eq(manager_receive(manager), "STOPPING=1\nSTATUS=stopping");
    cr_expect_str_eq(manager_receive(manager), "");
}

Test(service_manager, gets_why_a_start_has_failed)
{
    connect_manager();
    service_manager_fail(&tested, "opening the sockets", -EADDRINUSE);
    service_manager_stop(&tested, "stopping");
    cr_expect_str_eq(manager_receive(manager),
                     "STATUS=not started: opening the sockets: Address already in use; the log "
                     "says more");
    cr_expect_str_eq(manager_receive(manager), "STOPPING=1", "the status stays");
}

Test(service_manager, gets_the_begin_and_the_end_of_a_reload)
{
    uint64_t before_us = clock_monotonic_us(), at_us;
    become_ready();
    manager_receive(manager);
    service_manager_begin_reload(&tested);
    cr_assert_eq(sscanf(manager_receive(manager), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &at_us),
                 1);
    cr_expect(at_us >= before_us && at_us <= clock_monotonic_us());
    service_manager_end_reload(&tested, true);
    cr_expect_str_eq(manager_receive(manager), "READY=1");
}

Test(service_manager, gets_in_the_status_that_a_reload_was_refused)
{
    become_ready();
    manager_receive(manager);
    service_manager_begin_reload(&tested);
    manager_receive(manager);
    service_manager_end_reload(&tested, false);
    cr_expect_str_eq(manager_receive(manager),
                     "READY=1\nSTATUS=0 clients at 127.0.0.1:3000; the last reload was refused: "
                     "see the log");
}

Test(service_manager, gets_that_the_server_is_ready_when_the_last_of_several_reloads_ends)
{
    become_ready();
    manager_receive(manager);
    service_manager_begin_reload(&tested);
    service_manager_begin_reload(&tested);
    manager_receive(manager);
    manager_receive(manager);
    service_manager_end_reload(&tested, true);
    cr_expect_str_eq(manager_receive(manager), "");
    service_manager_end_reload(&tested, true);
    cr_expect_str_eq(manager_receive(manager), "READY=1");
}

Test(service_manager, gets_nothing_of_a_reload_that_ends_after_the_stop)
{
    become_ready();
    service_manager_begin_reload(&tested);
    service_manager_stop(&tested, "stopping");
    while (strncmp(manager_receive(manager), "STOPPING=1", 10) != 0)
        ;
    service_manager_end_reload(&tested, true);
    cr_expect_str_eq(manager_receive(manager), "");
}

Test(service_manager, gets_a_sign_of_life_each_time_that_all_workers_have_answered)
{
    become_ready_with_watchdog();
    for (int i = 0; i < 3; i++) {
        answer(WORKERS);
        run();
        cr_expect_str_eq(manager_receive(manager), "WATCHDOG=1");
        cr_expect_str_eq(manager_receive(manager), "", "once for each answer");
    }
}

Test(service_manager, gets_no_sign_of_life_while_a_worker_hangs)
{
    become_ready_with_watchdog();
    answer(1);
    run();
    cr_expect_str_eq(manager_receive(manager), "");
    answer(WORKERS);
    run();
    cr_expect_str_eq(manager_receive(manager), "WATCHDOG=1");
}

Test(service_manager, gets_no_sign_of_life_after_the_stop)
{
    become_ready_with_watchdog();
    service_manager_stop(&tested, "stopping");
    cr_expect_str_eq(manager_receive(manager), "STOPPING=1\nSTATUS=stopping");
    answer(WORKERS);
    run();
    cr_expect_str_eq(manager_receive(manager), "");
}

Test(service_manager, gets_a_new_status_with_a_sign_of_life_when_it_has_changed)
{
    become_ready_with_watchdog();
    tested.status_ms = 0; /* the last one is old */
    listeners.list[0].missing = true;
    answer(WORKERS);
    run();
    cr_expect_str_eq(manager_receive(manager),
                     "WATCHDOG=1\nSTATUS=0 clients; waiting for 127.0.0.1:3000");
    listeners.list[0].missing = false;
    answer(WORKERS);
    run();
    cr_expect_str_eq(manager_receive(manager), "WATCHDOG=1", "at most one status in a second");
}

Test(service_manager, variables_that_cannot_be_read_are_no_error_of_the_start)
{
    setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
    setenv("WATCHDOG_USEC", "x", 1);
    become_ready();
    cr_expect_not(service_manager_is_present(&tested));
}

/* ---- upgrades ---- */

Test(service_manager, a_successor_gets_the_variables_of_the_manager)
{
    const char *variables[SERVICE_MANAGER_VARIABLES_MAX + 1];
    char expected[128];
    setenv("WATCHDOG_USEC", "20000", 1);
    connect_manager();
    service_manager_variables(&tested, variables);
    snprintf(expected, sizeof expected, "NOTIFY_SOCKET=%s", address);
    cr_expect_str_eq(variables[0], expected);
    cr_expect_str_eq(variables[1], "WATCHDOG_USEC=20000");
    cr_expect_null(variables[2]);
}

Test(service_manager, without_a_manager_there_are_no_variables)
{
    const char *variables[SERVICE_MANAGER_VARIABLES_MAX + 1];
    unsetenv("NOTIFY_SOCKET");
    connect_manager();
    service_manager_variables(&tested, variables);
    cr_expect_null(variables[0]);
}

Test(service_manager, the_main_process_is_another_one_after_a_handover)
{
    connect_manager();
    service_manager_hand_over(&tested, 4711);
    cr_expect_str_eq(manager_receive(manager), "MAINPID=4711");
}

Test(service_manager, of_a_successor_that_fails_the_manager_learns_nothing)
{
    service_manager_init(&tested);
    service_manager_take_over(&tested, -1);
    service_manager_fail(&tested, "opening the sockets", -EADDRINUSE);
    service_manager_hand_over(&tested, 1); /* the first that arrives */
    cr_expect_str_eq(manager_receive(manager), "MAINPID=1");
}

Test(service_manager, a_successor_uses_the_socket_of_its_predecessor)
{
    struct service_manager predecessor;
    connect_manager();
    predecessor = tested;
    setenv("NOTIFY_SOCKET", address, 1);
    service_manager_init(&tested);
    service_manager_take_over(&tested, service_manager_socket(&predecessor));
    service_manager_hand_over(&tested, 2);
    cr_expect_str_eq(manager_receive(manager), "MAINPID=2");
    cr_expect_eq(service_manager_socket(&tested), service_manager_socket(&predecessor));
}
