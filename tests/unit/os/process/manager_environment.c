/* The environment variables of a service manager. */
#include "os/process/manager_environment.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct manager_environment taken;

/* Sets the variables, with the number of this process or of another one. */
static void set(const char *name, const char *value)
{
    cr_assert_eq(setenv(name, value, 1), 0);
}

static void set_pid(const char *name, int other)
{
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid() + other);
    set(name, pid);
}

static void free_taken(void)
{
    manager_environment_free(&taken);
}

TestSuite(manager_environment, .fini = free_taken);

Test(manager_environment, without_variables_there_is_no_manager)
{
    manager_environment_take(&taken);
    cr_expect_str_eq(taken.notify_socket, "");
    cr_expect_eq(taken.watchdog_us, 0);
    cr_expect_eq(taken.descriptor_count, 0);
    cr_expect_not(taken.bad_notify_socket || taken.bad_watchdog || taken.bad_descriptors);
}

Test(manager_environment, everything_is_read_and_removed_from_the_environment)
{
    static const char *const variables[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                            "LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES"};
    set("NOTIFY_SOCKET", "@manager");
    set("WATCHDOG_USEC", "20000000");
    set_pid("WATCHDOG_PID", 0);
    set("LISTEN_FDS", "3");
    set_pid("LISTEN_PID", 0);
    set("LISTEN_FDNAMES", "a:b");
    manager_environment_take(&taken);
    cr_expect_str_eq(taken.notify_socket, "@manager");
    cr_expect_eq(taken.watchdog_us, 20000000);
    cr_expect_eq(taken.descriptor_count, 3);
    cr_expect_eq(taken.first_descriptor, 3);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        cr_expect_null(getenv(variables[i]), "%s", variables[i]);
}

Test(manager_environment, what_is_for_another_process_is_ignored_and_removed)
{
    set("WATCHDOG_USEC", "20000000");
    set_pid("WATCHDOG_PID", 1);
    set("LISTEN_FDS", "3");
    set_pid("LISTEN_PID", 1);
    manager_environment_take(&taken);
    cr_expect_eq(taken.watchdog_us, 0);
    cr_expect_eq(taken.descriptor_count, 0);
    cr_expect_not(taken.bad_watchdog || taken.bad_descriptors);
    cr_expect_null(getenv("LISTEN_FDS"));
}

Test(manager_environment, a_watchdog_is_for_each_process_and_descriptors_for_the_stated_one)
{
    set("WATCHDOG_USEC", "5");
    set("LISTEN_FDS", "3");
    manager_environment_take(&taken);
    cr_expect_eq(taken.watchdog_us, 5);
    cr_expect_eq(taken.descriptor_count, 0);
}

Test(manager_environment, addresses_that_are_no_unix_sockets_are_bad)
{
    char longest[MANAGER_SOCKET_BYTES + 1];
    const char *const bad[] = {"", "@", "/", "run/notify", "vsock:2:1234", longest};
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        set("NOTIFY_SOCKET", bad[i]);
        manager_environment_take(&taken);
        cr_expect(taken.bad_notify_socket, "%s", bad[i]);
        cr_expect_str_eq(taken.notify_socket, "");
    }
    longest[sizeof longest - 2] = '\0';
    set("NOTIFY_SOCKET", longest);
    manager_environment_take(&taken);
    cr_expect_str_eq(taken.notify_socket, longest);
}

Test(manager_environment, numbers_that_are_none_are_bad)
{
    static const char *const bad[] = {"", "x", "-1", "1x", " 1", "+1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        set("WATCHDOG_USEC", bad[i]);
        set("LISTEN_FDS", bad[i]);
        set_pid("LISTEN_PID", 0);
        manager_environment_take(&taken);
        cr_expect(taken.bad_watchdog, "%s", bad[i]);
        cr_expect(taken.bad_descriptors, "%s", bad[i]);
        cr_expect_eq(taken.watchdog_us, 0);
        cr_expect_eq(taken.descriptor_count, 0);
    }
}

Test(manager_environment, the_number_of_descriptors_is_limited)
{
    char count[16];
    for (int more = 0; more <= 1; more++) {
        snprintf(count, sizeof count, "%d", MANAGER_DESCRIPTORS_MAX + more);
        set("LISTEN_FDS", count);
        set_pid("LISTEN_PID", 0);
        manager_environment_take(&taken);
        cr_expect_eq(taken.bad_descriptors, more == 1);
        cr_expect_eq(taken.descriptor_count, more == 1 ? 0 : MANAGER_DESCRIPTORS_MAX);
    }
}

Test(manager_environment, a_process_number_that_is_none_is_bad)
{
    set("WATCHDOG_USEC", "5");
    set("WATCHDOG_PID", "x");
    set("LISTEN_FDS", "1");
    set("LISTEN_PID", "x");
    manager_environment_take(&taken);
    cr_expect(taken.bad_watchdog);
    cr_expect(taken.bad_descriptors);
}

Test(manager_environment, each_descriptor_has_the_name_at_its_place)
{
    char name[MANAGER_NAME_BYTES];
    set("LISTEN_FDS", "4");
    set_pid("LISTEN_PID", 0);
    set("LISTEN_FDNAMES", "udp::control");
    manager_environment_take(&taken);
    cr_expect_str_eq(manager_environment_name(&taken, 0, name), "udp");
    cr_expect_str_eq(manager_environment_name(&taken, 1, name), "");
    cr_expect_str_eq(manager_environment_name(&taken, 2, name), "control");
    cr_expect_str_eq(manager_environment_name(&taken, 3, name), "");
}

Test(manager_environment, a_name_that_is_too_long_is_truncated)
{
    char name[MANAGER_NAME_BYTES], text[2 * MANAGER_NAME_BYTES];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    set("LISTEN_FDS", "1");
    set_pid("LISTEN_PID", 0);
    set("LISTEN_FDNAMES", text);
    manager_environment_take(&taken);
    cr_expect_eq(strlen(manager_environment_name(&taken, 0, name)), MANAGER_NAME_BYTES - 1);
}
