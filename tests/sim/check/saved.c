#include "sim/check/saved.h"

#include "base/stats.h"
#include "sim/check/saved_clients.h"
#include "sim/check/saved_snapshots.h"
#include "sim/check/shards.h"
#include "sim/check/totals.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/os/log.h"
#include "sim/os/process.h"
#include "sim/world/settings.h"
#include "sim/world/upgrades.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static bool is_stopping, is_opened;
static int read_error;
static bool was_read, has_read_failed, was_kept, is_aside;
static uint64_t read_ms;            /* when the file was read */
static uint64_t failures;           /* of steps, in this start */
static uint64_t committed_begin_ms; /* the begin of the last one that this start has written */
static uint64_t last_job, restored_job;

/* ---- a snapshot ---- */

void saved_begin(void)
{
    saved_snapshot_begin(is_stopping, last_job);
}

void saved_failed(int error)
{
    saved_snapshot_give_up();
    failures += error != 0;
}

void saved_committed(void)
{
    if (is_aside)
        saved_snapshot_forget();
    is_aside = false;
    saved_snapshot_commit();
    committed_begin_ms = (uint64_t)saved_whole.times.begin_ms;
}

void saved_opened(void)
{
    is_opened = true;
}

/* ---- the file ---- */

void saved_read(int error)
{
    was_read = true;
    read_error = error;
    read_ms = event_queue_now_ms();
    if (error == -ENOENT && saved_whole.is_there && !was_kept)
        broken_promise("the simulator itself", "the state file is missing");
}

void saved_read_failed(void)
{
    has_read_failed = true;
}

void saved_kept_aside(bool succeeded, bool aside)
{
    was_kept = true;
    is_aside = aside;
    if (succeeded && !aside)
        broken_promise("a state file that cannot be used is kept aside", "it is not");
}

void saved_job(uint64_t id)
{
    if (id <= restored_job || broken_now("state-job", 5))
        broken_promise("the ids of jobs go on after a restart",
                       "job %" PRIu64 " comes after job %" PRIu64 " of the state file", id,
                       restored_job);
    if (id > last_job)
        last_job = id;
}

/* ---- whether the file is used ---- */

/* Whether it is older than state.max-age. */
static enum chance is_too_old(void)
{
    bool is_same_boot = saved_whole.times.boots == simulated_host_boots();
    int64_t now_ms = (int64_t)read_ms + simulated_wall_offset_ms();
    int64_t least_ms = now_ms - (saved_whole.times.end_ms + saved_whole.times.offset_most_ms);
    int64_t most_ms = now_ms - (saved_whole.times.begin_ms + saved_whole.times.offset_least_ms);
    if (is_same_boot) {
        least_ms = (int64_t)read_ms - saved_whole.times.end_ms;
        most_ms = (int64_t)read_ms - saved_whole.times.begin_ms;
    }
    return least_ms - MODEL_SLOP_MS > (int64_t)settings.state_age_ms  ? YES
           : most_ms + MODEL_SLOP_MS > (int64_t)settings.state_age_ms ? MAYBE
                                                                      : NO;
}

static enum chance is_used(void)
{
    if (read_error != 0 || saved_whole.is_damaged || is_too_old() == YES)
        return NO;
    return is_too_old() == MAYBE || has_read_failed ? MAYBE : YES;
}

static void check_use(bool is_used_now)
{
    if (is_used_now && is_used() == NO)
        broken_promise("a state file that is damaged or too old is not used",
                       "it is; error %d, damaged %d, %" PRIu64 " clients", read_error,
                       saved_whole.is_damaged, (uint64_t)saved_whole.count);
    if (!is_used_now && is_used() == YES)
        broken_promise("a state file that is whole is used", "it is not");
    if (!is_used_now && !was_kept)
        broken_promise("a state file that cannot be used is kept aside", "it is not");
    if (is_used_now && was_kept)
        broken_promise("a state file that is used is not kept aside", "it is");
}

/* Clients that may not have proven their addresses are not restored where that is demanded. */
static void check_proven(bool are_refused)
{
    enum chance proven = settings.cookie ? saved_whole.proven : YES;
    if (!are_refused && proven == NO)
        broken_promise("clients that have not proven their addresses are not restored", "they are");
    if (are_refused && proven == YES)
        broken_promise("each client of the last snapshot is restored", "they count as not proven");
}

/* Returns what was done with the file, as the log says. */
static enum saved_use check_message(void)
{
    uint64_t used = simulated_log_times("restored the clients");
    uint64_t refused = simulated_log_times("cannot restore the clients");
    uint64_t partly = simulated_log_times("cannot restore all clients");
    bool is_expected = was_read && read_error != -ENOENT;
    if (used > 1 || refused > 1 || (used + refused > 0) != is_expected || partly > used ||
        broken_is("state-message"))
        broken_promise("a start says once what it has done with the state file",
                       "%" PRIu64 " times it was used, %" PRIu64 " partly, and %" PRIu64
                       " times refused",
                       used, partly, refused);
    if (!is_expected)
        return SAVED_USE_NONE;
    check_use(used > 0);
    if (used == 0)
        return SAVED_USE_NONE;
    check_proven(refused > 0);
    if (partly > 0 && !has_read_failed)
        broken_promise("a state file that is whole is used", "only a part of it is");
    return refused > 0 ? SAVED_USE_COUNTERS : partly > 0 ? SAVED_USE_SOME : SAVED_USE_ALL;
}

