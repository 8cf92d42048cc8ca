#ifndef SYSTEM_PROCESS_H
#define SYSTEM_PROCESS_H

#include "harness.h"

#include <stdarg.h>

/* Functions that the files of the harness share and that tests do not need. */

/* Allocate and reallocate memory that harness_end frees. They fail the test without memory. */
void *harness_allocate(size_t size);
void *harness_reallocate(void *kept, size_t size);

/* Appends data, and a NUL after it. */
void bytes_add(struct bytes *bytes, const void *data, size_t size);

/* Returns the directory of the test. The first call makes it and starts the cleanup process, which
 * removes it. */
const char *harness_directory(void);
/* Lets the cleanup process kill all processes and remove the directory, and waits for its end. */
void cleaner_finish(void);

/* Appends arguments up to a NULL to argv, which has space for HARNESS_ARGUMENTS_MAX + 1. Returns
 * the new count. */
size_t arguments_add(const char **argv, size_t count, va_list more);

/* Waits for the end of a process and returns its output; process_run starts it too. */
struct result process_result(struct process *process);
struct result process_run(harness_prepare *prepare, const char *input, const char *const *argv);

/* Waits for the end of a process with status 0, and has the structure stand for another one from
 * then on, which writes to the same output and was or will be inherited by the test
 * (PR_SET_CHILD_SUBREAPER). */
void process_adopt(struct process *process, pid_t pid);

/* Returns the logs of all servers of the test. */
const char *servers_logs(void);

#endif
