/* The machine, as far as a measurement depends on it. */
#include "net/host.h"

#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>

const char *host_describe(char *text, size_t room)
{
    struct utsname names = {0};
    uint32_t processors = host_processors();

    uname(&names);
    snprintf(text, room, "%s, %s %s %s, %u processor%s", names.nodename, names.sysname,
             names.release, names.machine, processors, processors == 1 ? "" : "s");
    return text;
}

uint32_t host_processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 1)
        return 1;
    return (uint32_t)CPU_COUNT(&set);
}

size_t host_allow_files(size_t count)
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
