#ifndef SIM_OS_PROCESS_H
#define SIM_OS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether the server has joined or kept this supplementary group. */
bool simulated_process_has_group(gid_t gid);

/* The bytes of memory that are reserved by os/process/memory, and in how many pieces. */
size_t simulated_memory_reserved(size_t *count);

#endif
