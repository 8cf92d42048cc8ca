#include "sim/run.h"
#include "sim/core/broken.h"

#include "server/server.h"
#include "sim/check/confirmed.h"
#include "sim/check/copies.h"
#include "sim/check/direct.h"
#include "sim/check/frames.h"
#include "sim/check/gaps.h"
#include "sim/check/limits.h"
#include "sim/check/model.h"
#include "sim/check/observe.h"
#include "sim/check/offloaded.h"
#include "sim/check/outcomes.h"
#include "sim/check/published.h"
#include "sim/check/restoring.h"
#include "sim/check/roles.h"
#include "sim/check/rotation.h"
#include "sim/check/saved.h"
#include "sim/check/shards.h"
#include "sim/check/subscribers.h"
#include "sim/check/totals.h"
#include "sim/core/descriptors.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/net/network.h"
#include "sim/os/files.h"
#include "sim/os/log.h"
#include "sim/os/process.h"
#include "sim/os/processes.h"
#include "sim/os/signals.h"
#include "sim/os/state_files.h"
#include "sim/world/clients.h"
#include "sim/world/faults.h"
#include "sim/world/gateways.h"
#include "sim/world/metrics_peers.h"
#include "sim/world/offload_settings.h"
#include "sim/world/operators.h"
#include "sim/world/plan.h"
#include "sim/world/reductions.h"
#include "sim/world/restarts.h"
#include "sim/world/settings.h"
#include "sim/world/streams.h"
#include "sim/world/subscribers.h"
#include "sim/world/upgrades.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct server_options server_options;
static int exit_status = -1;
static enum process_end end_of_server;
static uint64_t ended_ms; /* and when it has */
static bool was_checked;  /* the start was */
static bool must_fail;    /* an address is missing, and missing-address = fail */
static bool may_fail;     /* an interface of the offload is missing, which is not auto */

static void run_server(void *state)
{
    (void)state;
    must_fail = !setup.waits_for_addresses && restoring_is_missing();
    may_fail = offload_settings_may_fail();
    exit_status = server_run(&server_options);
    scheduler_set_status(exit_status);
}

void run_successor(void *state)
{
    (void)state;
    int status = upgrades_begins() ? server_run(&server_options) : EXIT_FAILURE;
    scheduler_set_status(status);
    if (scheduler_process() == processes_server())
        exit_status = status;
}

/* A counter that counts once too often. */
static void break_counters(int number)
{
    struct stats *stats = &((struct worker *)(uintptr_t)roles_worker((size_t)number))->stats;
    stats->replied += broken_now("outcomes", 50);
    stats->joined += broken_now("joined", 50);
    uint64_t both = broken_now("counters", 50);
    stats->received += both;
    stats->replied += both;
    uint64_t reason = broken_now("reason", 50);
    totals.datagrams += reason;
    stats->received += reason;
    stats->drop_multicast += reason;
    stats->offload_copies += broken_now("frame-count", 50);
    uint64_t failed = broken_now("failed", 50), no_room = broken_now("room", 50);
    totals.datagrams += failed + no_room;
    totals.replies += no_room;
    stats->received += failed + no_room;
    stats->reply_failed += failed + no_room;
}

/* The first step of the main thread starts the workers, and no worker has run before. */
static void read_start(void)
{
    roles_read();
    if (plan_starts() > 1 && broken_is("again"))
        ((struct worker *)(uintptr_t)roles_worker(0))->stats.received++;
    if (!was_checked)
        saved_check_start();
    was_checked = true;
}

/* Whether the process that serves is about to start its workers, or has. */
static bool has_workers(void)
{
    int process = processes_server();
    return process >= 0 && scheduler_count(process) > 1;
}

static void read_roles(void)
{
    if (!was_checked) {
        read_start();
        return;
    }
    upgrades_take_over();
}

