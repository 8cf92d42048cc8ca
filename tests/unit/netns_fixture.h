#ifndef UNIT_NETNS_FIXTURE_H
#define UNIT_NETNS_FIXTURE_H

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Enters a network namespace of the test's own with lo up, or skips the test. */
static inline void enter_netns(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        cr_skip("this host gives no network namespace: %s", strerror(errno));
    if (system("ip link set lo up 2>/dev/null") != 0)
        cr_skip("this host has no ip(8)");
}

/* Runs a command of ip(8) that must work. */
static inline void ip(const char *command)
{
    cr_assert_eq(system(command), 0, "%s", command);
}

#endif
