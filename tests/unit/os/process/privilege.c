/* Dropping privileges: finding users, changing identity, capabilities. */
#include "os/process/privilege.h"

#include "forbidden_call.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const gid_t stay_group = (gid_t)-1;
static const uid_t stay_user = (uid_t)-1;

/* ---- Finding ---- */

Test(privilege, without_a_user_nothing_changes)
{
    struct identity identity;
    cr_assert_eq(identity_find(&identity, NULL, NULL), 0);
    cr_assert_eq(identity.uid, stay_user);
    cr_assert_eq(identity.gid, stay_group);
    cr_assert_eq(privilege_drop(&identity), 0);
}

Test(privilege, user_has_its_primary_group)
{
    struct identity identity;
    cr_assert_eq(identity_find(&identity, "root", NULL), 0);
    cr_assert_eq(identity.uid, 0);
    cr_assert_eq(identity.gid, 0);
}

Test(privilege, group_may_be_another_than_the_users)
{
    struct identity identity;
    cr_assert_eq(identity_find(&identity, "root", "12345"), 0);
    cr_assert_eq(identity.gid, 12345);
    cr_assert_eq(identity_find(&identity, NULL, "root"), 0);
    cr_assert_eq(identity.uid, stay_user);
    cr_assert_eq(identity.gid, 0);
}

Test(privilege, number_is_a_user_or_a_group)
{
    struct identity identity;
    cr_assert_eq(identity_find(&identity, "0", NULL), 0);
    cr_assert_eq(identity.uid, 0);
    cr_assert_eq(identity.gid, 0);
    cr_assert_eq(identity_find(&identity, "54321", "54322"), 0);
    cr_assert_eq(identity.uid, 54321);
    cr_assert_eq(identity.gid, 54322);
}

Test(privilege, number_without_an_entry_does_not_keep_the_group_of_root)
{
    struct identity identity;
    cr_assert_eq(identity_find(&identity, "54321", NULL), -ENODATA);
}

Test(privilege, missing_users_and_groups_have_different_errors)
{
    struct identity identity;
    cr_assert_eq(identity_find(&identity, "no-such-user", NULL), -ENOENT);
    cr_assert_eq(identity_find(&identity, "root", "no-such-group"), -ESRCH);
    cr_assert_eq(identity_find(&identity, "4294967295", "0"), -ENOENT);
    cr_assert_eq(identity_find(&identity, "-1", "0"), -ENOENT);
    cr_assert_eq(identity_find(&identity, "", NULL), -ENOENT);
}

/* ---- Dropping ---- */

/* Returns the exit status of a child that runs the function. */
static int in_child(int (*run)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(run());
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const struct identity other = {54321, 54322};

/* Returns 0, or the number of the first check that fails. */
static int drop_and_try_to_return(void)
{
    uid_t uids[3];
    gid_t gids[3];
    if (setgroups(2, (gid_t[]){0, 4}) != 0)
        return 1;
    if (privilege_drop(&other) != 0)
        return 2;
    getresuid(&uids[0], &uids[1], &uids[2]);
    getresgid(&gids[0], &gids[1], &gids[2]);
    for (int i = 0; i < 3; i++)
        if (uids[i] != 54321 || gids[i] != 54322)
            return 3;
    if (getgroups(0, NULL) != 0)
        return 4;
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
        return 5;
    return privilege_drop(&other) == 0 ? 0 : 6;
}

Test(privilege, is_dropped_irrevocably)
{
    if (geteuid() != 0)
        cr_skip("only root can change to another user");
    cr_assert_eq(in_child(drop_and_try_to_return), 0);
}

static int drop_without_root(void)
{
    const struct identity third = {54399, 54399};
    if (geteuid() == 0 && privilege_drop(&other) != 0)
        return 1;
    return privilege_drop(&third) == -EPERM ? 0 : 2;
}

Test(privilege, cannot_be_dropped_to_another_user_without_root)
{
    cr_assert_eq(in_child(drop_without_root), 0);
}

static int drop_only_the_group(void)
{
    const struct identity identity = {(uid_t)-1, 54322};
    if (privilege_drop(&identity) != 0)
        return 1;
    return getuid() == 0 && getegid() == 54322 && getgroups(0, NULL) == 0 ? 0 : 2;
}

Test(privilege, only_the_group_may_be_dropped)
{
    if (geteuid() != 0)
        cr_skip("only root can change to another user");
    cr_assert_eq(in_child(drop_only_the_group), 0);
}

/* ---- Hardening ---- */

/* Whether /proc/self/status has that line. */
static int has_status(const char *wanted)
{
    char line[256];
    int found = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        found |= strcmp(line, wanted) == 0;
    if (status != NULL)
        fclose(status);
    return found;
}

static int harden(void)
{
    struct rlimit core;
    bool root = geteuid() == 0;
    if (privilege_clear_bounding_set() != 0 || privilege_harden() != 0)
        return 1;
    if (!has_status("CapInh:\t0000000000000000\n") || !has_status("CapPrm:\t0000000000000000\n") ||
        !has_status("CapEff:\t0000000000000000\n") || !has_status("CapAmb:\t0000000000000000\n"))
        return 2;
    if (root && !has_status("CapBnd:\t0000000000000000\n"))
        return 3;
    if (!has_status("NoNewPrivs:\t1\n") || prctl(PR_GET_DUMPABLE) != 0)
        return 4;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0)
        return 5;
    /* What root can't do without capabilities. */
    if (root && (setgroups(0, NULL) == 0 || setresuid(54321, 54321, 54321) == 0))
        return 6;
    return privilege_clear_bounding_set() == 0 && privilege_harden() == 0 ? 0 : 7;
}

