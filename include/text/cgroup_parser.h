#ifndef TEXT_CGROUP_PARSER_H
#define TEXT_CGROUP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parsers of the kernel's text files about control groups (cgroups(7), proc_pid_mountinfo(5)): the
 * groups of a process, the directories of their files, their limits. A hierarchy is named by one of
 * its controllers ("cpu", "memory"); CGROUP_UNIFIED is the one of version 2, which has them all.
 * Texts are NUL-terminated. os/process/cgroup_limits reads the files. */

#define CGROUP_UNIFIED ((const char *)NULL)

/* The value of a limit that is not set. */
#define CGROUP_NO_LIMIT UINT64_MAX

/* Finds the path of the process's group in a hierarchy; text is /proc/PID/cgroup. Returns false if
 * the process has no group there, or if the path does not fit into room bytes, NUL included. */
bool cgroup_parse_path(const char *text, const char *controller, char *path, size_t room);

/* Finds the directory of a group's files; text is /proc/PID/mountinfo, path is the result of
 * cgroup_parse_path. *top_size is the length of the part that is the hierarchy's mount point, the
 * highest group that is visible. Returns false if there is no such mount, or no room. */
bool cgroup_parse_directory(const char *text, const char *controller, const char *path,
                            char *directory, size_t room, size_t *top_size);

/* Reads a file with one number. "max", "-1" and texts that are not a number are CGROUP_NO_LIMIT. */
uint64_t cgroup_parse_limit(const char *text);

/* The processor limit in thousandths of a processor, at least 1: of the text of cpu.max ("max
 * 100000", "150000 100000"), or of a quota and a period in the same unit of time. */
uint64_t cgroup_parse_quota(const char *text);
uint64_t cgroup_quota_milli(uint64_t quota, uint64_t period);

#endif
