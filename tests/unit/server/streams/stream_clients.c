/* Stream clients: accepting, the limits on their number, listing, kicking, and the access list. */
#include "server/streams/stream_clients.h"

#include "net/socket/tcp_socket.h"
#include "net/unix/unix_client.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "stream_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(stream_clients, .timeout = 20);

static void run_for_ms(uint64_t ms)
{
    struct loop_timer timer;
    cr_assert_eq(loop_timer_open(stream_loop, &timer, stream_stop_loop, NULL), 0);
    loop_timer_once(&timer, ms * 1000000);
    cr_assert_eq(loop_run_until_stopped(stream_loop), 0);
    loop_timer_close(&timer);
}

Test(stream_clients, one_client_too_many_gets_an_error_line)
{
    stream_fixture_open(2, REPLY_ECHO, RELAY_OFF);
    int first = stream_connect(), second = stream_connect(), third = stream_connect();
    stream_expect(third, "error: too many streams; try again later\n", true);
    cr_assert_eq(stream_stats.streams_refused, 1);
    close(first);
    stream_turn(3);
    int fourth = stream_connect();
    stream_send_text(fourth, "hi\n");
    stream_expect(fourth, "hi\n", false);
    close(second);
    close(third);
    close(fourth);
    stream_fixture_close();
}

Test(stream_clients, without_a_free_descriptor_no_client_is_lost_and_the_loop_does_not_spin)
{
    struct rlimit before, none;
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind accepts first, then checks the limit, and closes");
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int fd = unix_client_connect_nonblocking(stream_path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)fd + 1;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    stream_turn(5);
    cr_assert_eq(stream_stats.joined, 0);
    /* The listener is not watched now: a waiting connection causes no event. */
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    stream_turn(5);
    cr_assert_eq(stream_stats.joined, 0);
    while (stream_stats.joined == 0)
        run_for_ms(100); /* accepting is resumed by a timer, without a sweep */
    cr_assert_eq(stream_stats.joined, 1);
    stream_send_text(fd, "hi\n");
    stream_expect(fd, "hi\n", false);
    close(fd);
    stream_fixture_close();
}

Test(stream_clients,
     the_last_descriptors_are_reserved_and_a_waiting_client_is_accepted_when_another_leaves)
{
    int fds[STREAM_FILES];
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    for (int i = 0; i < STREAM_FILES; i++)
        fds[i] = stream_connect();
    int waiting = stream_connect();
    stream_send_text(waiting, "hi\n");
    stream_turn(5);
    cr_assert_eq(stream_stats.joined, STREAM_FILES);
    cr_assert_eq(stream_stats.streams_refused, 0);
    close(fds[0]);
    stream_expect(waiting, "hi\n", false);
    cr_assert_eq(stream_stats.joined, STREAM_FILES + 1);
    for (int i = 1; i < STREAM_FILES; i++)
        close(fds[i]);
    close(waiting);
    stream_turn(5);
    cr_assert_eq(stream_clients_count(streams), 0);
    stream_fixture_close();
}

Test(stream_clients, can_be_closed_while_no_descriptor_is_free)
{
    struct rlimit before, none;
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int connected = stream_connect(), waiting = unix_client_connect_nonblocking(stream_path);
    cr_assert_geq(waiting, 0);
    cr_assert_eq(stream_stats.joined, 1);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)waiting + 1;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    stream_turn(5);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(stream_stats.joined, 1);
    stream_fixture_close();
    close(connected);
    close(waiting);
}

Test(stream_clients, clients_are_listed_found_and_kicked_by_name)
{
    struct client clients[8];
    struct client_name name;
    uint32_t next = 0;
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int tcp = stream_connect_tcp(), first = stream_connect(), second = stream_connect();
    stream_send_text(second, "hi\n");
    cr_assert_eq(stream_clients_list(streams, &next, clock_now_ms(), clients, 2), 2);
    cr_assert_eq(clients[0].source.family, ADDR_IPV4);
    cr_assert_eq(clients[0].listener, 4);
    cr_assert_eq(clients[1].slot, 1);
    cr_assert_eq(stream_clients_list(streams, &next, clock_now_ms(), clients, 2), 1);
    cr_assert_eq(clients[0].slot, 2);
    cr_assert_eq(clients[0].received, 1);
    cr_assert_eq(stream_clients_list(streams, &next, clock_now_ms(), clients, 2), 0);

    cr_assert_null(client_name_parse(&name, NULL, "unix:#2"));
    cr_assert(stream_clients_find(streams, &name, clock_now_ms(), clients));
    cr_assert_eq(clients[0].listener, 3);
    cr_assert(stream_clients_kick(streams, &name));
    cr_assert_not(stream_clients_kick(streams, &name));
    cr_assert_not(stream_clients_find(streams, &name, clock_now_ms(), clients));
    stream_expect(second, "hi\n", true);
    cr_assert_eq(stream_stats.kicked, 1);
    cr_assert_eq(stream_clients_count(streams), 2);
    close(tcp);
    close(first);
    close(second);
    stream_fixture_close();
}

