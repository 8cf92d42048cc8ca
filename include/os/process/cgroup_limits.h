#ifndef OS_PROCESS_CGROUP_LIMITS_H
#define OS_PROCESS_CGROUP_LIMITS_H

#include <stdint.h>

/* What the control groups of this process limit, versions 1 and 2: the lowest limit of its group
 * and of all that are above it, as far as they can be seen. UINT64_MAX: there is none, or nobody
 * says. */
struct cgroup_limits {
    uint64_t processors_milli; /* thousandths of a processor: 1500 is one and a half */
    uint64_t memory_bytes;
};

/* Reads them; proc is "/proc/self". */
struct cgroup_limits cgroup_limits_read(const char *proc);

#endif
