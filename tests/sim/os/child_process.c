/* os/process/child_process and program_path: the successor of an upgrade is the same program in
 * another simulated process. world/upgrades draws what becomes of it. */
#include "os/process/child_process.h"

#include "os/process/program_path.h"
#include "sim/core/descriptors.h"
#include "sim/os/processes.h"
#include "sim/os/signals.h"
#include "sim/run.h"
#include "sim/world/upgrades.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

int program_path_find(char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "/usr/sbin/udpsrv");
    return 0;
}

int program_path_check(const char *path, char fault[PROGRAM_PATH_FAULT_BYTES])
{
    if (!upgrades_path_is_unsafe())
        return 0;
    snprintf(fault, PROGRAM_PATH_FAULT_BYTES, "%s can be written by all users", path);
    return -EPERM;
}

int child_process_start(struct child_process *child, const struct child_process_options *options)
{
    *child = (struct child_process){.pid = 0};
    int error = upgrades_refuse_start();
    if (error != 0)
        return error;
    struct object *channel = descriptor_pass(options->descriptor);
    int process = processes_start_child(run_successor);
    if (process < 0) {
        descriptor_drop(channel);
        return -EAGAIN;
    }
    processes_set_channel(process, descriptor_open_for(process, channel));
    descriptor_drop(channel);
    child->pid = processes_pid(process);
    upgrades_started(process);
    return 0;
}

bool child_process_has_ended(struct child_process *child)
{
    if (child->pid != 0 && processes_take_end(child->pid, &child->status)) {
        child->is_status_known = true;
        child->pid = 0;
    }
    return child->pid == 0;
}

void child_process_kill(const struct child_process *child)
{
    int process = processes_of_pid(child->pid);
    uint64_t delay_ns = upgrades_draw_death_ns();
    if (delay_ns == 0)
        processes_kill(process);
    else
        processes_kill_slowly(process, delay_ns);
}

void child_process_signal(const struct child_process *child, int signal)
{
    int process = processes_of_pid(child->pid);
    if (process >= 0)
        simulated_signal_to(process, signal);
}

const char *child_process_end(const struct child_process *child, char text[CHILD_PROCESS_END_BYTES])
{
    if (child->is_status_known && WIFEXITED(child->status))
        snprintf(text, CHILD_PROCESS_END_BYTES, "it ended with exit status %d",
                 WEXITSTATUS(child->status));
    else if (child->is_status_known)
        snprintf(text, CHILD_PROCESS_END_BYTES, "it was ended by signal %d",
                 WTERMSIG(child->status));
    else
        snprintf(text, CHILD_PROCESS_END_BYTES, "it ended");
    return text;
}

int child_process_take_descriptor(const char *variable)
{
    int descriptor = processes_take_channel();
    if (strcmp(variable, "UDPSRV_UPGRADE") != 0)
        return -ENOENT;
    return descriptor != 0 ? descriptor : -ENOENT;
}

pid_t child_process_own_id(void)
{
    return processes_pid(scheduler_process());
}
