/* The sockets of several workers: which worker receives the datagrams of a source. */
#include "server/listen/unicast_sockets.h"

#include "addr_fixture.h"
#include "config/config_defaults.h"
#include "net/socket/socket_address.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"
#include "refused_option_fixture.h"

#include <criterion/criterion.h>
#include <sys/socket.h>

enum { WORKERS = 4, CLIENTS = 100 };

static struct config *config;
static struct listeners listeners;

static void make_config(void)
{
    config = config_defaults();
    cr_assert_not_null(config);
    config_clear_listen(config);
}

static void free_all(void)
{
    unicast_sockets_close(&listeners);
    config_free(config);
}

TestSuite(unicast_sockets, .init = make_config, .fini = free_all, .timeout = 20);

static void listen_to(const char *text)
{
    cr_assert(config_add_listen(
        config, &(struct config_listen){.transport = TRANSPORT_UDP, .addr = address(text)}));
}

static int open_for(size_t workers)
{
    const struct existing_sockets none = {NULL, NULL};
    const struct identity same = {(uid_t)-1, (gid_t)-1};
    int error = unicast_sockets_open(&listeners, config, workers, &same, &none);
    return error != 0 ? error : unicast_sockets_receive(&listeners, config);
}

static bool has_ipv6(void)
{
    struct udp_socket_options options = {0};
    struct addr addr = address("::1"), bound;
    int fd = udp_socket_open(&addr, &options, &bound);
    if (fd >= 0)
        socket_close(fd);
    return fd >= 0;
}

/* Sends a datagram to a listener from a port of its own, and returns the worker that receives it.
 */
static int worker_that_receives(size_t listener, struct addr *source)
{
    const struct listener *to = &listeners.list[listener];
    int found = -1, client = udp_socket_connect(&to->bound);
    char byte;
    cr_assert_geq(client, 0);
    cr_assert_eq(socket_get_local_addr(client, source), 0);
    cr_assert_eq(send(client, "x", 1, 0), 1);
    for (size_t k = 0; k < listeners.worker_count; k++)
        if (recv(to->sockets[k], &byte, 1, 0) == 1)
            found = (int)k;
    socket_close(client);
    return found;
}

Test(unicast_sockets, are_chosen_by_the_source_in_the_same_way_for_all_listeners)
{
    listen_to("127.0.0.1:0");
    listen_to("127.0.0.2:0");
    if (has_ipv6())
        listen_to("[::1]:0");
    cr_assert_eq(open_for(WORKERS), 0);
    if (listeners.choice == WORKER_CHOICE_BY_KERNEL)
        cr_skip("this kernel has no SO_ATTACH_REUSEPORT_CBPF");
    cr_assert_eq(listeners.choice, WORKER_CHOICE_BY_SOURCE);
    for (size_t i = 0; i < listeners.unicast_count; i++)
        for (int k = 0; k < CLIENTS; k++) {
            struct addr source;
            int worker = worker_that_receives(i, &source);
            cr_assert_eq(worker, listeners_worker_of(&listeners, &source), "listener %zu", i);
        }
}

Test(unicast_sockets, have_another_key_at_each_start)
{
    listen_to("127.0.0.1:0");
    cr_assert_eq(open_for(WORKERS), 0);
    struct source_shard_key first = listeners.shard_key;
    unicast_sockets_close(&listeners);
    cr_assert_eq(open_for(WORKERS), 0);
    cr_assert(first.start != listeners.shard_key.start ||
              first.multipliers[0] != listeners.shard_key.multipliers[0]);
}

Test(unicast_sockets, of_one_worker_receive_all)
{
    struct addr source;
    listen_to("127.0.0.1:0");
    cr_assert_eq(open_for(1), 0);
    cr_assert_eq(worker_that_receives(0, &source), 0);
    cr_assert_eq(listeners_worker_of(&listeners, &source), 0);
}

Test(unicast_sockets, are_chosen_by_the_kernel_where_it_refuses_the_choice_by_source)
{
    listen_to("127.0.0.1:0");
    listen_to("127.0.0.2:0");
    lack(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, EPERM);
    cr_assert_eq(open_for(WORKERS), 0);
    cr_assert_eq(listeners.choice, WORKER_CHOICE_BY_KERNEL);
    for (size_t i = 0; i < listeners.unicast_count; i++) {
        struct addr source;
        cr_assert_geq(worker_that_receives(i, &source), 0);
        cr_assert_eq(listeners_worker_of(&listeners, &source), -1);
    }
}

Test(unicast_sockets, reopened_are_refused_if_they_cannot_be_chosen_as_the_others)
{
    struct listener fresh;
    listen_to("127.0.0.1:0");
    cr_assert_eq(open_for(WORKERS), 0);
    if (listeners.choice == WORKER_CHOICE_BY_KERNEL)
        cr_skip("this kernel has no SO_ATTACH_REUSEPORT_CBPF");
    struct listener old = listeners.list[0];
    old.bound.port = 0; /* its own port is in use */
    lack(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, EPERM);
    cr_assert_eq(unicast_sockets_reopen(&listeners, &old, config, &fresh), -EPERM);
    cr_assert_eq(listeners.choice, WORKER_CHOICE_BY_SOURCE);
}
