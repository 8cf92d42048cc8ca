#ifndef SIM_OS_PROCESSES_H
#define SIM_OS_PROCESSES_H

#include "sim/core/scheduler.h"

#include <stdbool.h>
#include <sys/types.h>

/* The processes of the simulated host: the server and, during an upgrade, its successor. Each has
 * threads, descriptors, signals, reserved memory and a log of its own; when one ends, the kernel
 * closes and frees what it had. */

enum process_end {
    PROCESS_RETURNED, /* its main function has */
    PROCESS_EXITED,   /* os/process/immediate_exit */
    PROCESS_KILLED,
};

/* Called after a process has ended, before the kernel closes and frees what it had. */
typedef void processes_on_end(int process, enum process_end how);

/* Starts the process of the server. */
void processes_start(coroutine_main *main, processes_on_end *on_end);
/* Starts one that the current process is the parent of. Returns its number, or -1: too many. */
int processes_start_child(coroutine_main *main);

/* The process whose thread runs, or else the server; -1: there is none. */
int processes_current(void);
/* The one that serves, or that has to from now on: the successor, when it has the order. -1:
 * none. */
int processes_server(void);
void processes_set_server(int process);
/* The one that gets the signals for the server: the predecessor, until it has left. */
int processes_signalled(void);
/* The last successor that was started and has not ended; -1: there is none. */
int processes_successor(void);

bool processes_exist(int process);
int processes_parent(int process); /* -1: it has none any more */
pid_t processes_pid(int process);
int processes_of_pid(pid_t pid); /* -1: there is none */

/* The descriptor that a process is started with, by a variable of its environment; 0: none. */
void processes_set_channel(int process, int channel);
int processes_take_channel(void);

/* Ends a process that is not the current one at once. */
void processes_kill(int process);
/* The same, but the kernel closes and frees what it had only after delay_ns. */
void processes_kill_slowly(int process, uint64_t delay_ns);
/* Whether a process was killed so and has not ended yet. */
bool processes_have_dying(void);
/* The current process has ended by itself; for scheduler_run. */
void processes_ended(int process, bool at_once, int status);

/* As waitpid(2): whether a child of the current process has ended; it is forgotten then. The status
 * is that of the kernel. */
bool processes_take_end(pid_t pid, int *status);

/* Whether memory of a process that has ended at once is left. */
bool processes_have_left_memory(void);

#endif
