#include "sim/world/upgrades.h"

#include "registry/names/client_names.h"
#include "sim/check/model.h"
#include "sim/check/restoring.h"
#include "sim/check/roles.h"
#include "sim/check/shards.h"
#include "sim/check/totals.h"
#include "sim/core/broken.h"
#include "sim/core/descriptors.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/connection.h"
#include "sim/os/log.h"
#include "sim/os/process.h"
#include "sim/os/signals.h"
#include "sim/world/plan.h"
#include "sim/world/reductions.h"
#include "sim/world/restarts.h"
#include "sim/world/settings.h"
#include "sim/world/swarm.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    EACH_POLLS = 200,    /* of 20 ms */
    STEPS_MAX = 12,      /* of the successor, until it is to serve */
    HANG_MAX_MS = 15000, /* the predecessor waits for 10 s */
    PAUSE_MAX_MS = 100,  /* in which nobody serves */
    HELD_MAX_MS = 3200,  /* the same, if the successor hangs */
    CALM_MS = 8000,
    COMMITS_MAX = 64,
    INSTANT_NS = 100000, /* after something begins */
    SOON_NS = 300000000,
    DEATH_MAX_NS = 100000000, /* of a process that was killed */
};

/* What becomes of the successor: nothing, unless a number of its steps is drawn. */
static struct {
    bool is_watched, exits, is_calm;
    bool is_wrapped;                   /* another process has started it */
    bool lacks_threads;                /* it gets none for its workers */
    uint64_t kill_after, freeze_after; /* steps; 0: never */
    uint64_t freeze_ms;
    char failure[HANDOVER_TEXT_BYTES]; /* that it has sent */
    bool has_go, is_committed, copies;
    uint16_t elsewhere_port; /* of a socket that is bound elsewhere than the package says */
    struct settings_file read;
} fate;
static int successor = -1, predecessor = -1;
static uint64_t kill_predecessor_after; /* steps; 0: never */
static uint64_t unserved_ms;            /* since when no process serves; 0: one does */
static struct {
    uint64_t from, to;
} commits[COMMITS_MAX]; /* the last upgrades that succeeded, by their processes */
static size_t commit_count;
static bool has_other_setup; /* that of the last upgrade that succeeded */
static uint64_t left_ms;     /* when it last has by itself; 0: never */
static uint64_t killed_ns;   /* when a process was the last time; 0: never */
static uint64_t copied_ms, taken_ms;
static pid_t checked = -1; /* the process whose belongings were compared last */
static bool is_leaving;    /* the predecessor, in this moment */
static bool has_leapt;     /* the clock, since then */
static bool was_frozen;    /* since then */
static bool asks_in_calm;
static uint64_t calm_ms, calm_asked_ms, upgraded_before, refused_before;

static bool one_in(uint64_t n)
{
    return draw_below(DRAW_UPGRADES, n) == 0;
}

uint64_t upgrades_taken_ms(void)
{
    return taken_ms;
}

uint64_t upgrades_copied_ms(void)
{
    return copied_ms;
}

bool upgrades_are_running(void)
{
    return successor >= 0;
}

static uint64_t upgraded(void)
{
    return simulated_log_times("upgraded: another process serves");
}

static uint64_t refused(void)
{
    return simulated_log_times("an upgrade was refused");
}

/* ---- what is asked for ---- */

/* What a reload could have read, too. */
static struct settings draw_others(void)
{
    const struct settings kept = next_settings;
    settings_draw_next();
    const struct settings others = next_settings;
    next_settings = kept;
    settings_change = false;
    return others;
}

/* Other workers, or another place for clients: they are handed over as in a state file. */
static void vary(void)
{
    static const uint32_t most[] = {1, 4, 20, 100, 10000};
    if (one_in(2))
        setup.workers = (uint32_t)draw_range(DRAW_UPGRADES, 1, 4);
    else
        setup.clients_max = most[draw_below(DRAW_UPGRADES, 5)];
    reductions_of_settings(&setup, &settings);
}

static void write_file(void)
{
    struct settings written = settings;
    const struct setup kept = setup;
    if (!reductions_leave_out(WITHOUT_RELOADS) && one_in(4))
        written = draw_others();
    if (!fate.is_calm && one_in(4))
        vary();
    settings_write(&written, !fate.is_calm && one_in(12));
    setup = kept;
}

bool upgrades_have_file(void)
{
    return upgrades_are_running() &&
           memcmp(&settings_file.settings, &settings, sizeof settings) != 0;
}

void upgrades_config_read(int process)
{
    if (process == successor)
        fate.read = settings_file;
}

bool upgrades_prepare(void)
{
    if (!swarm.upgrades || plan_is_stopping())
        return false;
    if (!upgrades_are_running() && !settings_change)
        write_file();
    return true;
}

