/* Network namespaces of the test. */

#define HARNESS_INTERNAL
#include "harness.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum {
    TENTATIVE = 0x40, /* IFA_F_TENTATIVE, of an address */
    HEX_DIGITS = 33,  /* of an address, and the end of the string */
    NAME_BYTES = 16,  /* of an interface, and the end of the string */
};
static const uint32_t LOCAL = 0x80000000; /* RTF_LOCAL, of a route */
static const char MULTICAST[] = "ff000000000000000000000000000000";

void netns_enter(void)
{
    harness_directory(); /* starts the cleanup process, which stays outside */
    if (unshare(CLONE_NEWNET) < 0)
        cr_skip_test("a network namespace cannot be made here: %s", strerror(errno));
    netns_shell("ip link set lo up");
}

void netns_shell(const char *command)
{
    const char *argv[] = {"sh", "-ec", command, NULL};
    struct result result = process_run(NULL, NULL, argv);

    if (result.status != 0)
        cr_skip_test("'%s' is not possible here: %s", command, result.err);
}

int netns_here(void)
{
    int netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

    if (netns < 0)
        harness_fail("expected to open the namespace in /proc: %s", strerror(errno));
    return netns;
}

void netns_switch(int netns)
{
    if (setns(netns, CLONE_NEWNET) < 0)
        harness_fail("expected to enter the namespace: %s", strerror(errno));
}

/* Returns whether the namespace has a route to the destination by the interface, local or not. */
static bool has_ipv6_route(const char *wanted, unsigned wanted_bits, bool local, const char *name)
{
    FILE *routes = fopen("/proc/thread-self/net/ipv6_route", "re");
    char to[HEX_DIGITS], link[NAME_BYTES];
    unsigned bits;
    uint32_t flags;
    bool found = false;

    if (routes == NULL)
        harness_fail("expected to read the routes in /proc: %s", strerror(errno));
    while (!found && fscanf(routes, "%32s %x %*s %*s %*s %*s %*s %*s %" SCNx32 " %15s", to, &bits,
                            &flags, link) == 4)
        found = strcmp(to, wanted) == 0 && bits == wanted_bits && strcmp(link, name) == 0 &&
                ((flags & LOCAL) != 0) == local;
    fclose(routes);
    return found;
}

static bool has_ipv6_routes(void)
{
    FILE *addresses = fopen("/proc/thread-self/net/if_inet6", "re");
    char address[HEX_DIGITS], name[NAME_BYTES];
    unsigned flags;
    bool all = true;

    if (addresses == NULL)
        harness_fail("expected to read the addresses in /proc: %s", strerror(errno));
    while (all && fscanf(addresses, "%32s %*s %*s %*s %x %15s", address, &flags, name) == 3)
        all = (flags & TENTATIVE) != 0 ||
              (has_ipv6_route(address, 128, true, name) &&
               (strcmp(name, "lo") == 0 || has_ipv6_route(MULTICAST, 8, false, name)));
    fclose(addresses);
    return all;
}

void netns_await_ipv6(void)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;

    while (!has_ipv6_routes()) {
        expect(harness_now_ms() < deadline, "expected the routes of the IPv6 addresses");
        harness_wait_ms(1);
    }
}
