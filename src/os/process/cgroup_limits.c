#include "os/process/cgroup_limits.h"

#include "os/file/file.h"
#include "text/cgroup_parser.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_BYTES_MAX = 4 << 20, /* enough for the mountinfo of a host with ten thousand mounts */
    NAME_BYTES_MAX = 64,      /* longer than every file name that is read */
};

/* The texts of /proc/self/cgroup and mountinfo; NULL if they can't be read. */
struct proc_texts {
    char *groups, *mounts;
};

/* Reads a file; returns NULL if it can't be read. The caller frees the text. */
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

/* ---- The limits of one group ---- */

static uint64_t quota_v1(const char *directory)
{
    return cgroup_quota_milli(read_number(directory, "cpu.cfs_quota_us"),
                              read_number(directory, "cpu.cfs_period_us"));
}

static uint64_t quota_v2(const char *directory)
{
    char *text = read_text(directory, "cpu.max");
    uint64_t milli = text != NULL ? cgroup_parse_quota(text) : CGROUP_NO_LIMIT;
    free(text);
    return milli;
}

static uint64_t memory_v1(const char *directory)
{
    return read_number(directory, "memory.limit_in_bytes");
}

static uint64_t memory_v2(const char *directory)
{
    return read_number(directory, "memory.max");
}

/* ---- The lowest limit of a group and its ancestors ---- */

/* Reads the limit of the group of the process and of each ancestor up to the mount point. */
static uint64_t lowest_limit(const struct proc_texts *texts, const char *controller,
                             uint64_t (*limit)(const char *directory))
{
    char path[PATH_MAX], directory[PATH_MAX];
    uint64_t found = CGROUP_NO_LIMIT;
    size_t top_size;
    if (!cgroup_parse_path(texts->groups, controller, path, sizeof path) ||
        !cgroup_parse_directory(texts->mounts, controller, path, directory, sizeof directory,
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

/* A hierarchy of version 2 may exist together with those of version 1, and have no limits. */
static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct cgroup_limits cgroup_limits_read(const char *proc)
{
    struct cgroup_limits limits = {CGROUP_NO_LIMIT, CGROUP_NO_LIMIT};
    struct proc_texts texts = {read_text(proc, "cgroup"), read_text(proc, "mountinfo")};
    if (texts.groups != NULL && texts.mounts != NULL)
        limits = (struct cgroup_limits){
            .processors_milli = lower(lowest_limit(&texts, "cpu", quota_v1),
                                      lowest_limit(&texts, CGROUP_UNIFIED, quota_v2)),
            .memory_bytes = lower(lowest_limit(&texts, "memory", memory_v1),
                                  lowest_limit(&texts, CGROUP_UNIFIED, memory_v2)),
        };
    free(texts.groups);
    free(texts.mounts);
    return limits;
}
