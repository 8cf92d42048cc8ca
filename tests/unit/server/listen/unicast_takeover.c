/* Sockets of unicast listeners when the number of workers changes with an upgrade. */
#include "server/listen/unicast_takeover.h"

#include "inherited_fixture.h"
#include "net/socket/reuseport_group.h"
#include "net/socket/socket_buffer.h"
#include "netns_fixture.h"
#include "refused_option_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 200 };

TestSuite(unicast_takeover, .init = both_open, .fini = both_close, .timeout = 60);

static struct listener *after(void)
{
    return &both.after.listeners.list[0];
}

static void start(size_t workers)
{
    listen_to("127.0.0.1:0");
    start_before(workers);
    if (both.before.listeners.choice == WORKER_CHOICE_BY_KERNEL)
        cr_skip("this kernel has no SO_ATTACH_REUSEPORT_CBPF");
}

/* Reads what the second server has received, in all sockets. */
static int received(void)
{
    int count = 0;
    for (size_t k = 0; k < both.after.listeners.worker_count; k++)
        count += read_all(after()->sockets[k]);
    for (size_t i = 0; i < both.inherited.count; i++)
        for (size_t k = 0; k < both.inherited.list[i].socket_count; k++)
            if (both.inherited.list[i].sockets[k] >= 0)
                count += read_all(both.inherited.list[i].sockets[k]);
    return count;
}

static void send_some(void)
{
    for (int n = 0; n < CLIENTS; n++)
        send_one(&both.after.listeners.list[0].bound);
}

/* Sends at each step of an upgrade, and expects that all of it waits for the second server. */
static void expect_no_loss(size_t from, size_t to)
{
    start(from);
    both.after.listeners.list[0].bound = both.before.listeners.list[0].bound;
    hand_over();
    for (int n = 0; n < CLIENTS; n++)
        send_one(&both.before.listeners.list[0].bound);
    cr_assert_eq(try_after(to), 0);
    send_some();
    cr_assert_eq(try_grow(), 0);
    send_some();
    cr_assert_eq(startup_sockets_receive(&both.after, both.config), 0);
    leave_before();
    send_some();
    cr_assert_eq(received(), 4 * CLIENTS);
}

static void expect_nothing_in_new_sockets(size_t from, size_t to)
{
    start(from);
    prepare_after(to);
    cr_assert_eq(try_grow(), 0);
    send_some();
    for (size_t k = from; k < to; k++)
        cr_assert_eq(read_all(after()->sockets[k]), 0);
}

Test(unicast_takeover, leaves_all_to_a_single_socket_until_the_second_server_receives)
{
    expect_nothing_in_new_sockets(1, 3);
}

Test(unicast_takeover, leaves_all_to_the_sockets_of_before_until_the_second_server_receives)
{
    expect_nothing_in_new_sockets(2, 4);
}

/* From now on each client has its worker, by the source only. */
static void expect_workers_by_source(void)
{
    for (int n = 0; n < CLIENTS; n++) {
        struct addr source = send_one(&after()->bound);
        int worker = listeners_worker_of(&both.after.listeners, &source);
        cr_assert_eq(read_all(after()->sockets[worker]), 1);
    }
    cr_assert_eq(received(), 0);
}

Test(unicast_takeover, from_one_worker_to_two_loses_nothing)
{
    expect_no_loss(1, 2);
    expect_workers_by_source();
}

Test(unicast_takeover, from_two_workers_to_four_loses_nothing)
{
    expect_no_loss(2, 4);
    expect_workers_by_source();
}

Test(unicast_takeover, from_four_workers_to_two_loses_nothing)
{
    expect_no_loss(4, 2);
    expect_workers_by_source();
}

Test(unicast_takeover, from_two_workers_to_one_loses_nothing)
{
    expect_no_loss(2, 1);
    inherited_sockets_end(&both.inherited);
    send_some();
    cr_assert_eq(received(), CLIENTS);
}

