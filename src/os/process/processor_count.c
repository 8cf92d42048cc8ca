#include "os/process/processor_count.h"

#include "os/process/cgroup_limits.h"

#include <sched.h>

/* Large enough for the processors of every machine (CONFIG_NR_CPUS of x86 is at most 8192); the
 * kernel refuses a mask that is smaller than its own. */
enum { SETS = 8192 / CPU_SETSIZE };

/* Fills in the mask; returns how many processors are in it, 0 on an error. */
static uint32_t read_mask(cpu_set_t mask[SETS])
{
    size_t bytes = SETS * sizeof mask[0];
    CPU_ZERO_S(bytes, mask);
    return sched_getaffinity(0, bytes, mask) == 0 ? (uint32_t)CPU_COUNT_S(bytes, mask) : 0;
}

uint32_t processor_count(void)
{
    cpu_set_t mask[SETS];
    uint32_t count = read_mask(mask);
    return count > 0 ? count : 1;
}

uint32_t processor_count_within_quota(void)
{
    uint32_t processors = processor_count();
    uint64_t whole = cgroup_limits_read("/proc/self").processors_milli / 1000;
    if (whole == 0)
        return 1;
    return whole < processors ? (uint32_t)whole : processors;
}

uint32_t processor_count_nth(uint32_t nth)
{
    cpu_set_t mask[SETS];
    uint32_t count = read_mask(mask), number = 0;
    if (count == 0)
        return 0;
    for (nth %= count; nth > 0 || !CPU_ISSET_S(number, sizeof mask, mask); number++)
        nth -= CPU_ISSET_S(number, sizeof mask, mask) ? 1 : 0;
    return number;
}
