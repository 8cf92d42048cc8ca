/* os/process/child_process and program_path: there is no other program, so an upgrade is refused.
 */
#include "os/process/child_process.h"

#include "os/process/program_path.h"

#include <errno.h>
#include <stdio.h>

int program_path_find(char path[PATH_MAX])
{
    path[0] = '\0';
    return -ENOENT;
}

int program_path_check(const char *path, char fault[PROGRAM_PATH_FAULT_BYTES])
{
    (void)path;
    snprintf(fault, PROGRAM_PATH_FAULT_BYTES, "the path of the program is not known");
    return -ENOENT;
}

int child_process_start(struct child_process *child, const struct child_process_options *options)
{
    (void)options;
    *child = (struct child_process){.pid = 0};
    return -ENOENT;
}

bool child_process_has_ended(struct child_process *child)
{
    return child->pid == 0;
}

void child_process_kill(const struct child_process *child)
{
    (void)child;
}

void child_process_terminate(const struct child_process *child)
{
    (void)child;
}

const char *child_process_end(const struct child_process *child, char text[CHILD_PROCESS_END_BYTES])
{
    (void)child;
    snprintf(text, CHILD_PROCESS_END_BYTES, "it ended");
    return text;
}

int child_process_take_descriptor(const char *variable)
{
    (void)variable;
    return -ENOENT;
}

pid_t child_process_own_id(void)
{
    return 2; /* not process 1 */
}