static void after_step(int coroutine)
{
    int process = scheduler_process_of(coroutine), number = scheduler_worker_of(coroutine);
    if (roles_process() != processes_server() && has_workers())
        read_roles();
    size_t workers = roles_worker_count();
    operators_check_reload();
    if (process == roles_process() && number >= 0 && (size_t)number < workers) {
        break_counters(number);
        totals_check_worker(number);
    }
    if (workers > 0)
        observe_after_step();
    upgrades_after_step(process);
}

/* The registry and the totals are compared with all that was seen, some times in a second. For that
 * some peers read what has arrived. */
static bool on_idle(void)
{
    enum { CHECK_MS = 50, ORPHANED_MS = 30000 };
    static uint64_t checked_ms;
    if (processes_server() < 0 && event_queue_now_ms() > ended_ms + ORPHANED_MS)
        broken_promise("a process that has not taken over ends with the one before", "it goes on");
    if (event_queue_now_ms() < checked_ms + CHECK_MS || roles_process() < 0 ||
        upgrades_have_stopped_service())
        return false;
    checked_ms = event_queue_now_ms();
    totals_check_idle();
    if (totals_has_finished())
        return false; /* the last snapshot is written */
    upgrades_check_idle();
    offloaded_check_idle();
    subscribers_check_idle();
    gateways_check_idle();
    metrics_peers_check_idle();
    return true;
}

/* What is left after the end: no descriptor, no memory, no file. */
static void check_end(int process)
{
    size_t pieces, bytes = simulated_memory_reserved(process, &pieces);
    if (descriptor_count(process) > 0 || !state_files_are_closed(process))
        broken_promise("every descriptor is closed at the end", "%zu are open, of them %zu sockets",
                       descriptor_count(process), descriptor_count_of(process, OBJECT_UDP));
    if (bytes > 0)
        broken_promise("all memory is released at the end", "%zu bytes in %zu pieces are not",
                       bytes, pieces);
    if (simulated_file_sockets() > 0)
        broken_promise("the files of sockets are removed at the end", "%u are left",
                       simulated_file_sockets());
}

/* The process that serves has ended, so that the start is over; or another one. */
static void on_end(int process, enum process_end how)
{
    if (process == roles_process())
        roles_reset();
    upgrades_process_ended(process, how);
    if (process != processes_server())
        return;
    end_of_server = how;
    ended_ms = event_queue_now_ms();
    plan_server_ended();
    if (how == PROCESS_RETURNED)
        check_end(process);
}

/* A start without an address that the configuration names. */
static void check_missing(bool had_faults)
{
    static const char *const sentences[] = {
        "cannot listen", "cannot listen to a group", "cannot listen for streams",
        "cannot send to broadcast.multicast", "cannot serve metrics"};
    uint64_t times = 0;
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        times += simulated_log_times(sentences[i]);
    if (plan_was_ready() || (times != 1 && !had_faults && !may_fail))
        broken_promise("a start fails with a message if an address is missing",
                       "it has ended with %d after %" PRIu64 " messages", exit_status, times);
}

/* A start where another server has the state file, or where it cannot be one. */
static void check_obstacle(bool had_faults)
{
    uint64_t times = simulated_log_times("cannot use the state file");
    if (plan_was_ready() || (times != 1 && !had_faults && !must_fail && !may_fail))
        broken_promise("a start fails with a message if it must not use the state file",
                       "it has ended with %d after %" PRIu64 " messages", exit_status, times);
}

static void check_status(bool had_faults)
{
    bool is_obstructed = setup.has_state && state_files_obstacle() != STATE_FREE;
    bool was_ready = plan_was_ready();
    if (was_ready && exit_status != EXIT_SUCCESS)
        broken_promise("a server that was ready ends with status 0", "it ended with %d",
                       exit_status);
    if (!was_ready && exit_status == EXIT_SUCCESS)
        broken_promise("a failed start is reported by the exit status", "it is 0");
    if (must_fail)
        check_missing(had_faults);
    if (is_obstructed)
        check_obstacle(had_faults);
    if (!was_ready && !had_faults && !must_fail && !may_fail && !is_obstructed)
        broken_promise(plan_starts() == 1 ? "the server starts" : "the server starts again",
                       "it ended with %d and no fault was drawn", exit_status);
    if (was_ready)
        totals_check_final();
    saved_check_end(was_ready);
}

