/* Which passed sockets belong to which listener, and which of them are errors. */
#include "server/listen/passed_sockets.h"
#include "addr_fixture.h"
#include "config/config_defaults.h"
#include "net/socket/socket_address.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* The test runner has 3 and the next ones itself. */
enum { FIRST = 100 };

static struct manager_environment environment = {.first_descriptor = FIRST};
static struct passed_sockets passed;
static struct config *config;
static const char *paths[3]; /* of control sockets */
static char path[64];

/* Puts a socket where the service manager would: at the next descriptor. */
static void pass(int fd)
{
    int descriptor = FIRST + (int)environment.descriptor_count++;
    cr_assert_eq(dup2(fd, descriptor), descriptor);
    close(fd);
}

static void set_up(void)
{
    config = config_defaults();
    cr_assert_not_null(config);
    config_clear_listen(config);
    config->server.workers = 1;
    snprintf(path, sizeof path, "/tmp/udpsrv-passed-%d", (int)getpid());
}

static void tear_down(void)
{
    passed_sockets_close(&passed);
    config_free(config);
    unlink(path);
}

TestSuite(passed_sockets, .init = set_up, .fini = tear_down);

/* Opens an IP socket, and adds its address to the configuration if there is a listener for it. */
static struct addr pass_ip(int type, struct addr at, bool shares, bool is_configured)
{
    const int on = shares;
    union socket_address name;
    socklen_t size = sockaddr_from_addr(&name, &at);
    int fd = socket(AF_INET, type, 0);
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    cr_assert_eq(bind(fd, &name.any, size), 0, "%s", strerror(errno));
    if (type == SOCK_STREAM)
        cr_assert_eq(listen(fd, 1), 0);
    struct config_listen listen = {.transport =
                                       type == SOCK_STREAM ? TRANSPORT_TCP : TRANSPORT_UDP};
    socket_get_local_addr(fd, &listen.addr);
    if (is_configured)
        cr_assert(config_add_listen(config, &listen));
    pass(fd);
    return listen.addr;
}

static struct addr pass_udp(bool is_configured)
{
    return pass_ip(SOCK_DGRAM, address("127.0.0.1:0"), false, is_configured);
}

static void pass_unix(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(name.sun_path, path);
    cr_assert_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0, "%s", strerror(errno));
    cr_assert_eq(listen(fd, 1), 0);
    pass(fd);
}

static int check(size_t workers)
{
    int error = passed_sockets_open(&passed, &environment);
    return error != 0 ? error : passed_sockets_check(&passed, config, workers, paths);
}

Test(passed_sockets, without_any_there_is_nothing_to_take)
{
    int socket;
    const struct config_listen listen = {.addr = address("127.0.0.1:3000")};
    cr_assert(config_add_listen(config, &listen));
    cr_expect_eq(check(4), 0);
    cr_expect_eq(passed_sockets_take(&passed, &listen, &socket, 1), 0);
    cr_expect_eq(passed_sockets_take_path(&passed, path), 0);
}

Test(passed_sockets, each_is_taken_once_by_the_listener_with_its_address_and_transport)
{
    int socket = -1;
    /* An address that no other program uses: its port must be free for TCP, too. */
    struct addr udp = pass_ip(SOCK_DGRAM, address("127.77.0.1:0"), false, true);
    pass_ip(SOCK_STREAM, udp, false, true);
    cr_assert_eq(check(1), 0);
    for (int i = 1; i >= 0; i--) {
        cr_expect_eq(passed_sockets_take(&passed, &config->server.listen[i], &socket, 1), 1);
        cr_expect_eq(socket, FIRST + i);
        cr_expect_eq(passed_sockets_take(&passed, &config->server.listen[i], &socket, 1), 0);
    }
}

Test(passed_sockets, one_at_another_port_is_not_for_the_listener)
{
    int socket;
    struct config_listen listen = {.addr = pass_udp(true)};
    cr_assert_eq(check(1), 0);
    listen.addr.port ^= 1;
    cr_expect_eq(passed_sockets_take(&passed, &listen, &socket, 1), 0);
}

Test(passed_sockets, one_without_a_listener_is_an_error)
{
    pass_udp(true);
    pass_udp(false);
    cr_expect_eq(check(1), -EINVAL);
}

Test(passed_sockets, one_at_the_path_of_a_control_socket_is_taken_by_its_path)
{
    pass_unix();
    cr_expect_eq(check(1), -EINVAL, "no control socket is there");
    passed_sockets_close(&passed);
    environment.descriptor_count = 0;
    unlink(path);
    pass_unix();
    paths[0] = "";
    paths[1] = path;
    cr_assert_eq(check(1), 0);
    cr_expect_eq(passed_sockets_take_path(&passed, "/another/path"), 0);
    cr_expect_eq(passed_sockets_take_path(&passed, path), FIRST);
    cr_expect_eq(passed_sockets_take_path(&passed, path), 0);
}

