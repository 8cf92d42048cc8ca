/* Limits of control groups on processors and memory, read from the files of each group. */
#include "os/process/cgroup_limits.h"

#include "os/file/file.h"
#include "text/cgroup_parser.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_BYTES_MAX = 4 << 20, /* mountinfo of a host with some ten thousand mounts */
    NAME_BYTES_MAX = 64,      /* the longest name of a file is shorter */
};

/* Where the process is, as the kernel tells it; NULL where it doesn't. */
struct places {
    char *groups, *mounts;
};

/* What is there to read; NULL: nothing. To be freed. */
static char *read_text(const char *directory, const char *name)
{
    char path[PATH_MAX + NAME_BYTES_MAX], *text = NULL;
    size_t size;
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof path ||
        file_read(path, TEXT_BYTES_MAX, &text, &size) != 0)
        return NULL;
    return text;
}

static uint64_t read_number(const char *directory, const char *name)
{
    char *text = read_text(directory, name);
    uint64_t number = text != NULL ? cgroup_parse_limit(text) : CGROUP_NO_LIMIT;
    free(text);
    return number;
}

/* ---- the limits of one group ---- */

static uint64_t quota_of_1(const char *directory)
{
    return cgroup_quota_milli(read_number(directory, "cpu.cfs_quota_us"),
                              read_number(directory, "cpu.cfs_period_us"));
}

static uint64_t quota_of_2(const char *directory)
{
    char *text = read_text(directory, "cpu.max");
    uint64_t milli = text != NULL ? cgroup_parse_quota(text) : CGROUP_NO_LIMIT;
    free(text);
    return milli;
}

static uint64_t memory_of_1(const char *directory)
{
    return read_number(directory, "memory.limit_in_bytes");
}

static uint64_t memory_of_2(const char *directory)
{
    return read_number(directory, "memory.max");
}

/* ---- the lowest of them all ---- */

/* From the group of the process up to where its hierarchy is mounted. */
static uint64_t lowest(const struct places *places, const char *controller,
                       uint64_t (*limit)(const char *directory))
{
    char path[PATH_MAX], directory[PATH_MAX];
    uint64_t found = CGROUP_NO_LIMIT;
    size_t top_size;
    if (!cgroup_parse_path(places->groups, controller, path, sizeof path) ||
        !cgroup_parse_directory(places->mounts, controller, path, directory, sizeof directory,
                                &top_size))
        return CGROUP_NO_LIMIT;
    for (;;) {
        uint64_t here = limit(directory);
        found = here < found ? here : found;
        char *slash = strrchr(directory, '/');
        if (slash == NULL || (size_t)(slash - directory) < top_size)
            return found;
        *slash = '\0';
    }
}

/* A hierarchy of version 2 may stand beside those of version 1, and limit nothing. */
static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct cgroup_limits cgroup_limits_read(const char *proc)
{
    struct cgroup_limits limits = {CGROUP_NO_LIMIT, CGROUP_NO_LIMIT};
    struct places places = {read_text(proc, "cgroup"), read_text(proc, "mountinfo")};
    if (places.groups != NULL && places.mounts != NULL)
        limits = (struct cgroup_limits){
            .processors_milli = lower(lowest(&places, "cpu", quota_of_1),
                                      lowest(&places, CGROUP_UNIFIED, quota_of_2)),
            .memory_bytes = lower(lowest(&places, "memory", memory_of_1),
                                  lowest(&places, CGROUP_UNIFIED, memory_of_2)),
        };
    free(places.groups);
    free(places.mounts);
    return limits;
}
