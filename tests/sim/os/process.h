#ifndef SIM_OS_PROCESS_H
#define SIM_OS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether a process has joined or kept this supplementary group. */
bool simulated_process_has_group(int process, gid_t gid);

/* Sets the wall clock on (or back) by that time. */
void simulated_wall_leap(int64_t ms);
/* What it is ahead of the wall clock of a run without leaps. */
int64_t simulated_wall_offset_ms(void);

/* The clock of the server (os/process/clock): the host has been up for that long. */
uint64_t simulated_clock_ms(void);

/* The host boots again: it has another boot id, and its clock begins anew. */
void simulated_host_reboot(uint64_t uptime_ms);
uint32_t simulated_host_boots(void);

/* Whether any of the last random bytes that the server got, such as a secret, is in a text. */
bool simulated_random_is_in(const void *text, size_t size);

/* A table of the simulated kernel that processes can map (os/process/memory): makes one, all zero,
 * which the kernel sees at *memory; ends that; and opens a descriptor of it for the current
 * process, or returns -errno. Where no other process maps anything in this run, there is no file
 * (-1). */
int simulated_memory_file(size_t bytes, void **memory);
void simulated_memory_file_close(int file, void *memory, size_t bytes);
int simulated_memory_descriptor(int file, size_t bytes);

/* A process has ended: what it had reserved is gone. */
void simulated_memory_forget(int process);

/* The bytes of memory that a process has reserved by os/process/memory, and in how many pieces. */
size_t simulated_memory_reserved(int process, size_t *count);

#endif