Test(stream_clients, clients_that_match_a_selector_are_kicked_in_steps)
{
    struct client_selector selector = client_selector_all();
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int tcp = stream_connect_tcp(), first = stream_connect(), second = stream_connect();
    struct stream_kick kick = {.selector = &selector,
                               .before = stream_clients_next_serial(streams)};
    int late = stream_connect();
    selector.listeners = UINT64_C(1) << 3;
    cr_assert_eq(stream_clients_kick_matching(streams, &kick, clock_now_ms(), 2), 1);
    cr_assert_not(kick.ended);
    cr_assert_eq(stream_clients_kick_matching(streams, &kick, clock_now_ms(), 2), 1);
    cr_assert(kick.ended);
    stream_expect(first, "", true);
    stream_expect(second, "", true);
    stream_expect(tcp, "", false);
    stream_expect(late, "", false);
    cr_assert_eq(stream_stats.kicked, 2);
    close(tcp);
    close(first);
    close(second);
    close(late);
    stream_fixture_close();
}

Test(stream_clients, a_message_to_one_client_is_a_line)
{
    struct client_name name;
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int first = stream_connect(), second = stream_connect();
    cr_assert_null(client_name_parse(&name, NULL, "unix:#2"));
    cr_assert_eq(stream_clients_send(streams, &name, (const uint8_t *)"two\nlines", 9), 0);
    cr_assert_eq(stream_clients_send(streams, &name, NULL, 0), 0);
    stream_expect(second, "two lines\n\n", false);
    stream_expect(first, "", false);
    cr_assert_null(client_name_parse(&name, NULL, "unix:#3"));
    cr_assert_eq(stream_clients_send(streams, &name, (const uint8_t *)"x", 1), -ENOENT);
    close(first);
    close(second);
    stream_fixture_close();
}

/* Denies a block of IPv4 only: a client of a Unix socket is not in it. */
static struct access_list *deny_block(const char *denied)
{
    struct cidr block;
    cr_assert_null(cidr_parse(&block, denied));
    return access_list_new(NULL, 0, &block, 1);
}

Test(stream_clients, a_denied_client_is_disconnected_without_an_error_line)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    stream_decider.rules.acl = deny_block("127.0.0.0/8");
    int denied = tcp_connect(&stream_tcp_addr), local = stream_connect();
    cr_assert_geq(denied, 0);
    stream_expect(denied, "", true);
    stream_send_text(local, "hi\n");
    stream_expect(local, "hi\n", false);
    cr_assert_eq(stream_stats.streams_denied, 1);
    cr_assert_eq(stream_stats.joined, 1);
    access_list_free(stream_decider.rules.acl);
    close(denied);
    close(local);
    stream_fixture_close();
}

Test(stream_clients, a_changed_access_list_disconnects_the_clients_that_it_excludes)
{
    stream_fixture_open(8, REPLY_ECHO, RELAY_OFF);
    int tcp = stream_connect_tcp(), local = stream_connect();
    stream_decider.rules.acl = deny_block("127.0.0.2");
    stream_clients_recheck_access(streams);
    cr_assert_eq(stream_clients_count(streams), 2);
    access_list_free(stream_decider.rules.acl);
    stream_decider.rules.acl = deny_block("127.0.0.1");
    stream_clients_recheck_access(streams);
    stream_expect(tcp, "", true);
    stream_send_text(local, "hi\n");
    stream_expect(local, "hi\n", false);
    cr_assert_eq(stream_stats.kicked, 1);
    cr_assert_eq(stream_clients_count(streams), 1);
    access_list_free(stream_decider.rules.acl);
    close(tcp);
    close(local);
    stream_fixture_close();
}
