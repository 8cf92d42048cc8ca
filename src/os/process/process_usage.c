#include "os/process/process_usage.h"

#include "os/file/file.h"
#include "os/process/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATM_BYTES_MAX = 256 };

static void read_memory(struct process_usage *usage)
{
    uint64_t all_pages, resident_pages;
    long page_bytes = sysconf(_SC_PAGESIZE);
    char *text;
    size_t size;
    if (page_bytes <= 0 || file_read("/proc/self/statm", STATM_BYTES_MAX, &text, &size) != 0)
        return;
    if (sscanf(text, "%" SCNu64 " %" SCNu64, &all_pages, &resident_pages) == 2) {
        usage->virtual_bytes = all_pages * (uint64_t)page_bytes;
        usage->resident_bytes = resident_pages * (uint64_t)page_bytes;
    }
    free(text);
}

/* The size of the directory is the number of its entries since Linux 6.2, and 0 before that. */
static uint64_t count_files(void)
{
    struct stat directory;
    char **paths;
    size_t count;
    if (stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0)
        return (uint64_t)directory.st_size;
    if (file_glob("/proc/self/fd/*", &paths, &count) != 0)
        return 0;
    file_glob_free(paths, count);
    /* One of them is that by which the directory was read. */
    return count > 0 ? count - 1 : 0;
}

void process_usage_read(struct process_usage *usage)
{
    struct rlimit limit;
    *usage = (struct process_usage){.cpu_ns = clock_process_cpu_ns()};
    read_memory(usage);
    usage->open_files = count_files();
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        usage->max_files = limit.rlim_cur;
}