/* A second signal has ended it at once, while the last snapshot was written. */
static void check_exit(void)
{
    uint64_t times = simulated_log_times("ended abnormally");
    if (!restarts_have_hurried() || times != 1)
        broken_promise("the server stops within its timeout", "it ended at once");
    if (simulated_file_sockets() > 0 && !processes_have_dying())
        broken_promise("the files of sockets are removed at the end", "%u are left",
                       simulated_file_sockets());
}

/* The server has ended: the world forgets what it knew of it. */
static void reset(void)
{
    operators_reset();
    subscribers_disconnect();
    gateways_disconnect();
    metrics_peers_disconnect();
    subscribers_reset();
    settings_reset();
    scheduler_call_after(0, NULL);
    upgrades_reset();
    simulated_log_reset();
    roles_reset();
    observe_reset();
    model_reset();
    copies_reset();
    confirmed_reset();
    published_reset();
    gaps_reset();
    rotation_reset();
    shards_reset();
    limits_reset();
    totals_reset();
    direct_reset();
    outcomes_reset();
    offloaded_reset();
    frames_reset();
    saved_reset();
    was_checked = false;
}

static void run_once(const struct run_options *options)
{
    static uint64_t faults_before;
    published_start();
    settings_write(&settings, broken_is("start"));
    if (options->log)
        fprintf(stderr, "%s\n", simulated_file_find(SETTINGS_PATH)->text);
    processes_start(run_server, on_end);
    scheduler_run(after_step, on_idle, processes_ended);
    uint64_t faults_now = faults_count();
    if (end_of_server == PROCESS_RETURNED)
        check_status(faults_now != faults_before);
    else
        restoring_end();
    if (end_of_server == PROCESS_EXITED)
        check_exit();
    faults_before = faults_now;
}

/* How much faster than real time it was. */
static void print_rate(uint64_t begin_ms, clock_t begin)
{
    double virtual = (double)(event_queue_now_ms() - begin_ms) / 1000;
    double real = (double)(clock() - begin) / CLOCKS_PER_SEC;
    printf("%.0f s of %d clients that send each %d s: %.2f s of processor time, %.0f times real "
           "time\n",
           virtual, (int)STEADY_CLIENTS, (int)STEADY_PERIOD_MS / 1000, real, virtual / real);
}

int run_seed(uint64_t seed, const struct run_options *options)
{
    draw_seed(seed, reductions_variant());
    trace_begin(seed, options->replay, options->verbose);
    broken_set(options->broken);
    simulated_log_print(options->log);
    event_queue_begin(draw_range(DRAW_SETUP, 1, UINT64_C(1) << 40) * 1000);
    uint64_t begin_ms = event_queue_now_ms();
    clock_t begin = clock();
    network_begin(clients_receive);
    settings_draw_clients();
    settings_draw();
    server_options = (struct server_options){.config_path = SETTINGS_PATH};
    plan_draw();
    run_once(options);
    while (plan_has_next_start()) {
        bool was_crash = end_of_server == PROCESS_KILLED;
        reset();
        plan_start_again(was_crash);
        run_once(options);
    }
    if (reductions_are_steady())
        print_rate(begin_ms, begin);
    if (options->hash)
        printf("seed %" PRIu64 ": %" PRIu64 " events, hash %016" PRIx64 "\n", seed, trace_count(),
               trace_hash());
    return 0;
}

bool run_has_crashed(void)
{
    return processes_have_left_memory();
}

void run_describe(uint64_t seed)
{
    draw_seed(seed, 0);
    draw_range(DRAW_SETUP, 1, UINT64_C(1) << 40);
    settings_draw();
    printf("workers %" PRIu32 "\n", setup.workers);
    plan_draw();
    plan_describe();
    clients_draw();
    streams_draw();
    printf("clients %zu\nstreams %zu\n", clients_count(), streams_count());
}