bool upgrades_draw_command(void)
{
    return swarm.upgrades && one_in(10) && upgrades_prepare();
}

static void ask(void)
{
    if (upgrades_prepare())
        simulated_signal(SIGUSR2);
}

static void on_interruption(void *state)
{
    (void)state;
    if (plan_was_ready())
        ask();
}

void upgrades_interrupt(void)
{
    static int interruption;
    if (!swarm.upgrades || fate.is_calm || !one_in(4))
        return;
    event_queue_remove(&interruption);
    event_queue_add(draw_below(DRAW_UPGRADES, one_in(2) ? INSTANT_NS : SOON_NS), on_interruption,
                    &interruption);
}

void upgrades_disturb(void)
{
    fate.is_calm = false;
    if (swarm.upgrades && one_in(upgrades_are_running() ? EACH_POLLS / 4 : EACH_POLLS))
        ask();
}

void upgrades_calm(uint64_t passed_ms)
{
    if (!swarm.upgrades)
        return;
    if (!fate.is_calm) {
        fate.is_calm = true;
        asks_in_calm = one_in(2);
        /* Before that, a file that was removed may be made again: then an upgrade fails. */
        calm_ms = CALM_MS / 4 + draw_below(DRAW_UPGRADES, CALM_MS / 4);
    }
    if (!asks_in_calm || passed_ms < calm_ms || settings_change || upgrades_are_running())
        return;
    asks_in_calm = false;
    calm_asked_ms = event_queue_now_ms();
    upgraded_before = upgraded();
    refused_before = refused();
    ask();
}

void upgrades_check_calm(void)
{
    if (calm_asked_ms == 0)
        return;
    if ((upgraded() == upgraded_before && refused() == refused_before) || broken_is("upgrade"))
        broken_promise("an upgrade without faults succeeds", "the one at %" PRIu64 " ms does not",
                       calm_asked_ms);
    calm_asked_ms = 0;
}

void upgrades_stopping(void)
{
    if (swarm.upgrades && one_in(4))
        ask();
}

static bool has_committed(uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < commit_count && i < COMMITS_MAX; i++)
        if (commits[i].from == from && commits[i].to == to)
            return !broken_is("upgrade-answer");
    return false;
}

void upgrades_answered(const char *reason, uint64_t from, uint64_t to)
{
    if (reason != NULL && reason[0] == '\0')
        broken_promise("the operator reads why an upgrade fails", "there is no reason");
    if (reason == NULL && !has_committed(from, to))
        broken_promise("after an upgrade the answer names both processes",
                       "%" PRIu64 " has not handed over to %" PRIu64, from, to);
}

/* It has read the command, and leaves only when the session has an answer. The kernel closes the
 * sessions of a process that is killed, and its successor may leave in the same millisecond. */
void upgrades_check_session(const struct connection *connection, bool was_alone)
{
    bool has_read = connection->to_server.begin == connection->to_server.end;
    bool has_left = connection->closed_ns != 0 && connection->closed_ns / 1000000 == left_ms &&
                    connection->closed_ns != killed_ns;
    if (was_alone && has_read && has_left && !connection->reset)
        broken_promise("each command is answered once", "an upgrade has ended its session");
}

/* The text of the successor says more than the predecessor can know. */
void upgrades_failed(const char *reason)
{
    bool is_expected = fate.failure[0] == '\0' || strstr(reason, fate.failure) != NULL ||
                       strstr(reason, "stopping") != NULL || strstr(reason, " within ") != NULL;
    if (reason[0] == '\0' || !is_expected || broken_is("upgrade-reason"))
        broken_promise("the operator reads why an upgrade fails", "it is '%s', and was '%s'",
                       reason, fate.failure);
    fate.failure[0] = '\0';
}

/* What each process of a configuration has alike. */
struct belongings {
    struct setup setup;
    struct settings settings;
    size_t memories, mailboxes, pieces;
};

static struct belongings belongings_of(int process)
{
    struct belongings found;
    memcpy(&found.setup, &setup, sizeof setup);
    memcpy(&found.settings, &settings, sizeof settings);
    found.memories = descriptor_count_of(process, OBJECT_MEMORY);
    found.mailboxes = descriptor_count_of(process, OBJECT_MAILBOX);
    simulated_memory_reserved(process, &found.pieces);
    return found;
}

