#include "sim/world/plan.h"

#include "sim/check/model.h"
#include "sim/check/restoring.h"
#include "sim/check/roles.h"
#include "sim/check/saved.h"
#include "sim/check/totals.h"
#include "sim/core/descriptors.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/net/network.h"
#include "sim/os/log.h"
#include "sim/os/processes.h"
#include "sim/os/state_files.h"
#include "sim/world/clients.h"
#include "sim/world/faults.h"
#include "sim/world/gateways.h"
#include "sim/world/host_changes.h"
#include "sim/world/metrics_peers.h"
#include "sim/world/offload_settings.h"
#include "sim/world/operators.h"
#include "sim/world/reductions.h"
#include "sim/world/restarts.h"
#include "sim/world/settings.h"
#include "sim/world/streams.h"
#include "sim/world/subscribers.h"
#include "sim/world/swarm.h"
#include "sim/world/upgrades.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

enum phase {
    PHASE_START,
    PHASE_FAULTS,
    PHASE_CALM,
    PHASE_BROADCAST,
    PHASE_ANSWERS,
    PHASE_STOP,
    PHASE_DOWN, /* between two starts */
};

enum {
    POLL_NS = 20000000,
    /* After the faults: what waits for a silent neighbour leaves after 3 s, answers and limits
     * settle, and each client has sent several requests. */
    CALM_MS = 8000,
    SETTLED_MS = 3000, /* after the last command: a reload may have changed what is answered */
    FULL_MS = 200,     /* before an early stop */
    FULL_PER_MILLION = 900000,
    BROADCAST_MAX_MS = 60000,
    START_MAX_MS = 60000,
};

static enum phase phase;
static uint64_t phase_ms;  /* when it began */
static uint64_t busy_ms;   /* when a command was last not answered */
static uint64_t paced_ms;  /* since when copies_pps was not changed, in the calm phase */
static uint32_t paced_pps; /* its value since then */
static uint64_t faults_ms; /* how long the time with faults is */
static unsigned starts, last_start;
static bool skips_calm;    /* it is stopped in the time with faults, and started again */
static bool fills_buffers; /* before it is stopped in the time with faults */
static bool was_ready, has_clients;
static uint32_t last_broadcast;
static uint64_t waited_ms; /* for the disk, when it was stopped */
static struct faults faults_of_run;
static struct network network_of_run;

bool plan_is_stopping(void)
{
    return phase == PHASE_STOP;
}

bool plan_was_ready(void)
{
    return was_ready;
}

/* ---- drawing ---- */

static uint32_t rarely(uint32_t per_million)
{
    return draw_below(DRAW_SETUP, 3) == 0 ? per_million : 0;
}

static void draw_faults(void)
{
    faults_of_run = (struct faults){
        .memory = rarely(300),
        .watch = rarely(2000),
        .entropy = rarely(100000),
        .file = rarely(100000),
        .accept = rarely(50000),
        .receive = rarely(5000),
        .short_count = rarely(200000),
        .refuse = rarely((uint32_t)draw_range(DRAW_SETUP, 100, 200000)),
        .full = rarely((uint32_t)draw_range(DRAW_SETUP, 100, 100000)),
        .stream = rarely(3000),
        .queries = rarely(200000),
        .open = rarely(50000),
        .disk = restarts_rarely(200000),
        .slow_disk = restarts_rarely(300000),
        .attach = offload_settings_rarely(200000),
        .entry = offload_settings_rarely(100000),
        .room = offload_settings_rarely(100000),
        .frames = offload_settings_rarely(300000),
    };
    faults_of_run.program = faults_of_run.open;
    network_of_run = (struct network){
        .loss = rarely((uint32_t)draw_range(DRAW_SETUP, 1000, 300000)),
        .duplication = rarely(50000),
        .truncation = rarely(20000),
        .corruption = rarely(50000),
        .forgery = offload_settings_forgery(),
        .delay_min_ns = 50000,
        .delay_max_ns = draw_range(DRAW_SETUP, 100, 200000) * 1000,
    };
}

static void draw_start_faults(void)
{
    if (draw_below(DRAW_SETUP, 12) != 0)
        return;
    faults = (struct faults){
        .memory = rarely(10000),
        .watch = rarely(10000),
        .entropy = rarely(100000),
        .file = rarely(200000),
        .open = rarely(10000),
        .output = rarely(500000),
        .pin = rarely(300000),
        .queries = rarely(500000),
        .disk = restarts_rarely(300000),
        .slow_disk = restarts_rarely(300000),
        .attach = offload_settings_rarely(300000),
        .frames = offload_settings_rarely(500000),
        .entry = offload_settings_rarely(100000),
    };
    faults.program = 10 * faults.open;
}

/* ---- phases ---- */

static void begin(enum phase next)
{
    phase = next;
    phase_ms = event_queue_now_ms();
    trace(TRACE_PHASE, phase, 0, 0, 0);
}

static uint64_t passed_ms(void)
{
    return event_queue_now_ms() - phase_ms;
}