Test(privilege, is_hardened_even_for_root)
{
    cr_assert_eq(in_child(harden), 0);
}

static int protect_memory(void)
{
    return prctl(PR_GET_DUMPABLE) == 1 && privilege_protect_memory() == 0 &&
                   prctl(PR_GET_DUMPABLE) == 0
               ? 0
               : 1;
}

Test(privilege, memory_is_protected_without_the_rest)
{
    cr_assert_eq(in_child(protect_memory), 0);
}

/* 77: this host has no seccomp. */
static int harden_without_capset(void)
{
    if (!forbid_call(SYS_capset))
        return 77;
    if (geteuid() == 0 && privilege_harden() != -EPERM)
        return 1;
    if (geteuid() == 0 && privilege_drop(&other) != 0)
        return 2;
    return privilege_harden() == 0 ? 0 : 3;
}

Test(privilege, needs_no_permission_to_set_capabilities_where_it_has_none)
{
    int status = in_child(harden_without_capset);
    if (status == 77)
        cr_skip("this host has no seccomp");
    cr_assert_eq(status, 0);
}

static int drop_keeping_groups(void)
{
    gid_t groups[3];
    if (setgroups(2, (gid_t[]){0, 4}) != 0 ||
        privilege_drop_keeping_groups(&other, (gid_t[]){54398, 54399}, 2) != 0)
        return 1;
    if (getgroups(3, groups) != 2 || groups[0] + groups[1] != 54398 + 54399)
        return 2;
    return setuid(0) == 0 || setgid(0) == 0 || setgid(54399) == 0 ? 3 : 0;
}

Test(privilege, is_dropped_except_for_the_groups_that_are_kept)
{
    if (geteuid() != 0)
        cr_skip("only root can change to another user");
    cr_assert_eq(in_child(drop_keeping_groups), 0);
}

static int join_a_group(void)
{
    gid_t groups[3];
    if (setgroups(1, (gid_t[]){4}) != 0 || privilege_join_group(54399) != 0 ||
        privilege_join_group(54399) != 0)
        return 1;
    if (getgroups(3, groups) != 2 || groups[0] + groups[1] != 4 + 54399)
        return 2;
    if (privilege_drop(&other) != 0)
        return 3;
    return privilege_join_group(54322) == 0 && privilege_join_group(54399) == -EPERM ? 0 : 4;
}

Test(privilege, only_root_joins_a_group)
{
    if (geteuid() != 0)
        cr_skip("only root can join a group");
    cr_assert_eq(in_child(join_a_group), 0);
}

Test(privilege, the_effective_identity_fills_what_does_not_change)
{
    struct identity none = {(uid_t)-1, (gid_t)-1}, both = {12345, 23456};
    struct identity effective = identity_effective(&none);
    cr_assert_eq(effective.uid, geteuid());
    cr_assert_eq(effective.gid, getegid());
    effective = identity_effective(&both);
    cr_assert_eq(effective.uid, 12345);
    cr_assert_eq(effective.gid, 23456);
}
