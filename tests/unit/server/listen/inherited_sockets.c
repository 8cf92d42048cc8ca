/* The sockets that one server hands over to the next one. */
#include "server/listen/inherited_sockets.h"

#include "inherited_fixture.h"
#include "net/message/datagram.h"
#include "net/socket/multicast_socket.h"
#include "net/socket/tcp_socket.h"
#include "net/unix/unix_client.h"
#include "net/unix/unix_listener.h"
#include "netns_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64], listen_path[80];

static void set_up(void)
{
    both_open();
    snprintf(path, sizeof path, "/tmp/udpsrv-inherited-%d", (int)getpid());
    snprintf(listen_path, sizeof listen_path, "unix:%s", path);
}

static void tear_down(void)
{
    both_close();
    unlink(path);
}

TestSuite(inherited_sockets, .init = set_up, .fini = tear_down, .timeout = 20);

static const struct listener *after(size_t i)
{
    return &both.after.listeners.list[i];
}

static bool is_open(const char *unix_path)
{
    int fd = unix_client_connect_nonblocking(unix_path);
    if (fd >= 0)
        socket_close(fd);
    return fd >= 0;
}

Test(inherited_sockets, receive_the_datagrams_that_waited)
{
    listen_to("127.0.0.1:0");
    start_before(1);
    send_one(&both.before.listeners.list[0].bound);
    upgrade_to(1);
    cr_assert_eq(after(0)->inherited, 1);
    cr_assert_eq(read_all(after(0)->sockets[0]), 1);
}

Test(inherited_sockets, are_recognised_by_the_port_0_of_the_configuration)
{
    listen_to("127.0.0.1:0");
    start_before(2);
    struct addr bound = both.before.listeners.list[0].bound;
    upgrade_to(2);
    cr_assert(addr_equal(&after(0)->bound, &bound));
    cr_assert_eq(after(0)->inherited, 2);
}

Test(inherited_sockets, of_several_workers_keep_the_worker_of_each_client)
{
    listen_to("127.0.0.1:0");
    listen_to("127.0.0.2:0");
    start_before(4);
    if (both.before.listeners.choice == WORKER_CHOICE_BY_KERNEL)
        cr_skip("this kernel has no SO_ATTACH_REUSEPORT_CBPF");
    struct source_shard_key key = both.before.listeners.shard_key;
    upgrade_to(4);
    cr_assert_eq(memcmp(&key, &both.after.listeners.shard_key, sizeof key), 0);
    cr_assert_eq(both.after.listeners.choice, WORKER_CHOICE_BY_SOURCE);
    for (int n = 0; n < 50; n++) {
        struct addr source = send_one(&after(1)->bound);
        int worker = listeners_worker_of(&both.after.listeners, &source);
        cr_assert_eq(read_all(after(1)->sockets[worker]), 1);
    }
}

Test(inherited_sockets, send_from_the_address_of_the_listener)
{
    listen_to("127.0.0.1:0");
    start_before(1);
    upgrade_to(1);
    struct addr source, at = address("127.0.0.1:0");
    struct udp_socket_options options = {0};
    int client = udp_socket_open(&at, &options, &at);
    const struct send_socket_set *senders = &after(0)->senders[0];
    const int sockets[] = {senders->routed,    senders->on_link,       senders->replies[0],
                           senders->copies[0], senders->reply_reserve, senders->copy_reserve};
    union socket_address name;
    socklen_t size = sockaddr_from_addr(&name, &at);
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
        char byte;
        uint64_t time_ms;
        cr_assert_eq(sendto(sockets[i], "x", 1, 0, &name.any, size), 1);
        cr_assert_eq(multicast_receive(client, &byte, 1, &source, &time_ms), 1);
        cr_assert(addr_equal(&source, &after(0)->bound));
    }
    socket_close(client);
}

Test(inherited_sockets, of_tcp_accept_the_connections_that_waited)
{
    struct addr peer;
    listen_to("tcp:127.0.0.1:0");
    start_before(1);
    int client = tcp_connect(&both.before.listeners.list[0].bound);
    cr_assert_geq(client, 0);
    upgrade_to(1);
    cr_assert_geq(tcp_accept(both.after.first_worker.streams.list[0].socket, &peer), 0);
    socket_close(client);
}

Test(inherited_sockets, of_unix_listeners_keep_their_file)
{
    struct stat file_before, file_after;
    listen_to(listen_path);
    start_before(1);
    cr_assert_eq(stat(path, &file_before), 0);
    int client = unix_client_connect_nonblocking(path);
    cr_assert_geq(client, 0);
    upgrade_to(1);
    inherited_sockets_end(&both.inherited);
    cr_assert_eq(stat(path, &file_after), 0);
    cr_assert_eq(file_before.st_ino, file_after.st_ino);
    cr_assert(stream_sockets_file_exists(&both.after.first_worker.streams, 0));
    cr_assert_geq(unix_listener_accept(both.after.first_worker.streams.list[0].socket), 0);
    startup_sockets_close(&both.after);
    both.after = (struct startup_sockets){.listeners.count = 0};
    cr_assert_neq(stat(path, &file_after), 0, "the file belongs to the second server");
    socket_close(client);
}

Test(inherited_sockets, that_the_configuration_lacks_stay_open_until_the_end)
{
    listen_to("127.0.0.1:0");
    listen_to(listen_path);
    listen_to("127.0.0.2:0");
    start_before(1);
    struct addr removed = both.before.listeners.list[1].bound;
    config_clear_listen(both.config);
    listen_to("127.0.0.1:0");
    hand_over();
    cr_assert_eq(try_after(1), 0);
    leave_before();
    cr_assert(is_open(path));
    inherited_sockets_end(&both.inherited);
    cr_assert_not(is_open(path));
    cr_assert_neq(access(path, F_OK), 0);
    struct udp_socket_options options = {0};
    int fd = udp_socket_open(&removed, &options, &removed);
    cr_assert_geq(fd, 0, "its port is free");
    socket_close(fd);
}

