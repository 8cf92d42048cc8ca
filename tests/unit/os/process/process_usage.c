/* What a process uses. */
#include "os/process/process_usage.h"

#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

Test(process_usage, an_open_file_counts)
{
    struct process_usage before, after;
    process_usage_read(&before);
    int fd = open("/dev/null", O_RDONLY);
    process_usage_read(&after);
    close(fd);
    cr_assert_gt(before.open_files, 2);
    cr_assert_eq(after.open_files, before.open_files + 1);
}

Test(process_usage, memory_in_use_is_resident)
{
    enum { BYTES = 64 << 20 };
    struct process_usage before, after;
    process_usage_read(&before);
    char *volatile memory = malloc(BYTES); /* else the compiler leaves it out */
    memset(memory, 1, BYTES);
    process_usage_read(&after);
    cr_assert_geq(after.resident_bytes, before.resident_bytes + BYTES / 2);
    cr_assert_geq(after.virtual_bytes, after.resident_bytes);
    cr_assert_eq(memory[BYTES - 1], 1);
    free(memory);
}

Test(process_usage, processor_time_passes)
{
    struct process_usage before, after;
    process_usage_read(&before);
    do {
        process_usage_read(&after);
    } while (after.cpu_ns < before.cpu_ns + 1000000);
    cr_assert_geq(clock_process_cpu_ns(), after.cpu_ns);
}

Test(process_usage, the_limit_of_files_is_that_of_the_process)
{
    struct rlimit limit;
    struct process_usage usage;
    getrlimit(RLIMIT_NOFILE, &limit);
    process_usage_read(&usage);
    cr_assert_eq(usage.max_files, limit.rlim_cur);
}
