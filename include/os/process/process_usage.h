#ifndef OS_PROCESS_PROCESS_USAGE_H
#define OS_PROCESS_PROCESS_USAGE_H

#include <stdint.h>

/* What this process uses: processor time, memory and descriptors. */
struct process_usage {
    uint64_t cpu_ns; /* processor time of all threads, user and system */
    /* Of proc(5); 0 if it cannot be read. */
    uint64_t virtual_bytes, resident_bytes;
    uint64_t open_files; /* 0 if it cannot be counted */
    uint64_t max_files;  /* the limit of open files (RLIMIT_NOFILE); 0 if it is not known */
};

/* Reads it: a few system calls, of which none waits. Since Linux 6.2 the number of open files is
 * one of them; before that, the directory of descriptors is listed, which takes about 1 us for
 * each. */
void process_usage_read(struct process_usage *usage);

#endif
