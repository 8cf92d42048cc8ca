#include "sim/os/processes.h"

#include "sim/core/descriptors.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/os/files.h"
#include "sim/os/log.h"
#include "sim/os/process.h"
#include "sim/os/signals.h"
#include "sim/os/state_files.h"

#include <signal.h>
#include <string.h>

enum { FIRST_PID = 1000, ENDS_MAX = 64 };

static struct process {
    bool exists;
    pid_t pid;
    int parent;
    int channel; /* 0: none */
    bool is_dying;
} processes[PROCESSES_MAX];
static struct {
    pid_t pid; /* 0: unused */
    int parent, status;
} ends[ENDS_MAX]; /* of children that are not asked for yet */
static int server = -1;
static pid_t last_pid = FIRST_PID;
static processes_on_end *on_end_of_run;
static bool has_left_memory;

/* ---- which there are ---- */

bool processes_exist(int process)
{
    return process >= 0 && processes[process].exists;
}

int processes_current(void)
{
    int current = scheduler_process();
    return current >= 0 ? current : server;
}

int processes_server(void)
{
    return server;
}

void processes_set_server(int process)
{
    server = process;
}

int processes_parent(int process)
{
    return processes[process].parent;
}

pid_t processes_pid(int process)
{
    return processes[process].pid;
}

int processes_of_pid(pid_t pid)
{
    for (int i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].exists && processes[i].pid == pid)
            return i;
    return -1;
}

int processes_signalled(void)
{
    int parent = server >= 0 ? processes[server].parent : -1;
    return processes_exist(parent) ? parent : server;
}

int processes_successor(void)
{
    int found = -1;
    for (int i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].exists && i != server && processes[i].parent >= 0 &&
            (found < 0 || processes[i].pid > processes[found].pid))
            found = i;
    return found;
}

/* ---- starting ---- */

static int start(coroutine_main *main, int parent)
{
    int free = 0;
    while (free < PROCESSES_MAX && processes[free].exists)
        free++;
    if (free == PROCESSES_MAX || scheduler_start_process(free, main, NULL) < 0)
        return -1;
    processes[free] = (struct process){.exists = true, .pid = ++last_pid, .parent = parent};
    trace(TRACE_PROCESS, (uint64_t)free, (uint64_t)(int64_t)parent, 0, 0);
    return free;
}

void processes_start(coroutine_main *main, processes_on_end *on_end)
{
    on_end_of_run = on_end;
    memset(ends, 0, sizeof ends);
    server = start(main, -1);
}

int processes_start_child(coroutine_main *main)
{
    return start(main, scheduler_process());
}

void processes_set_channel(int process, int channel)
{
    processes[process].channel = channel;
}

int processes_take_channel(void)
{
    int channel = processes[scheduler_process()].channel;
    processes[scheduler_process()].channel = 0;
    return channel;
}

/* ---- ending ---- */

static void notify_parent(int process, int status)
{
    int parent = processes[process].parent;
    if (!processes_exist(parent))
        return;
    size_t i = 0;
    while (ends[i].pid != 0)
        if (++i == ENDS_MAX)
            broken_promise("each process that has ended is asked for", "%d are not", ENDS_MAX);
    ends[i].pid = processes[process].pid;
    ends[i].parent = parent;
    ends[i].status = status;
    simulated_signal_to(parent, SIGCHLD);
}

static void forget_children(int process)
{
    for (int i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].parent == process)
            processes[i].parent = -1;
    for (int i = 0; i < ENDS_MAX; i++)
        if (ends[i].parent == process)
            ends[i].pid = 0;
}

static void end(int process, enum process_end how, int status)
{
    trace(TRACE_PROCESS_END, (uint64_t)process, how, (uint64_t)status, 0);
    /* A rename that was going on may be done, and is compared with the memory of the process. */
    if (how != PROCESS_RETURNED)
        state_files_process_ended(process);
    event_queue_remove(&processes[process]);
    on_end_of_run(process, how);
    has_left_memory |= how != PROCESS_RETURNED;
    if (how == PROCESS_KILLED)
        simulated_files_leave(process, process == server);
    simulated_log_process_ended(process);
    state_files_process_ended(process);
    descriptors_close_all(process);
    simulated_memory_forget(process);
    simulated_signals_reset(process);
    notify_parent(process, status);
    forget_children(process);
    processes[process].exists = false;
    if (process == server)
        server = -1;
}

void processes_kill(int process)
{
    if (!processes_exist(process))
        return;
    if (process == scheduler_process())
        broken_promise("the simulator itself", "a process is killed while it runs");
    scheduler_forget(process);
    end(process, PROCESS_KILLED, SIGKILL);
}

static void on_death(void *state)
{
    processes_kill((int)((struct process *)state - processes));
}

void processes_kill_slowly(int process, uint64_t delay_ns)
{
    if (!processes_exist(process) || processes[process].is_dying)
        return;
    processes[process].is_dying = true;
    scheduler_freeze(process, UINT64_MAX);
    event_queue_add(delay_ns, on_death, &processes[process]);
}

bool processes_have_dying(void)
{
    for (int i = 0; i < PROCESSES_MAX; i++)
        if (processes[i].exists && processes[i].is_dying)
            return true;
    return false;
}

void processes_ended(int process, bool at_once, int status)
{
    end(process, at_once ? PROCESS_EXITED : PROCESS_RETURNED, status << 8);
}

bool processes_take_end(pid_t pid, int *status)
{
    for (int i = 0; i < ENDS_MAX; i++)
        if (ends[i].pid == pid && ends[i].parent == scheduler_process()) {
            *status = ends[i].status;
            ends[i].pid = 0;
            return true;
        }
    return false;
}

bool processes_have_left_memory(void)
{
    return has_left_memory;
}
