/* The client's end of a Unix socket: errors and time limits. */
#include "net/unix/unix_client.h"

#include "net/unix/unix_listener.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct identity stay = {(uid_t)-1, (gid_t)-1};

/* A directory of the test, which is its working directory. */
static char directory[] = "/tmp/udpsrv-test-XXXXXX";

static void enter(void)
{
    cr_assert_neq(mkdtemp(directory), NULL);
    cr_assert_eq(chdir(directory), 0);
}

static void leave(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(system(command), 0);
}

TestSuite(unix_client, .init = enter, .fini = leave);

static int listen_at(const char *path)
{
    int fd = unix_listener_open(path, 0660, &stay);
    cr_assert_geq(fd, 0, "%s", strerror(-fd));
    return fd;
}

/* Makes a socket file whose server has ended without removing it. */
static void leave_stale(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(fd, 1), 0);
    close(fd);
}

Test(unix_client, reports_a_missing_file_or_server)
{
    cr_assert_eq(unix_client_connect("missing", 1000), -ENOENT);
    leave_stale("s");
    cr_assert_eq(unix_client_connect("s", 1000), -ECONNREFUSED);
}

Test(unix_client, waits_no_longer_than_its_timeout)
{
    static char much[8 << 20];
    char byte;
    int listener = listen_at("s");
    int client = unix_client_connect("s", 10);
    cr_assert_eq(recv(client, &byte, 1, 0), -1);
    cr_assert_eq(errno, EAGAIN);
    cr_assert_eq(unix_client_write_all(client, much, sizeof much), -EAGAIN);
    close(client);
    unix_listener_close_and_remove(listener, "s");
}

Test(unix_client, write_to_a_closed_connection_is_an_error_and_no_signal)
{
    int listener = listen_at("s");
    int client = unix_client_connect("s", 1000);
    close(unix_listener_accept(listener));
    cr_assert_eq(unix_client_write_all(client, "x", 1), -EPIPE);
    close(client);
    unix_listener_close_and_remove(listener, "s");
}
