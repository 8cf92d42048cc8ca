#ifndef OS_PROCESS_PRIVILEGE_H
#define OS_PROCESS_PRIVILEGE_H

#include <stddef.h>
#include <sys/types.h>

/* Dropping privileges: change of user and group, capabilities, no_new_privs. */

/* The user and group to change to. It is looked up before any socket is bound, so that a missing
 * user is an error at once. */
struct identity {
    uid_t uid; /* (uid_t)-1: no change */
    gid_t gid; /* (gid_t)-1: no change */
};

/* Finds a user (name or number; NULL: no change) and a group (name or number; NULL: the user's
 * primary group). A number needs no entry in the user database, but a user without an entry needs a
 * group. Returns 0 or -errno (-ENOENT: no such user; -ESRCH: no such group; -ENODATA: a user
 * without an entry, and no group). */
int identity_find(struct identity *identity, const char *user, const char *group);

/* Returns 0 if this process may change to identity, since it has it already or is root, or -EPERM.
 */
int identity_allowed(const struct identity *identity);

/* Returns identity with the effective user and group of this process in place of what does not
 * change. */
struct identity identity_effective(const struct identity *identity);

/* Changes to identity irrevocably, and drops supplementary groups. A process that has that identity
 * already, and is not root, does not change. Call it before any thread is started. Returns 0 or
 * -errno (-EPERM: not permitted, or the process could change back); then the identity may be
 * changed in part, and the process should end. */
int privilege_drop(const struct identity *identity);

/* The same, but keeps or joins `count` supplementary groups, so that files can be given to them. */
int privilege_drop_keeping_groups(const struct identity *identity, const gid_t *kept, size_t count);

/* Adds a supplementary group to those of the process. Returns 0 or -errno (-EPERM: only root can).
 */
int privilege_join_group(gid_t gid);

/* Clears the bounding set of capabilities, so that no executed program can get one again. Call it
 * before privilege_drop, since it needs a capability; without that capability it does nothing.
 * Returns 0 or -errno. */
int privilege_clear_bounding_set(void);

/* Prevents access to the memory and the descriptors of this process by others of its user: no
 * ptrace, no /proc/PID/mem, no /proc/PID/fd, and no core dump; execve(2) ends it. Returns 0 or
 * -errno. */
int privilege_protect_memory(void);

/* Drops everything that the process has in addition to its user: all capabilities in all sets (the
 * bounding set by privilege_clear_bounding_set) and the possibility to gain some by executing a
 * program (no_new_privs). Also calls privilege_protect_memory, since the memory holds secret keys,
 * and forbids core dumps to it and to all programs that it executes. Root keeps its user,
 * without its capabilities. Call it after everything that needs a capability, and before threads
 * are started, since each thread has its own. Returns 0 or -errno. */
int privilege_harden(void);

#endif