static void begin_faults(void)
{
    was_ready = true;
    restoring_begin();
    faults = faults_of_run;
    network = network_of_run;
    if (!has_clients) {
        has_clients = true;
        clients_draw();
        streams_draw();
    }
    operators_draw();
    subscribers_draw();
    gateways_draw();
    metrics_peers_draw();
    if (swarm.spare_files > 0)
        descriptors_limit(descriptor_count(processes_server()) + swarm.spare_files - 1);
    begin(PHASE_FAULTS);
}

static void begin_calm(void)
{
    faults_end();
    descriptors_limit(SIZE_MAX);
    network_end_faults();
    host_changes_end();
    clients_end_faults();
    streams_end_faults();
    operators_end();
    subscribers_end();
    gateways_end();
    begin(PHASE_CALM);
}

static void begin_stop(void)
{
    upgrades_stopping();
    restoring_end();
    saved_stopping();
    restarts_stopping();
    waited_ms = state_files_done_ms();
    begin(PHASE_STOP);
}

static void stop(void)
{
    if (starts == last_start) {
        clients_stop();
        streams_stop();
    }
    operators_stop();
    begin_stop();
}

/* The server is stopped while it is busy. */
static void stop_early(void)
{
    operators_broadcast_all();
    operators_stop();
    operators_hurry();
    begin_stop();
}

/* The host is suspended, or no thread runs. */
static void leap(uint64_t ms)
{
    uint64_t before_ms = event_queue_now_ms();
    event_queue_advance(ms * UINT64_C(1000000));
    model_clock_leapt(before_ms);
    totals_clock_leapt(before_ms);
    restoring_delayed();
    upgrades_clock_leapt();
}

/* The secret of cookies is replaced each minute. If no thread runs then, its timer and others are
 * handled at once. */
static bool is_rotation_near(void)
{
    enum { ROTATION_MS = 60000, NEAR_MS = 1000 };
    return passed_ms() % ROTATION_MS > ROTATION_MS - NEAR_MS;
}

static void disturb(void)
{
    uint64_t kind = draw_below(DRAW_FAULTS, 400);
    uint64_t slow_until_ns = 0, leap_ms = 0;
    if (kind == 0)
        slow_until_ns = event_queue_now_ns() + draw_range(DRAW_FAULTS, 1, 5000) * UINT64_C(1000000);
    else if (kind == 1 || (is_rotation_near() && draw_below(DRAW_FAULTS, 50) == 0))
        leap_ms = draw_range(DRAW_FAULTS, 1, 3000);
    else if (kind == 2 && draw_below(DRAW_FAULTS, 20) == 0)
        leap_ms = draw_range(DRAW_FAULTS, 10000, 200000);
    else if (swarm.long_ttl && draw_below(DRAW_SWARM, 400) == 0)
        leap_ms = draw_range(DRAW_SWARM, 1000000, 4000000);
    else if (kind == 3)
        leap_ms = draw_range(DRAW_FAULTS, 1, 1000);
    if (kind == 3 || (is_rotation_near() && draw_below(DRAW_FAULTS, 10) == 0))
        clients_rush();
    if (slow_until_ns > 0 && !reductions_leave_out(WITHOUT_SLOW_LINK))
        network.slow_until_ns = slow_until_ns;
    if (leap_ms > 0 && !reductions_leave_out(WITHOUT_LEAPS))
        leap(leap_ms);
}

/* Whether commands have waited longer for their answers than the queued broadcasts may take by
 * their rate. A reload may change the rate, also in the calm phase, when it has waited behind a
 * broadcast in its session: what is queued then goes on at the new rate. */
static bool answers_are_late(void)
{
    enum { COPIES_MAX = 100000, LIMIT_MS = 60000 };
    if (settings.copies_pps != paced_pps) {
        paced_pps = settings.copies_pps;
        paced_ms = event_queue_now_ms();
    }
    uint64_t begin_ms = paced_ms > phase_ms ? paced_ms : phase_ms;
    uint64_t copies_ms = paced_pps > 0 ? COPIES_MAX * UINT64_C(1000) / paced_pps : 0;
    return event_queue_now_ms() - begin_ms > LIMIT_MS + CALM_MS + copies_ms;
}

/* A client sends more requests than replies may wait. If epoll watched the sockets, they would be
 * tried again at once. */
static void flood(void)
{
    enum { FLOOD_EACH = 200, FLOOD_MS = 400 };
    static uint64_t until_ms;
    if (!swarm.floods)
        return;
    if (draw_below(DRAW_FLOODS, FLOOD_EACH) == 0) {
        until_ms = event_queue_now_ms() + FLOOD_MS;
        clients_flood();
    }
    bool is_flood = event_queue_now_ms() < until_ms;
    faults.full = is_flood ? FULL_PER_MILLION : faults_of_run.full;
    faults.watch = is_flood ? FULL_PER_MILLION : faults_of_run.watch;
    reductions_of_faults(&faults, &network);
}

/* Before some early stops send buffers are often full, so that replies wait. */
static void fill_buffers(void)
{
    uint64_t stop_ms = swarm.stops_early ? faults_ms / 4 : faults_ms;
    if (!fills_buffers || passed_ms() + FULL_MS < stop_ms)
        return;
    faults.full = FULL_PER_MILLION;
    reductions_of_faults(&faults, &network);
}

