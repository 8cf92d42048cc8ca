#ifndef OS_PROCESS_HOST_H
#define OS_PROCESS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The machine that we run on, and what it lets us do. */

/* "name, Linux 6.1.0 x86_64, 4 processors", cut where room ends. Returns text. */
const char *host_describe(char *text, size_t room);

/* Processors that the calling thread may use (sched_getaffinity(2)), at least 1. */
uint32_t host_processors(void);

/* How many processors' time it may take at once: those, or fewer where its control groups give it a
 * quota, of which whole processors count; at least 1. */
uint32_t host_processors_within_quota(void);

/* The memory that this process may take: the lowest limit of its control groups, or what the host
 * has. *is_group tells which. */
uint64_t host_memory_bytes(bool *is_group);

/* The number of the nth of those, counted from 0, round and round. */
uint32_t host_processor(uint32_t nth);

/* Lets this process have so many descriptors open, if it may. Returns how many it may. */
size_t host_allow_files(size_t count);

#endif
