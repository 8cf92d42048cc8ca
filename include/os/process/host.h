#ifndef OS_PROCESS_HOST_H
#define OS_PROCESS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The host: description, processors, memory, and the limit of open files. */

/* Writes "name, Linux 6.1.0 x86_64, 4 processors", truncated to capacity bytes. Returns text. */
const char *host_describe(char *text, size_t capacity);

/* Returns how many processors the calling thread may use (sched_getaffinity(2)), at least 1. */
uint32_t host_processors(void);

/* The same, but not more than the CPU quota of its control groups in whole processors; at least 1.
 */
uint32_t host_processors_within_quota(void);

/* Returns the memory that this process may use: the lowest limit of its control groups, or the
 * memory of the host if that is less. *is_group tells which of the two it is. */
uint64_t host_memory_bytes(bool *is_group);

/* Returns the number of the nth processor that the calling thread may use, counted from 0; after
 * the last it starts again with the first. */
uint32_t host_processor_number(uint32_t nth);

/* Raises the limit of open files of this process to count, or as far as it is permitted. Returns
 * the limit. */
size_t host_raise_file_limit(size_t count);

#endif