void upgrades_check_idle(void)
{
    static struct belongings before;
    int server = processes_server();
    if (!swarm.upgrades || processes_successor() >= 0 || processes_exist(processes_parent(server)))
        return;
    if (descriptor_count_of(server, OBJECT_CHANNEL) > 0)
        broken_promise("nothing is left of an upgrade that has ended", "a channel is");
    if (processes_pid(server) == checked)
        return;
    struct belongings now = belongings_of(server);
    bool is_same = checked >= 0 && memcmp(&now.setup, &before.setup, sizeof setup) == 0 &&
                   memcmp(&now.settings, &before.settings, sizeof settings) == 0;
    checked = processes_pid(server);
    /* Replies that wait may need memory that was not needed before. */
    if (is_same && (now.memories != before.memories || now.mailboxes != before.mailboxes ||
                    now.pieces > before.pieces + setup.listener_count))
        broken_promise("a process has what the one before had",
                       "%zu descriptors of memory, not %zu; %zu mailboxes, not %zu; %zu pieces of "
                       "memory, not %zu",
                       now.memories, before.memories, now.mailboxes, before.mailboxes, now.pieces,
                       before.pieces);
    before = now;
}

void upgrades_reset(void)
{
    memset(&fate, 0, sizeof fate);
    successor = predecessor = checked = -1;
    kill_predecessor_after = unserved_ms = calm_asked_ms = copied_ms = left_ms = killed_ns = 0;
    was_frozen = asks_in_calm = false;
}

/* ---- what the host does ---- */

bool upgrades_path_is_unsafe(void)
{
    return !fate.is_calm && one_in(30);
}

int upgrades_refuse_start(void)
{
    static const int errors[] = {ENOENT, EACCES, ENOEXEC, ENOMEM, EAGAIN, ETXTBSY};
    return !fate.is_calm && one_in(15) ? -errors[draw_below(DRAW_UPGRADES, 6)] : 0;
}

static void wake_up(void *state)
{
    (void)state;
}

static void freeze(int process, uint64_t ms)
{
    trace(TRACE_FROZEN, (uint64_t)process, ms, 0, 0);
    scheduler_freeze(process, event_queue_now_ns() + ms * 1000000);
    event_queue_add(ms * 1000000, wake_up, NULL);
    was_frozen = true;
}

void upgrades_started(int process)
{
    uint64_t kind = draw_below(DRAW_UPGRADES, 16), steps = draw_range(DRAW_UPGRADES, 1, STEPS_MAX);
    uint64_t ms = draw_range(DRAW_UPGRADES, 1, one_in(2) ? HANG_MAX_MS : HANG_MAX_MS / 10);
    bool is_calm = fate.is_calm;
    memset(&fate, 0, sizeof fate);
    fate.is_calm = is_calm;
    successor = process;
    restarts_successor_started();
    predecessor = scheduler_process();
    kill_predecessor_after = 0;
    if (is_calm)
        return;
    fate.exits = kind == 0;
    fate.kill_after = kind == 1 || kind == 2 ? steps : 0;
    fate.freeze_after = kind == 3 || kind == 4 ? steps : 0;
    fate.freeze_ms = ms;
    fate.is_wrapped = kind == 6;
    fate.lacks_threads = kind == 7;
    if (kind == 5)
        freeze(process, ms); /* before its first step */
}

bool upgrades_begins(void)
{
    return !fate.exits;
}

bool upgrades_refuse_worker_thread(void)
{
    return fate.lacks_threads && scheduler_process() == successor;
}

uint64_t upgrades_draw_death_ns(void)
{
    return one_in(2) ? draw_below(DRAW_UPGRADES, DEATH_MAX_NS) : 0;
}

static void follow_successor(void)
{
    if (fate.is_committed)
        return;
    if (fate.kill_after > 0 && --fate.kill_after == 0)
        processes_kill(successor);
    else if (fate.freeze_after > 0 && --fate.freeze_after == 0)
        freeze(successor, fate.freeze_ms);
}

/* How long nobody serves. */
static void check_pause(void)
{
    int process = roles_process();
    bool is_served = process >= 0 && scheduler_count(process) > 1;
    if (plan_is_stopping() || !plan_was_ready() || totals_has_finished()) {
        unserved_ms = 0;
        return;
    }
    if (!is_served && unserved_ms == 0) {
        unserved_ms = event_queue_now_ms();
        has_leapt = false;
        return;
    }
    if (!is_served || unserved_ms == 0)
        return;
    uint64_t pause_ms = event_queue_now_ms() - unserved_ms;
    if (!has_leapt && pause_ms > (was_frozen ? HELD_MAX_MS : PAUSE_MAX_MS))
        broken_promise("an upgrade leaves clients without replies for a short time only",
                       "it was %" PRIu64 " ms", pause_ms);
    if (was_frozen || has_leapt) {
        model_clock_leapt(unserved_ms);
        totals_clock_leapt(unserved_ms);
        restoring_delayed();
    }
    unserved_ms = 0;
}

void upgrades_after_step(int process)
{
    is_leaving = false;
    if (process == successor && successor >= 0)
        follow_successor();
    if (kill_predecessor_after > 0 && --kill_predecessor_after == 0)
        processes_kill(predecessor);
    check_pause();
    if (unserved_ms == 0 && successor < 0)
        was_frozen = false;
}

