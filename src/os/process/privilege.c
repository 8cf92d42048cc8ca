#include "os/process/privilege.h"

#include "text/number_with_unit.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* getpwnam(3) returns one of these errors, or 0, if there is no such name. */
static bool means_missing(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

/* (uid_t)-1 means no user, so the largest id is one less. */
static bool is_number(const char *text, uint64_t *id)
{
    return number_parse(text, 0, UINT32_MAX - 1, id) == NULL;
}

static int find_user(struct identity *identity, const char *user)
{
    uint64_t uid;

    errno = 0;
    const struct passwd *found = getpwnam(user);
    if (found == NULL && !means_missing(errno))
        return -errno;
    if (found == NULL && is_number(user, &uid)) {
        identity->uid = (uid_t)uid;
        found = getpwuid((uid_t)uid);
    }
    if (found != NULL) {
        identity->uid = found->pw_uid;
        identity->gid = found->pw_gid;
    }
    return identity->uid != (uid_t)-1 ? 0 : -ENOENT;
}

static int find_group(struct identity *identity, const char *group)
{
    uint64_t gid;

    errno = 0;
    const struct group *found = getgrnam(group);
    if (found == NULL && !means_missing(errno))
        return -errno;
    if (found != NULL)
        identity->gid = found->gr_gid;
    else if (is_number(group, &gid))
        identity->gid = (gid_t)gid;
    else
        return -ESRCH;
    return 0;
}

int identity_find(struct identity *identity, const char *user, const char *group)
{
    int error = 0;

    *identity = (struct identity){(uid_t)-1, (gid_t)-1};
    if (user != NULL)
        error = find_user(identity, user);
    if (!error && group != NULL)
        error = find_group(identity, group);
    /* A user that is a number without an entry has no primary group: without `group` the process
     * would keep the group of root. */
    if (!error && user != NULL && identity->gid == (gid_t)-1)
        error = -ENODATA;
    return error;
}

static bool is_already(const struct identity *identity)
{
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;

    getresuid(&real, &effective, &saved);
    getresgid(&real_group, &effective_group, &saved_group);
    bool same_user =
        identity->uid == (uid_t)-1 || (real == identity->uid && effective == real && saved == real);
    bool same_group =
        identity->gid == (gid_t)-1 ||
        (real_group == identity->gid && effective_group == real_group && saved_group == real_group);
    return same_user && same_group;
}

/* Whether the process could change back to the former user or group. */
static bool can_return(uid_t uid, gid_t gid)
{
    bool user = uid != geteuid() && setresuid((uid_t)-1, uid, (uid_t)-1) == 0;
    bool group = gid != getegid() && setresgid((gid_t)-1, gid, (gid_t)-1) == 0;
    return user || group;
}

int privilege_drop(const struct identity *identity)
{
    return privilege_drop_keeping_groups(identity, NULL, 0);
}

int privilege_drop_keeping_groups(const struct identity *identity, const gid_t *kept, size_t count)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();

    /* Started as this user: there is nothing to drop, and setgroups would fail. */
    if (is_already(identity) && uid != 0)
        return 0;
    if (identity->uid == (uid_t)-1 && identity->gid == (gid_t)-1)
        return 0;
    /* The user is changed last: without root the groups could no longer be set. */
    if (setgroups(count, kept) != 0 ||
        setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) != 0)
        return -errno;
    if (!is_already(identity))
        return -EPERM;
    /* Root can always change back. */
    if (geteuid() != 0 && can_return(uid, gid))
        return -EPERM;
    return 0;
}

int privilege_join_group(gid_t gid)
{
    gid_t groups[NGROUPS_MAX];
    int count = getgroups(NGROUPS_MAX - 1, groups);

    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++)
        if (groups[i] == gid)
            return 0;
    if (getegid() == gid)
        return 0;
    groups[count] = gid;
    return setgroups((size_t)count + 1, groups) == 0 ? 0 : -errno;
}

int identity_allowed(const struct identity *identity)
{
    bool same = (identity->uid == (uid_t)-1 || identity->uid == geteuid()) &&
                (identity->gid == (gid_t)-1 || identity->gid == getegid());

    return same || geteuid() == 0 ? 0 : -EPERM;
}

struct identity identity_effective(const struct identity *identity)
{
    return (struct identity){identity->uid != (uid_t)-1 ? identity->uid : geteuid(),
                             identity->gid != (gid_t)-1 ? identity->gid : getegid()};
}

int privilege_clear_bounding_set(void)
{
    /* Ends at the first number that the kernel does not know (EINVAL). */
    for (unsigned long capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
            continue;
        if (errno == EINVAL || errno == EPERM)
            break;
        return -errno;
    }
    return 0;
}

/* libc has no wrapper for capget and capset; libcap has them, but is not linked. */
static bool has_capabilities(struct __user_cap_header_struct *header)
{
    struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {{.effective = 0}};

    if (syscall(SYS_capget, header, held) != 0)
        return true;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (held[i].effective != 0 || held[i].permitted != 0 || held[i].inheritable != 0)
            return true;
    return false;
}

int privilege_protect_memory(void)
{
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -errno;
}

int privilege_harden(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{.effective = 0}};
    const struct rlimit no_core = {0, 0};

    if (setrlimit(RLIMIT_CORE, &no_core) != 0 || privilege_protect_memory() != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -errno;
    /* Kernels before 4.3 have no ambient set. */
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return -errno;
    /* A service manager may forbid capset (SystemCallFilter=~@privileged) where there is nothing
     * to give up. */
    if (!has_capabilities(&header))
        return 0;
    return syscall(SYS_capset, &header, none) == 0 ? 0 : -errno;
}