Test(passed_sockets, one_at_the_path_of_a_listener_is_for_that)
{
    int socket = -1;
    struct config_listen listen = {.transport = TRANSPORT_UNIX};
    strcpy(listen.path, path);
    cr_assert(config_add_listen(config, &listen));
    pass_unix();
    cr_assert_eq(check(1), 0);
    cr_expect_eq(passed_sockets_take(&passed, &listen, &socket, 1), 1);
}

Test(passed_sockets, several_workers_have_one_each_in_the_order_of_the_descriptors)
{
    int sockets[3] = {-1, -1, -1};
    struct addr at = pass_ip(SOCK_DGRAM, address("127.0.0.1:0"), true, true);
    pass_ip(SOCK_DGRAM, at, true, false);
    pass_ip(SOCK_DGRAM, at, true, false);
    cr_assert_eq(check(3), 0);
    cr_expect_eq(passed_sockets_take(&passed, &config->server.listen[0], sockets, 3), 3);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(sockets[i], FIRST + i);
}

Test(passed_sockets, fewer_or_more_than_workers_are_an_error)
{
    struct addr at = pass_ip(SOCK_DGRAM, address("127.0.0.1:0"), true, true);
    pass_ip(SOCK_DGRAM, at, true, false);
    cr_assert_eq(passed_sockets_open(&passed, &environment), 0);
    cr_expect_eq(passed_sockets_check(&passed, config, 1, paths), -EINVAL);
    cr_expect_eq(passed_sockets_check(&passed, config, 2, paths), 0);
    cr_expect_eq(passed_sockets_check(&passed, config, 3, paths), -EINVAL);
}

Test(passed_sockets, those_of_several_workers_have_to_share_their_port)
{
    struct addr at = pass_ip(SOCK_DGRAM, address("127.0.0.1:0"), true, true);
    pass_ip(SOCK_DGRAM, at, true, false);
    const int off = 0;
    cr_assert_eq(setsockopt(FIRST + 1, SOL_SOCKET, SO_REUSEPORT, &off, sizeof off), 0);
    cr_expect_eq(check(2), -EINVAL);
}

Test(passed_sockets, workers_auto_is_as_many_as_there_are_for_an_address)
{
    struct addr at = pass_ip(SOCK_DGRAM, address("127.0.0.1:0"), true, true);
    pass_ip(SOCK_DGRAM, at, true, false);
    cr_assert_eq(passed_sockets_open(&passed, &environment), 0);
    cr_expect_eq(passed_sockets_workers(&passed, config, 1), 1, "a number is kept");
    config->server.workers = CONFIG_WORKERS_AUTO;
    cr_expect_eq(passed_sockets_workers(&passed, config, 1), 2);
    cr_expect_eq(passed_sockets_workers(&passed, config, 8), 2);
    config_clear_listen(config);
    cr_expect_eq(passed_sockets_workers(&passed, config, 8), 8, "none is for a listener");
}

Test(passed_sockets, a_stream_address_is_passed_once)
{
    struct addr at = pass_ip(SOCK_STREAM, address("127.0.0.1:0"), true, true);
    pass_ip(SOCK_STREAM, at, true, false);
    cr_expect_eq(check(1), -EINVAL);
}

Test(passed_sockets, a_multicast_group_is_an_error_also_with_a_listener)
{
    pass_ip(SOCK_DGRAM, address("239.1.2.3:0"), false, true);
    cr_expect_eq(check(1), -EINVAL);
}

Test(passed_sockets, descriptors_that_are_no_sockets_or_not_open_are_errors)
{
    pass(open("/dev/null", O_RDWR));
    cr_expect_eq(check(1), -EINVAL);
    passed_sockets_close(&passed);
    environment.descriptor_count = 1; /* which is closed by now */
    cr_expect_eq(check(1), -EINVAL);
}

Test(passed_sockets, a_number_that_cannot_be_read_is_an_error)
{
    environment.bad_descriptors = true;
    cr_expect_eq(check(1), -EINVAL);
}

Test(passed_sockets, closes_what_was_not_taken)
{
    int socket = -1;
    pass_udp(true);
    pass_udp(true);
    cr_assert_eq(check(1), 0);
    cr_assert_eq(passed_sockets_take(&passed, &config->server.listen[0], &socket, 1), 1);
    passed_sockets_close(&passed);
    cr_expect_neq(fcntl(FIRST, F_GETFD), -1);
    cr_expect_eq(fcntl(FIRST + 1, F_GETFD), -1);
}
