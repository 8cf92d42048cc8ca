#include "os/process/host.h"

#include "os/process/cgroup_limits.h"

#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

const char *host_describe(char *text, size_t capacity)
{
    struct utsname names = {0};
    uint32_t processors = host_processors();

    uname(&names);
    snprintf(text, capacity, "%s, %s %s %s, %u processor%s", names.nodename, names.sysname,
             names.release, names.machine, processors, processors == 1 ? "" : "s");
    return text;
}

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

uint32_t host_processors(void)
{
    cpu_set_t mask[SETS];
    uint32_t count = read_mask(mask);
    return count > 0 ? count : 1;
}

uint32_t host_processors_within_quota(void)
{
    uint32_t processors = host_processors();
    uint64_t whole = cgroup_limits_read("/proc/self").processors_milli / 1000;
    if (whole == 0)
        return 1;
    return whole < processors ? (uint32_t)whole : processors;
}

uint64_t host_memory_bytes(bool *is_group)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    uint64_t host =
        pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : UINT64_MAX;
    uint64_t limit = cgroup_limits_read("/proc/self").memory_bytes;
    *is_group = limit < host;
    return *is_group ? limit : host;
}

uint32_t host_processor_number(uint32_t nth)
{
    cpu_set_t mask[SETS];
    uint32_t count = read_mask(mask), number = 0;
    if (count == 0)
        return 0;
    for (nth %= count; nth > 0 || !CPU_ISSET_S(number, sizeof mask, mask); number++)
        nth -= CPU_ISSET_S(number, sizeof mask, mask) ? 1 : 0;
    return number;
}

size_t host_raise_file_limit(size_t count)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur >= count)
        return limit.rlim_cur;
    struct rlimit wanted = {.rlim_cur = count, .rlim_max = limit.rlim_max};
    if (wanted.rlim_max < count)
        wanted.rlim_max = count;
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
        return count;
    wanted = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    return setrlimit(RLIMIT_NOFILE, &wanted) == 0 ? limit.rlim_max : limit.rlim_cur;
}
