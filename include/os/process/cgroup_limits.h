#ifndef OS_PROCESS_CGROUP_LIMITS_H
#define OS_PROCESS_CGROUP_LIMITS_H

#include <stdint.h>

/* The limits of control groups (cgroups, versions 1 and 2) on processors and memory: the lowest
 * limit of the group of this process and of all its visible ancestors. UINT64_MAX: there is no
 * limit, or it can't be read. */
struct cgroup_limits {
    uint64_t processors_milli; /* thousandths of a processor: 1500 is one and a half */
    uint64_t memory_bytes;
};

/* Reads the limits; proc is "/proc/self". */
struct cgroup_limits cgroup_limits_read(const char *proc);

#endif