/* No other socket can be bound there, whatever it asks for. */
static void expect_no_sharing(struct addr bound)
{
    struct udp_socket_options options = {0};
    const int on = 1;
    int other = udp_socket_open_unbound(&bound, &options);
    cr_assert_eq(setsockopt(other, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    cr_assert_eq(udp_socket_bind(other, &bound, &options, &bound), -EADDRINUSE);
    udp_socket_allow_sharing(other, true);
    cr_assert_eq(udp_socket_bind(other, &bound, &options, &bound), -EADDRINUSE);
    socket_close(other);
}

Test(unicast_takeover, leaves_a_single_socket_that_shares_its_port_no_longer)
{
    start(2);
    upgrade_to(1);
    inherited_sockets_end(&both.inherited);
    expect_no_sharing(after()->bound);
}

Test(unicast_takeover, that_fails_leaves_a_single_socket_that_shares_its_port_no_longer)
{
    start(1);
    struct addr bound = both.before.listeners.list[0].bound;
    prepare_after(3);
    cr_assert_eq(try_grow(), 0);
    startup_sockets_close(&both.after);
    both.after = (struct startup_sockets){.listeners.count = 0};
    startup_sockets_end_sharing(&both.before);
    expect_no_sharing(bound);
    for (int n = 0; n < CLIENTS; n++)
        send_one(&bound);
    cr_assert_eq(read_all(both.before.listeners.list[0].sockets[0]), CLIENTS);
}

/* The second server becomes the first one of the next upgrade. */
static void again(void)
{
    inherited_sockets_end(&both.inherited);
    both.before = both.after;
    both.after = (struct startup_sockets){.listeners.count = 0};
    for (size_t i = 0; i < both.before.listeners.count; i++)
        both.before.listeners.list[i].inherited = 0;
}

Test(unicast_takeover, can_change_the_number_of_workers_again_and_again)
{
    static const size_t workers[] = {2, 4, 1, 3, 1, 2, 2, 1};
    start(1);
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++) {
        upgrade_to(workers[i]);
        if (workers[i] > 1)
            expect_workers_by_source();
        send_some();
        cr_assert_eq(received(), CLIENTS, "upgrade %zu", i);
        again();
    }
}

/* Sends from many ports until it is killed; each datagram is the next number. */
static pid_t start_flood(const struct addr *to, int count_pipe)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child > 0)
        return child;
    int clients[16];
    for (size_t i = 0; i < 16; i++)
        clients[i] = udp_socket_connect(to);
    for (uint64_t sent = 0;;) {
        if (send(clients[sent % 16], "x", 1, MSG_DONTWAIT) == 1)
            sent++;
        if (write(count_pipe, "x", 1) != 1) /* the reader has seen enough */
            _exit(0);
    }
}

/* While a client sends without a pause, as many datagrams arrive in all sockets together as were
 * sent. */
static void expect_no_loss_under_load(size_t from, size_t to)
{
    int pipes[2];
    char bytes[4096];
    int sent = 0, got = 0;
    both.config->server.receive_buffer_bytes = 64 << 20;
    start(from);
    cr_assert_eq(pipe(pipes), 0);
    signal(SIGPIPE, SIG_IGN);
    pid_t child = start_flood(&both.before.listeners.list[0].bound, pipes[1]);
    close(pipes[1]);
    for (int round = 0; round < 20; round++)
        sent += (int)read(pipes[0], bytes, 50);
    prepare_after(to);
    sent += (int)read(pipes[0], bytes, 500);
    cr_assert_eq(try_grow(), 0);
    sent += (int)read(pipes[0], bytes, 500);
    cr_assert_eq(startup_sockets_receive(&both.after, both.config), 0);
    sent += (int)read(pipes[0], bytes, 500);
    kill(child, SIGTERM);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    for (ssize_t more; (more = read(pipes[0], bytes, sizeof bytes)) > 0;)
        sent += (int)more;
    close(pipes[0]);
    uint32_t drops = 0;
    for (size_t k = 0; k < both.after.listeners.worker_count; k++) {
        got += read_strays(&after()->senders[k]);
        drops += socket_receive_drops(after()->sockets[k]);
    }
    got += received();
    cr_assert_eq(drops, 0, "the receive buffers were too small for this test");
    /* The child may have been ended between a datagram and its byte in the pipe. */
    cr_assert(got == sent || got == sent + 1, "%d of %d", got, sent);
}

Test(unicast_takeover, from_one_worker_to_four_loses_nothing_under_load)
{
    expect_no_loss_under_load(1, 4);
}

Test(unicast_takeover, from_two_workers_to_eight_loses_nothing_under_load)
{
    expect_no_loss_under_load(2, 8);
}

Test(unicast_takeover, from_eight_workers_to_three_loses_nothing_under_load)
{
    expect_no_loss_under_load(8, 3);
}

