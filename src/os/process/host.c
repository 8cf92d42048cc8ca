#include "os/process/host.h"

#include "os/file/file.h"
#include "os/process/cgroup_limits.h"
#include "os/process/processor_count.h"
#include "text/hex.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct utsname host_names(void)
{
    struct utsname names = {0};

    uname(&names);
    return names;
}

const char *host_describe(char *text, size_t capacity)
{
    struct utsname names = host_names();
    uint32_t processors = processor_count();

    snprintf(text, capacity, "%s, %s %s %s, %u processor%s", names.nodename, names.sysname,
             names.release, names.machine, processors, processors == 1 ? "" : "s");
    return text;
}

const char *host_name(char *text, size_t capacity)
{
    struct utsname names = host_names();

    snprintf(text, capacity, "%s", names.nodename);
    return text;
}

int host_boot_id(uint8_t boot_id[HOST_BOOT_ID_BYTES])
{
    enum { TEXT_BYTES_MAX = 64 };
    char *text, digits[2 * HOST_BOOT_ID_BYTES];
    size_t size, count = 0;
    int error = file_read("/proc/sys/kernel/random/boot_id", TEXT_BYTES_MAX, &text, &size);
    if (error != 0)
        return error;
    for (size_t i = 0; i < size && count < sizeof digits; i++)
        if (text[i] != '-')
            digits[count++] = text[i];
    free(text);
    return count == sizeof digits && hex_decode(boot_id, digits, count) ? 0 : -EINVAL;
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
