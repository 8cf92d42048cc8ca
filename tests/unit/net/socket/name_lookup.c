/* Name lookup: numeric addresses, localhost, duplicates, errors. */
#include "net/socket/name_lookup.h"

#include "addr_fixture.h"
#include "net/interface/interface.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

Test(name_lookup, numeric_host_gives_itself_once)
{
    struct addr addrs[4], expected = address("127.0.0.2:3000");
    cr_assert_eq(name_lookup("127.0.0.2", 3000, addrs, 4), 1);
    cr_assert(addr_equal(&addrs[0], &expected));
}

Test(name_lookup, zone_of_a_numeric_host_becomes_its_scope)
{
    struct addr addrs[4];
    cr_assert_eq(name_lookup("fe80::1%lo", 3000, addrs, 4), 1);
    cr_assert_eq(addrs[0].scope, interface_index("lo"));
    cr_assert_eq(name_lookup("fe80::1%7", 3000, addrs, 4), 1);
    cr_assert_eq(addrs[0].scope, 7);
}

Test(name_lookup, localhost_gives_loopback_addresses_each_once)
{
    struct addr addrs[8];
    int count = name_lookup("localhost", 3000, addrs, 8);
    cr_assert_gt(count, 0, "%s", name_lookup_error(count));
    for (int i = 0; i < count; i++) {
        cr_assert(addr_is_loopback(&addrs[i]));
        cr_assert_eq(addrs[i].port, 3000);
        for (int j = 0; j < i; j++)
            cr_assert_not(addr_equal(&addrs[i], &addrs[j]));
    }
    cr_assert_eq(name_lookup("localhost", 3000, addrs, 1), 1);
}

/* Replaces the hosts(5) file of the system, for this process only. */
static void replace_hosts(const char *text)
{
    char path[] = "/tmp/udpsrv-hosts-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int error = unshare(CLONE_NEWNS) != 0 ||
                mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
                mount(path, "/etc/hosts", "none", MS_BIND, NULL) != 0;
    unlink(path);
    if (error)
        cr_skip("this host gives no mount namespace: %s", strerror(errno));
}

Test(name_lookup, address_that_the_resolver_returns_twice_is_returned_once)
{
    struct addr addrs[4];
    replace_hosts("192.0.2.1 twice.test\n192.0.2.2 twice.test\n192.0.2.1 twice.test\n");
    int count = name_lookup("twice.test", 3000, addrs, 4);
    cr_assert_eq(count, 2, "%s", name_lookup_error(count));
    cr_assert_not(addr_equal(&addrs[0], &addrs[1]));
}

Test(name_lookup, unknown_host_is_an_error_with_a_text)
{
    struct addr addrs[1];
    int error = name_lookup("fe80::1%no-such-zone", 3000, addrs, 1);
    cr_assert_lt(error, 0);
    cr_assert_neq(name_lookup_error(error)[0], '\0');
}