Test(unicast_takeover, can_add_workers_as_the_user_that_the_sockets_were_given_to)
{
    const struct identity nobody = {65534, 65534};
    int status;
    if (geteuid() != 0)
        cr_skip("only root becomes another user");
    listen_to("127.0.0.1:0");
    start_before_as(2, &nobody);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        if (privilege_drop(&nobody) != 0)
            _exit(1);
        hand_over();
        if (try_after(4) != 0)
            _exit(2);
        if (try_grow() != 0)
            _exit(3);
        leave_before();
        _exit(startup_sockets_receive(&both.after, both.config) == 0 ? 0 : 4);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

Test(unicast_takeover, keeps_the_choice_of_the_kernel_where_it_refuses_that_by_source)
{
    listen_to("127.0.0.1:0");
    lack(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, EPERM);
    start_before(2);
    cr_assert_eq(both.before.listeners.choice, WORKER_CHOICE_BY_KERNEL);
    upgrade_to(4);
    cr_assert_eq(both.after.listeners.choice, WORKER_CHOICE_BY_KERNEL);
    send_some();
    cr_assert_eq(received(), CLIENTS);
}

/* Returns how many datagrams wait in the sockets of the second process's former workers. */
static int waiting_in_removed(const struct inherited_listener *entry)
{
    int count = 0;
    for (size_t k = both.after.listeners.worker_count; k < entry->socket_count; k++)
        count += read_all(entry->sockets[k]);
    return count;
}

static void expect_removed_workers_get_nothing(const char *address)
{
    listen_to(address);
    lack(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, EPERM);
    start_before(4);
    upgrade_to(2);
    const struct inherited_listener *entry = &both.inherited.list[0];
    send_some();
    unicast_takeover_leave(&both.after.listeners, entry);
    cr_assert_gt(waiting_in_removed(entry), 0, "what has arrived before can be read");
    send_some();
    cr_assert_eq(waiting_in_removed(entry), 0);
    read_all(after()->sockets[0]);
    read_all(after()->sockets[1]);
    send_some();
    cr_assert_eq(received(), CLIENTS);
}

Test(unicast_takeover, removed_workers_get_nothing_more_where_the_kernel_chooses)
{
    expect_removed_workers_get_nothing("127.0.0.1:0");
}

Test(unicast_takeover, removed_workers_of_a_wildcard_get_nothing_more_where_the_kernel_chooses)
{
    expect_removed_workers_get_nothing("0.0.0.0:0");
}

static void expect_buffers(const struct listener *listener, uint32_t receive_bytes,
                           uint32_t send_bytes)
{
    const struct send_socket_set *senders = &listener->senders[0];
    cr_assert_eq(socket_set_receive_buffer(listener->sockets[0], 0), receive_bytes);
    cr_assert_eq(socket_send_buffer_limit(senders->replies[0]), 2 * send_bytes);
    cr_assert_eq(socket_send_buffer_limit(senders->copies[0]), 2 * send_bytes);
}

static void set_buffers(uint32_t receive_bytes, uint32_t send_bytes)
{
    both.config->server.receive_buffer_bytes = receive_bytes;
    both.config->server.send_buffer_bytes = send_bytes;
}

Test(unicast_takeover, changes_the_sizes_of_buffers_when_the_process_before_has_left)
{
    listen_to("127.0.0.1:0");
    set_buffers(32 << 10, 40 << 10);
    start_before(1);
    set_buffers(64 << 10, 20 << 10);
    prepare_after(1);
    cr_assert_eq(try_grow(), 0);
    expect_buffers(&both.before.listeners.list[0], 32 << 10, 40 << 10);
    leave_before();
    cr_assert_eq(startup_sockets_receive(&both.after, both.config), 0);
    expect_buffers(after(), 64 << 10, 20 << 10);
}

Test(unicast_takeover, leaves_the_sizes_of_buffers_to_the_process_before_if_it_fails)
{
    listen_to("127.0.0.1:0");
    set_buffers(32 << 10, 40 << 10);
    start_before(1);
    set_buffers(64 << 10, 20 << 10);
    prepare_after(3);
    cr_assert_eq(try_grow(), 0);
    startup_sockets_close(&both.after);
    both.after = (struct startup_sockets){.listeners.count = 0};
    startup_sockets_end_sharing(&both.before);
    expect_buffers(&both.before.listeners.list[0], 32 << 10, 40 << 10);
}

Test(unicast_takeover, gives_a_socket_the_replies_of_a_new_group_when_the_process_before_has_left)
{
    enter_netns();
    ip("ip link set lo multicast on && ip route add 239.0.0.0/8 dev lo");
    listen_to("127.0.0.1:4000");
    start_before(1);
    const struct listener *before = &both.before.listeners.list[0];
    uint32_t limit = socket_send_buffer_limit(before->sockets[0]);
    listen_to("239.1.2.3:4000"); /* its replies are sent by the socket of the first listener */
    prepare_after(1);
    cr_assert_eq(try_grow(), 0);
    cr_assert_eq(socket_send_buffer_limit(before->sockets[0]), limit);
    leave_before();
    cr_assert_eq(startup_sockets_receive(&both.after, both.config), 0);
    cr_assert_gt(socket_send_buffer_limit(after()->sockets[0]), limit);
}

Test(unicast_takeover, fails_where_the_kernel_refuses_the_choice_by_source_for_a_single_socket)
{
    listen_to("127.0.0.1:0");
    lack(SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, EPERM);
    start_before(1);
    prepare_after(2);
    cr_assert_eq(try_grow(), -EPERM);
    for (int n = 0; n < CLIENTS; n++)
        send_one(&both.before.listeners.list[0].bound);
    cr_assert_eq(read_all(both.before.listeners.list[0].sockets[0]), CLIENTS,
                 "the first server receives all again");
}