/* Where only the kernel knows the worker of a client, a message at each start says so. */
static void check_workers_message(void)
{
    bool is_unknown = false;
    for (size_t i = 0; i < setup.listener_count; i++)
        is_unknown |= setup.listeners[i].kind == LISTEN_UDP &&
                      shards_worker_of(setup.listeners[i].number, &setup.listeners[i].addr) == -1;
    uint64_t times = simulated_log_times("cannot restore clients with several workers");
    if (times != (setup.has_state && is_unknown))
        broken_promise("a start says that the kernel keeps clients from being restored",
                       "%" PRIu64 " times", times);
}

/* ---- the counters ---- */

/* The counters that the main thread has are not those of workers. */
static bool is_of_main_thread(const char *name)
{
    return strcmp(name, "broadcasts") == 0 || strncmp(name, "listen_", 7) == 0;
}

static void expect_counter(const char *name, uint64_t value, uint64_t least, uint64_t most)
{
    if (broken_is("state-counter"))
        value += UINT64_C(1) << 40;
    /* The program passes datagrams on until it is detached, also after the final report. */
    if (strncmp(name, "offload_passed_", 15) == 0)
        most = UINT64_MAX;
    if (value < least || value > most)
        broken_promise("the counters go on after a restart",
                       "%s is %" PRIu64 ", and must be from %" PRIu64 " to %" PRIu64, name, value,
                       least, most);
}

/* possible: so many clients may be restored. */
static void check_counters(uint32_t possible)
{
    struct stats sum;
    saved_sum_counters(&sum);
    for (size_t i = 0; i < STATS_COUNT; i++) {
        const char *name = stats_name(i);
        uint64_t value = stats_value(&sum, i), least = stats_value(&saved_whole.least, i);
        uint64_t most = stats_value(&saved_whole.most, i);
        if (strcmp(name, "streams_closed") == 0)
            expect_counter(name, value, saved_whole.has_report ? most + saved_whole.streams : least,
                           most + saved_whole.streams);
        else if (saved_whole.has_report && strcmp(name, "expired") != 0)
            expect_counter(name, value, most, most);
        else if (strcmp(name, "expired") == 0)
            expect_counter(name, value, least, UINT64_MAX); /* joined = clients + ends */
        else if (strcmp(name, "received") == 0)
            continue; /* received = sum of outcomes */
        else if (strcmp(name, "joined") == 0)
            expect_counter(name, value, least, most + possible + saved_whole.streams);
        else if (!is_of_main_thread(name))
            expect_counter(name, value, least, most);
    }
}

/* ---- starts and ends ---- */

void saved_check_start(void)
{
    check_workers_message();
    enum saved_use use = check_message();
    if (use == SAVED_USE_NONE) {
        totals_check_start(false);
        return;
    }
    check_counters(saved_clients_check(use, read_ms));
    restored_job = last_job = saved_whole.job;
    totals_check_start(true);
}

void saved_check_interval(void)
{
    enum { INTERVAL_MAX_MS = 2000, SLACK_MS = 4000 };
    if (!is_opened || settings.snapshot_ms > INTERVAL_MAX_MS)
        return;
    /* A process that has taken over begins a new interval, maybe with another length. */
    uint64_t since_ms =
        committed_begin_ms > upgrades_taken_ms() ? committed_begin_ms : upgrades_taken_ms();
    if (since_ms + settings.snapshot_ms + SLACK_MS < event_queue_now_ms() ||
        broken_is("state-interval"))
        broken_promise("the state file is written each state.interval",
                       "the last one was begun at %" PRIu64 " ms", committed_begin_ms);
}

void saved_stopping(void)
{
    is_stopping = true;
}

/* The counters of the final report, which nothing follows. */
static void read_report(void)
{
    for (size_t i = 0; i < STATS_COUNT; i++) {
        uint64_t value;
        saved_whole.has_report = simulated_log_final(stats_name(i), &value);
        if (!saved_whole.has_report)
            return;
        stats_set(&saved_whole.most, i, value);
    }
    saved_whole.streams = saved_count_streams(&saved_whole.most, saved_whole.registered);
}

void saved_check_end(bool was_ready)
{
    uint64_t messages = simulated_log_times("cannot write the state file");
    bool is_written = saved_whole.is_there && saved_whole.is_final && committed_begin_ms != 0;
    if (is_opened && was_ready && failures == 0 && (!is_written || broken_is("state-stop")))
        broken_promise("an orderly stop writes the state file", "it does not");
    if (was_ready && failures == 0 && messages > 0)
        broken_promise("the log says when the state file cannot be written", "it could be");
    if (is_opened && was_ready && !is_written && messages == 0)
        broken_promise("the log says when the state file cannot be written", "it does not");
    if (is_written)
        read_report();
}

void saved_reset(void)
{
    if (is_aside)
        saved_snapshot_forget();
    saved_snapshot_give_up();
    is_stopping = is_opened = was_read = has_read_failed = was_kept = is_aside = false;
    read_error = 0;
    failures = committed_begin_ms = last_job = restored_job = 0;
}
