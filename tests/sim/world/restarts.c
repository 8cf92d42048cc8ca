#include "sim/world/restarts.h"

#include "sim/check/saved.h"
#include "sim/core/draw.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/net/network.h"
#include "sim/os/process.h"
#include "sim/os/processes.h"
#include "sim/os/signals.h"
#include "sim/os/state_files.h"
#include "sim/world/clients.h"
#include "sim/world/faults.h"
#include "sim/world/operators.h"
#include "sim/world/plan.h"
#include "sim/world/reductions.h"
#include "sim/world/settings.h"
#include "sim/world/swarm.h"
#include "sim/world/upgrades.h"

#include <signal.h>

enum moment { NEVER, AT_START, IN_FAULTS, IN_CALM, AT_STOP, MOMENTS };

enum {
    START_STEPS_MAX = 30,
    STOP_STEPS_MAX = 120,
    STEPS_MAX = 50, /* after a poll, so that it crashes at any step */
    CALM_MS = 8000,
    SLOW_PER_MILLION = 700000,
    WORKERS_END_MS = 2000, /* the stop timeout is 1 s: only the last snapshot is still written */
    ENDS_WITHIN_MS = 500,  /* two signals that follow each other in 100 ms count as one */
};

static enum moment crash;
static uint64_t crash_ms;   /* into its phase */
static bool may_hurry;      /* it is not waited for the last snapshot */
static uint64_t hurried_ms; /* when that was first signalled; 0: it was not */

static void crash_now(void)
{
    processes_kill(processes_server());
}

static bool one_in(uint64_t n)
{
    return draw_below(DRAW_STATE, n) == 0;
}

unsigned restarts_draw_count(unsigned starts)
{
    unsigned more = (unsigned)draw_range(DRAW_STATE, 2, 4);
    return setup.has_state && starts == 1 && !one_in(3) ? more : starts;
}

uint32_t restarts_rarely(uint32_t per_million)
{
    return setup.has_state && one_in(5) ? per_million : 0;
}

void restarts_draw(bool may_crash, uint64_t faults_ms)
{
    uint64_t moment = draw_below(DRAW_STATE, setup.has_state ? 2 * MOMENTS : 6 * MOMENTS);
    crash = may_crash && moment < MOMENTS ? (enum moment)moment : NEVER;
    /* Only after a crash a start reads what was written while clients came and went. */
    if (swarm.churns && may_crash)
        crash = IN_FAULTS;
    if (reductions_leave_out(WITHOUT_CRASHES))
        crash = NEVER;
    crash_ms = draw_below(DRAW_STATE, crash == IN_CALM ? CALM_MS : faults_ms + 1);
    uint64_t steps = draw_range(DRAW_STATE, 1, START_STEPS_MAX);
    if (crash == AT_START)
        scheduler_call_after(steps, crash_now);
    may_hurry = setup.has_state && one_in(8);
    hurried_ms = 0;
}

static void crash_soon(enum moment now, uint64_t passed_ms)
{
    if (crash != now || passed_ms < crash_ms)
        return;
    crash = NEVER;
    scheduler_call_after(draw_range(DRAW_STATE, 1, STEPS_MAX), crash_now);
}

/* The administrator, or NTP, sets the wall clock. */
static void leap(void)
{
    static const int64_t most_ms[] = {100, 5000, 60000, 7200000, 864000000};
    uint64_t most = (uint64_t)most_ms[draw_below(DRAW_STATE, 5)];
    int64_t ms = (int64_t)draw_range(DRAW_STATE, 0, 2 * most) - (int64_t)most;
    if (reductions_leave_out(WITHOUT_WALL_LEAPS))
        return;
    simulated_wall_leap(ms);
    saved_wall_leapt();
}

void restarts_disturb(uint64_t passed_ms)
{
    if (one_in(2000))
        leap();
    crash_soon(IN_FAULTS, passed_ms);
}

void restarts_successor_started(void)
{
    if (crash != IN_FAULTS || draw_below(DRAW_UPGRADES, 2) != 0)
        return;
    crash = NEVER;
    scheduler_call_after(draw_range(DRAW_UPGRADES, 1, STEPS_MAX / 2), crash_now);
}

void restarts_calm(uint64_t passed_ms)
{
    crash_soon(IN_CALM, passed_ms);
}

void restarts_stopping(void)
{
    uint64_t steps = draw_range(DRAW_STATE, 1, STOP_STEPS_MAX);
    if (crash == AT_STOP)
        scheduler_call_after(steps, crash_now);
    if (may_hurry)
        faults.slow_disk = SLOW_PER_MILLION;
    reductions_of_faults(&faults, &network);
}

void restarts_stop_goes_on(uint64_t passed_ms)
{
    if (!may_hurry || passed_ms < WORKERS_END_MS)
        return;
    if (hurried_ms == 0)
        hurried_ms = passed_ms;
    else if (passed_ms > hurried_ms + ENDS_WITHIN_MS)
        broken_promise("a second signal ends the server at once", "it goes on");
    simulated_signal(SIGTERM);
}

bool restarts_have_hurried(void)
{
    return hurried_ms != 0;
}

void restarts_snapshot_begun(void)
{
    upgrades_interrupt();
    if (swarm.reloads_snapshots && !plan_is_stopping() && operators_may_reload() && one_in(2))
        operators_hang_up();
    if (swarm.churns && !plan_is_stopping())
        clients_churn();
}

/* The clock of the host begins anew: it is less than before, or more, if the host is up for long.
 * Without a crash all is written to the disk before. */
static void reboot(bool is_power_failure)
{
    enum { UPTIME_MIN_MS = 1000, BRIEF_MS = 60000, LONG_MS = 1 << 30 };
    simulated_host_reboot(draw_range(DRAW_STATE, UPTIME_MIN_MS, one_in(2) ? BRIEF_MS : LONG_MS));
    if (is_power_failure)
        state_files_power_failure();
}

void restarts_down(bool has_crashed)
{
    enum { BRIEF_MS = 3000, LONG_MS = 80000 };
    uint64_t down_ms = draw_below(DRAW_STATE, one_in(4) ? LONG_MS : BRIEF_MS);
    enum state_damage damage = (enum state_damage)draw_below(DRAW_STATE, STATE_DAMAGES);
    if (!setup.has_state)
        down_ms = 0;
    scheduler_sleep(down_ms * 1000000);
    if (one_in(4))
        leap();
    if (one_in(6))
        reboot(has_crashed);
    if (one_in(4) && !reductions_leave_out(WITHOUT_DAMAGE))
        state_files_damage(damage);
    state_files_obstruct(one_in(24) ? (enum state_obstacle)draw_range(DRAW_STATE, 1, 2)
                                    : STATE_FREE);
}

bool restarts_keep_settings(void)
{
    if (!setup.has_state || one_in(4))
        return false;
    if (one_in(2))
        settings_vary();
    return true;
}