Test(inherited_sockets, that_are_given_up_keep_their_file)
{
    listen_to(listen_path);
    start_before(1);
    config_clear_listen(both.config);
    listen_to("127.0.0.1:0");
    hand_over();
    inherited_sockets_close(&both.inherited);
    cr_assert(is_open(path));
}

Test(inherited_sockets, join_listeners_that_are_new)
{
    listen_to("127.0.0.1:0");
    start_before(2);
    listen_to("127.0.0.2:0");
    upgrade_to(2);
    cr_assert_eq(after(1)->inherited, 0);
    struct addr source = send_one(&after(1)->bound);
    int worker = listeners_worker_of(&both.after.listeners, &source);
    int other = worker < 0 ? read_all(after(1)->sockets[1]) : 0; /* the kernel has chosen */
    cr_assert_eq(read_all(after(1)->sockets[worker < 0 ? 0 : worker]) + other, 1);
}

Test(inherited_sockets, of_new_listeners_drop_until_the_second_server_receives)
{
    listen_to("127.0.0.1:0");
    start_before(2);
    listen_to("127.0.0.2:0");
    prepare_after(2);
    send_one(&after(1)->bound);
    cr_assert_eq(startup_sockets_receive(&both.after, both.config), 0);
    cr_assert_eq(read_all(after(1)->sockets[0]) + read_all(after(1)->sockets[1]), 0);
}

Test(inherited_sockets, of_a_multicast_group_stay_joined)
{
    enter_netns();
    ip("ip link set lo multicast on && ip route add 239.0.0.0/8 dev lo");
    struct addr group = address("239.1.2.3:4000"), from;
    listen_to("239.1.2.3:4000");
    start_before(1);
    int sender = multicast_connect(&group, &(struct multicast_path){.ttl = 1}, &from);
    cr_assert_eq(send(sender, "x", 1, 0), 1);
    struct addr reply_before, reply_after;
    socket_get_local_addr(both.before.first_worker.groups[0].reply_socket, &reply_before);
    upgrade_to(1);
    const struct multicast_group_sockets *sockets = &both.after.first_worker.groups[0];
    cr_assert_eq(read_all(sockets->socket), 1);
    cr_assert_eq(send(sender, "x", 1, 0), 1);
    cr_assert_eq(read_all(sockets->socket), 1);
    socket_get_local_addr(sockets->reply_socket, &reply_after);
    cr_assert(addr_equal(&reply_before, &reply_after));
    cr_assert_neq(after(0)->interface, 0);
    socket_close(sender);
}

Test(inherited_sockets, of_a_listener_that_waits_for_its_interface_are_not_handed_over)
{
    struct config_listen listen = {.transport = TRANSPORT_UDP, .addr = address("[fe80::1]:4000")};
    strcpy(listen.zone, "absent0");
    enter_netns();
    both.config->server.missing_address = MISSING_WAIT;
    cr_assert(config_add_listen(both.config, &listen));
    start_before(1);
    upgrade_to(1);
    cr_assert_eq(both.inherited.count, 0);
    cr_assert_eq(after(0)->inherited, 0);
    cr_assert(after(0)->missing);
}

Test(inherited_sockets, of_a_missing_address_wait_for_it_further)
{
    enter_netns();
    both.config->server.missing_address = MISSING_WAIT;
    listen_to("10.1.2.3:4000");
    start_before(1);
    ip("ip addr add 10.1.2.3/32 dev lo");
    upgrade_to(1);
    cr_assert_eq(after(0)->inherited, 1);
    cr_assert(after(0)->missing, "the sockets that send are not connected yet");
}

Test(inherited_sockets, of_a_service_manager_need_as_many_workers_as_before)
{
    listen_to("127.0.0.1:0");
    start_before(2);
    both.before.listeners.list[0].passed = true;
    hand_over();
    cr_assert_eq(try_after(1), -EINVAL);
    both.config->server.workers = CONFIG_WORKERS_AUTO;
    cr_assert_eq(inherited_sockets_workers(&both.inherited, both.config, 7), 2);
    both.config->server.workers = 7;
    cr_assert_eq(inherited_sockets_workers(&both.inherited, both.config, 7), 7);
}

Test(inherited_sockets, of_another_user_need_as_many_workers_as_before)
{
    if (geteuid() != 0)
        cr_skip("only root gives sockets away");
    listen_to("127.0.0.1:0");
    start_before_as(1, &(struct identity){65534, 65534});
    hand_over();
    cr_assert_eq(try_after(2), -EINVAL);
    cr_assert_eq(try_after(1), 0);
}

Test(inherited_sockets, of_a_truncated_record_are_refused)
{
    listen_to("127.0.0.1:0");
    listen_to("tcp:127.0.0.1:0");
    start_before(2);
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    startup_sockets_hand_over(&both.before, &writer);
    handover_end(&writer);
    for (size_t size = writer.size - 1; size >= 9; size--) {
        struct handover_reader reader = handover_received(&writer);
        reader.end = size;
        cr_assert_eq(inherited_sockets_take_over(&both.inherited, &reader), -EPROTO);
        inherited_sockets_close(&both.inherited);
        handover_forget(&reader);
    }
    struct handover_reader reader = handover_received(&writer);
    reader.descriptor_count--;
    cr_assert_eq(inherited_sockets_take_over(&both.inherited, &reader), -EPROTO);
    reader.descriptor_count++;
    handover_forget(&reader);
    handover_writer_free(&writer);
}
