#ifndef OS_PROCESS_PRIVILEGE_H
#define OS_PROCESS_PRIVILEGE_H

#include <sys/types.h>

/* Who to become: looked up before anything is bound, so that a missing user is known at once. */
struct identity {
    uid_t uid; /* (uid_t)-1: stay */
    gid_t gid; /* (gid_t)-1: stay */
};

/* Finds a user (name or number; NULL: stay) and a group (name or number; NULL: the user's own). A
 * number needs no entry in the user database, but a user without one needs a group. 0 or -errno
 * (-ENOENT: no such user; -ESRCH: no such group; -ENODATA: a user without an entry, and no group).
 */
int identity_find(struct identity *identity, const char *user, const char *group);

/* Whether this process may become identity: it is that already, or root. 0 or -EPERM. */
int identity_allowed(const struct identity *identity);

/* Becomes identity for good, supplementary groups dropped. One who is that identity already, and
 * not root, stays as it is. Before any thread is started. 0 or -errno (-EPERM: not allowed, or the
 * way back is still open); then the process may be anything between, and should end. */
int privilege_drop(const struct identity *identity);

/* The same, but one supplementary group is kept, or joined, so that files can be given to it. */
int privilege_drop_beside(const struct identity *identity, gid_t beside);

/* Joins a supplementary group beside those that the process has, which nothing happens to. 0 or
 * -errno (-EPERM: only root can). */
int privilege_join(gid_t gid);

/* Empties the bounding set of capabilities, so that no program that is run could bring one back.
 * Before privilege_drop, since that takes a capability; who has none of them does nothing. 0 or
 * -errno. */
int privilege_bound(void);

/* Gives up all that a process keeps beside its user: every capability, in every set that there is
 * (the bounding one by privilege_bound), any way to gain some by running a program
 * (no_new_privs), and being looked into: no core dumps, and neither ptrace nor /proc/PID/mem for
 * others of its user, since its memory holds secrets. Who is root stays so by name, and owns no
 * more than root's files. What needs a capability comes before, and threads come behind, for each
 * has its own. 0 or -errno. */
int privilege_seal(void);

#endif