bool upgrades_are_taken(void)
{
    return fate.is_committed && scheduler_process() == processes_server() &&
           roles_process() != processes_server();
}

/* Where the successor has crashed after it took over, that is what loses its datagrams. */
bool upgrades_are_closing(void)
{
    return (is_leaving && processes_exist(processes_server())) || upgrades_are_taken();
}

bool upgrades_have_stopped_service(void)
{
    return unserved_ms != 0;
}

void upgrades_clock_leapt(void)
{
    has_leapt = true;
}

size_t upgrades_draw_room(void)
{
    return one_in(2) ? 64 : draw_range(DRAW_UPGRADES, 3, 6);
}

size_t upgrades_draw_part(size_t most)
{
    return one_in(2) ? most : draw_range(DRAW_UPGRADES, 1, 8);
}

/* The successor serves: it has read that it has to. */
static void commit(void)
{
    if (fate.is_committed)
        return; /* when the predecessor ended */
    if (!fate.has_go)
        broken_promise("a new process serves only when the one before has handed over", "it does");
    if (fate.is_wrapped || broken_is("upgrade-wrapper"))
        broken_promise("the process that was started takes over, and no other one", "another does");
    if (fate.elsewhere_port != 0)
        broken_promise("a socket is taken over with its address", "the one at port %d is not",
                       fate.elsewhere_port);
    fate.is_committed = true;
    commits[commit_count % COMMITS_MAX].from = (uint64_t)processes_pid(predecessor);
    commits[commit_count++ % COMMITS_MAX].to = (uint64_t)processes_pid(successor);
    processes_set_server(successor);
    has_other_setup = fate.read.setup.workers != setup.workers ||
                      fate.read.setup.clients_max != setup.clients_max;
    settings_taken_over(&fate.read);
    taken_ms = event_queue_now_ms();
    copied_ms = fate.copies ? event_queue_now_ms() : copied_ms;
}

void upgrades_socket_is_elsewhere(uint16_t port)
{
    fate.elsewhere_port = port;
}

pid_t upgrades_sender(void)
{
    pid_t own = processes_pid(scheduler_process());
    return fate.is_wrapped && scheduler_process() == successor ? own + 1 : own;
}

void upgrades_sent(enum handover_kind kind, const char *text, int error)
{
    if (kind == HANDOVER_READY_TO_COPY)
        fate.copies = true;
    if (kind == HANDOVER_TAKEN)
        commit();
    if (error != 0)
        return;
    if (kind == HANDOVER_STARTED && broken_is("upgrade-pause"))
        event_queue_advance(2 * PAUSE_MAX_MS * UINT64_C(1000000));
    if (kind == HANDOVER_FAILED)
        snprintf(fate.failure, sizeof fate.failure, "%s", text);
    if (kind != HANDOVER_GO)
        return;
    fate.has_go = true;
    if (!fate.is_calm && one_in(10))
        kill_predecessor_after = draw_range(DRAW_UPGRADES, 1, 20);
}

/* With one worker there is no choice, and other processes may make it by another key later. */
static void forget_key(void)
{
    if (roles_worker_count() == 1)
        shards_reset();
}

void upgrades_process_ended(int process, enum process_end how)
{
    if (how == PROCESS_KILLED)
        killed_ns = event_queue_now_ns();
    if (process == predecessor) {
        left_ms = how == PROCESS_EXITED ? event_queue_now_ms() : 0;
        is_leaving = fate.is_committed && how == PROCESS_EXITED;
        if (fate.has_go && !fate.is_committed && successor >= 0)
            commit();
        predecessor = -1;
        kill_predecessor_after = 0;
    }
    if (process == successor)
        successor = -1;
    forget_key();
}

/* What the process has that the roles were read of. */
struct clients_kept {
    uint32_t clients, names;
};

static struct clients_kept count_kept(void)
{
    struct clients_kept kept = {0, 0};
    for (size_t i = 0; i < roles_worker_count(); i++)
        kept.clients += registry_count(roles_worker(i)->decider.registry);
    if (roles_names() != NULL)
        kept.names = client_names_count(roles_names());
    return kept;
}

void upgrades_take_over(void)
{
    bool is_known = roles_process() >= 0;
    struct clients_kept before = {0, 0};
    if (is_known)
        before = count_kept();
    roles_read();
    struct clients_kept now = count_kept();
    if (is_known && copied_ms != taken_ms &&
        (now.clients != before.clients || now.names != before.names))
        broken_promise("an upgrade keeps all clients and names",
                       "%" PRIu32 " clients and %" PRIu32 " names, of %" PRIu32 " and %" PRIu32,
                       now.clients, now.names, before.clients, before.names);
    successor = -1;
    if (has_other_setup)
        model_taken_over();
    has_other_setup = false;
    forget_key();
}
