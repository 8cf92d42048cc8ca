#ifndef SIM_OS_PROCESS_H
#define SIM_OS_PROCESS_H

#include <stddef.h>

/* The bytes of memory that are reserved by os/process/memory, and in how many pieces. */
size_t simulated_memory_reserved(size_t *count);

#endif
