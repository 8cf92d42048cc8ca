#ifndef TEXT_CGROUP_TEXT_H
#define TEXT_CGROUP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The texts by which the kernel tells a process in which control groups it is, where their files
 * are and what they limit: cgroups(7), proc_pid_mountinfo(5). A hierarchy is named by one of its
 * controllers ("cpu", "memory"); CGROUP_UNIFIED is that of version 2, which has them all. */

#define CGROUP_UNIFIED ((const char *)NULL)

/* A limit that isn't there. */
#define CGROUP_NO_LIMIT UINT64_MAX

/* The path of the process's group in a hierarchy, out of /proc/PID/cgroup. False if there is none,
 * or it is longer than room. */
bool cgroup_path(const char *text, const char *controller, char *path, size_t room);

/* The directory of a group's files, and how much of it is the place where the hierarchy is mounted,
 * which is the highest group that can be seen, out of /proc/PID/mountinfo. False as above. */
bool cgroup_directory(const char *text, const char *controller, const char *path, char *directory,
                      size_t room, size_t *top_size);

/* A number of a group's file: "max" and "-1" are CGROUP_NO_LIMIT, and so is what is none. */
uint64_t cgroup_number(const char *text);

/* The processors, in thousandths, of cpu.max ("max 100000", "150000 100000"), or of the two numbers
 * that it is made of. At least 1. */
uint64_t cgroup_quota(const char *text);
uint64_t cgroup_quota_of(uint64_t quota, uint64_t period);

#endif
