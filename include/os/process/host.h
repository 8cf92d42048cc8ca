#ifndef OS_PROCESS_HOST_H
#define OS_PROCESS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The host: its description, its memory, and the limit of open files. */

/* Writes "name, Linux 6.1.0 x86_64, 4 processors", truncated to capacity bytes. Returns text. */
const char *host_describe(char *text, size_t capacity);

/* Writes the name of the host, truncated to capacity bytes. Returns text. */
const char *host_name(char *text, size_t capacity);

/* Reads the random number of the current boot of the kernel (random(4)). Returns 0 or -errno. */
enum { HOST_BOOT_ID_BYTES = 16 };
int host_boot_id(uint8_t boot_id[HOST_BOOT_ID_BYTES]);

/* Returns the memory that this process may use: the lowest limit of its control groups, or the
 * memory of the host if that is less. *is_group is true if it is the limit of a group. */
uint64_t host_memory_bytes(bool *is_group);

/* Raises the limit of open files of this process to count, or as far as it is permitted. Returns
 * the limit. */
size_t host_raise_file_limit(size_t count);

#endif
