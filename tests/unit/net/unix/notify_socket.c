/* The socket to a service manager: both kinds of addresses, and a manager that is full or gone. */
#include "net/unix/notify_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char path[64];

static void name_path(void)
{
    snprintf(path, sizeof path, "/tmp/udpsrv-notify-%d", (int)getpid());
}

static void remove_path(void)
{
    unlink(path);
}

TestSuite(notify_socket, .init = name_path, .fini = remove_path);

/* Opens the socket of a manager, at an address in the form of NOTIFY_SOCKET. */
static int open_manager(const char *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    size_t size = offsetof(struct sockaddr_un, sun_path) + strlen(address);
    strcpy(name.sun_path, address);
    if (address[0] == '@')
        name.sun_path[0] = '\0';
    cr_assert_eq(bind(manager, (struct sockaddr *)&name, (socklen_t)size), 0, "%s",
                 strerror(errno));
    return manager;
}

static void expect(int manager, const char *text)
{
    char bytes[64];
    ssize_t size = recv(manager, bytes, sizeof bytes - 1, 0);
    cr_assert_geq(size, 0, "%s", strerror(errno));
    bytes[size] = '\0';
    cr_expect_str_eq(bytes, text);
}

static void expect_service_at(const char *address)
{
    int manager = open_manager(address), fd = notify_socket_open(address);
    cr_assert_geq(fd, 0, "%s", strerror(-fd));
    cr_expect_eq(notify_socket_send(fd, "READY=1"), 0);
    cr_expect_eq(notify_socket_send(fd, "STATUS=x"), 0);
    expect(manager, "READY=1");
    expect(manager, "STATUS=x");
    cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    notify_socket_close(fd);
    close(manager);
}

Test(notify_socket, sends_to_a_path)
{
    expect_service_at(path);
}

Test(notify_socket, sends_to_an_abstract_name)
{
    char name[80];
    snprintf(name, sizeof name, "@udpsrv-notify-%d", (int)getpid());
    expect_service_at(name);
}

Test(notify_socket, a_manager_that_does_not_exist_is_an_error)
{
    cr_expect_eq(notify_socket_open("/nowhere/notify"), -ENOENT);
    cr_expect_eq(notify_socket_open("@udpsrv-no-such-name"), -ECONNREFUSED);
}

Test(notify_socket, an_address_that_is_too_long_is_an_error)
{
    char address[120];
    memset(address, 'x', sizeof address);
    address[0] = '/';
    address[sizeof address - 1] = '\0';
    cr_expect_eq(notify_socket_open(address), -ENAMETOOLONG);
    address[107] = '\0'; /* the longest: there is only no such file */
    cr_expect_eq(notify_socket_open(address), -ENOENT);
}

Test(notify_socket, a_manager_that_does_not_read_is_full_and_delays_nothing)
{
    int manager = open_manager(path), fd = notify_socket_open(path), error = 0;
    for (int i = 0; i < 100000 && error == 0; i++)
        error = notify_socket_send(fd, "WATCHDOG=1");
    cr_expect(notify_socket_is_full(error), "%s", strerror(-error));
    expect(manager, "WATCHDOG=1");
    cr_expect_eq(notify_socket_send(fd, "WATCHDOG=1"), 0);
    notify_socket_close(fd);
    close(manager);
}

Test(notify_socket, a_manager_that_has_ended_is_an_error)
{
    int manager = open_manager(path), fd = notify_socket_open(path);
    close(manager);
    cr_expect_eq(notify_socket_send(fd, "READY=1"), -ECONNREFUSED);
    cr_expect_not(notify_socket_is_full(-ECONNREFUSED));
    notify_socket_close(fd);
}