static void next_step(void)
{
    switch (phase) {
    case PHASE_START:
        if (passed_ms() > START_MAX_MS)
            broken_promise("the server starts", "it is not ready after a minute");
        if (simulated_log_is_ready())
            begin_faults();
        break;
    case PHASE_FAULTS:
        if (!reductions_are_steady()) {
            disturb();
            restarts_disturb(passed_ms());
            upgrades_disturb();
        }
        host_changes_disturb();
        flood();
        fill_buffers();
        if (swarm.stops_early && passed_ms() >= faults_ms / 4) {
            stop_early();
            break;
        }
        if (passed_ms() < faults_ms)
            break;
        if (skips_calm)
            stop();
        else
            begin_calm();
        break;
    case PHASE_CALM:
        if (answers_are_late() && !operators_are_idle())
            broken_promise("each command is answered within bounded time", "one is not");
        if (!operators_are_idle())
            busy_ms = event_queue_now_ms();
        restarts_calm(passed_ms());
        upgrades_calm(passed_ms());
        if (passed_ms() < CALM_MS || event_queue_now_ms() < busy_ms + SETTLED_MS)
            break;
        upgrades_check_calm();
        saved_check_interval();
        clients_check_liveness(false);
        last_broadcast = operators_broadcast();
        clients_expect_broadcast(last_broadcast);
        begin(last_broadcast != 0 ? PHASE_BROADCAST : PHASE_ANSWERS);
        break;
    case PHASE_BROADCAST:
        if (operators_broadcast_was_refused(last_broadcast))
            begin(PHASE_CALM);
        else if (operators_broadcast_has_ended(last_broadcast))
            begin(PHASE_ANSWERS);
        else if (passed_ms() > BROADCAST_MAX_MS && settings.copies_pps == 0)
            broken_promise("a broadcast ends within bounded time", "it has taken 60 s");
        break;
    case PHASE_ANSWERS:
        if (passed_ms() < 100)
            break;
        clients_check_liveness(last_broadcast != 0);
        streams_check_liveness();
        stop();
        break;
    case PHASE_STOP:
        if (passed_ms() > 2000 + state_files_busy_ms() - waited_ms)
            broken_promise("the server stops within a second", "it has taken 2 s");
        restarts_stop_goes_on(passed_ms());
        break;
    case PHASE_DOWN:
        break;
    }
}

static void on_poll(void *state)
{
    next_step();
    event_queue_add(POLL_NS, on_poll, state);
}

/* Draws what happens in the next start. */
static void draw_start(void)
{
    starts++;
    was_ready = false;
    faults_ms =
        last_start == 1 ? draw_range(DRAW_SETUP, 2000, 100000) : draw_range(DRAW_SETUP, 50, 20000);
    if (last_start == 1 && draw_below(DRAW_SETUP, 10) == 0)
        faults_ms *= 3;
    faults_ms = reductions_are_steady() ? STEADY_MS : reductions_of_duration(faults_ms);
    skips_calm = starts < last_start && draw_below(DRAW_SETUP, 2) == 0;
    fills_buffers = (swarm.stops_early || skips_calm) && draw_below(DRAW_SWARM, 2) == 0;
    draw_faults();
    draw_start_faults();
    if (draw_below(DRAW_SWARM, 12) == 0)
        faults.allocation = faults_of_run.allocation = (uint32_t)draw_range(DRAW_SWARM, 1, 90);
    reductions_of_faults(&faults_of_run, &network_of_run);
    reductions_of_faults(&faults, &network);
    restoring_end();
    host_changes_begin();
    restarts_draw(starts < last_start, faults_ms);
    trace(TRACE_START, starts, 0, 0, 0);
    begin(PHASE_START);
}

void plan_draw(void)
{
    last_start = draw_below(DRAW_SETUP, 6) == 0 ? (unsigned)draw_range(DRAW_SETUP, 2, 5) : 1;
    last_start = reductions_are_steady() ? 1 : restarts_draw_count(last_start);
    host_begin();
    host_changes_draw();
    draw_start();
    event_queue_add(POLL_NS, on_poll, NULL);
}

void plan_server_ended(void)
{
    phase = PHASE_DOWN;
}

unsigned plan_starts(void)
{
    return starts;
}

bool plan_has_next_start(void)
{
    return starts < last_start;
}

void plan_start_again(bool has_crashed)
{
    faults_end();
    descriptors_limit(SIZE_MAX);
    phase = PHASE_DOWN;
    scheduler_sleep(draw_range(DRAW_SETUP, 0, 4000) * draw_below(DRAW_SETUP, 2) * 1000000);
    restarts_down(has_crashed);
    if (draw_below(DRAW_SETUP, 2) == 0 && !restarts_keep_settings())
        settings_draw();
    if (has_clients) {
        clients_begin_again();
        streams_reset();
        streams_draw();
    }
    draw_start();
}

void plan_describe(void)
{
    printf("duration %" PRIu64 "\n", faults_ms);
    reductions_print_names(&faults_of_run, &network_of_run);
    reductions_print_names(&faults, &network); /* of the start */
}
