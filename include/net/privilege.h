#ifndef NET_PRIVILEGE_H
#define NET_PRIVILEGE_H

#include <sys/types.h>

/* Who to become: looked up before anything is bound, so that a missing user is known at once. */
struct identity {
    uid_t uid; /* (uid_t)-1: stay */
    gid_t gid; /* (gid_t)-1: stay */
};

/* Finds a user (name or number; NULL: stay) and a group (name or number; NULL: the user's own). A
 * number needs no entry in the user database, but a user without one needs a group. 0 or -errno
 * (-ENOENT: no such user; -ESRCH: no such group). */
int identity_find(struct identity *identity, const char *user, const char *group);

/* Whether this process may become identity: it is that already, or root. 0 or -EPERM. */
int identity_allowed(const struct identity *identity);

/* Becomes identity for good, supplementary groups dropped. One who is that identity already, and
 * not root, stays as it is. Before any thread is started. 0 or -errno (-EPERM: not allowed, or the
 * way back is still open); then the process may be anything between, and should end. */
int privilege_drop(const struct identity *identity);

#endif
