#ifndef SYSTEM_PROCESS_H
#define SYSTEM_PROCESS_H

#include "harness.h"

#include <stdarg.h>

/* What the harness's own files share and tests don't need. */

/* Memory of the test, freed by harness_end. harness_keep_again is harness_keep's realloc. */
void *harness_keep(size_t size);
void *harness_keep_again(void *kept, size_t size);

void bytes_add(struct bytes *bytes, const void *data, size_t size);

/* The test's directory; with the first call comes the keeper, who removes it. */
const char *harness_directory(void);
/* Kills all processes, removes the directory, and waits until that is done. */
void keeper_dismiss(void);

/* Appends arguments up to a NULL to argv, which has room for HARNESS_ARGUMENTS_MAX + 1. */
size_t arguments_add(const char **argv, size_t count, va_list more);

/* Waits for its end and hands its output out. */
struct result process_result(struct process *process);
struct result process_run(harness_prepare *prepare, const char *input, const char *const *argv);

/* Whether a server of the test listens on that port, at any address. */
bool servers_have_port(uint16_t port);

/* The logs of all servers of the test. */
const char *servers_logs(void);

#endif
