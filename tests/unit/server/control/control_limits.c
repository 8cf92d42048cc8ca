/* Limits of the control socket: long lines, many sessions, no descriptors, and its end. */
#include "control_fixture.h"
#include "os/loop/timer.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

TestSuite(control_limits, .init = control_start, .fini = control_stop, .timeout = 60);

/* ---- invalid input ---- */

Test(control_limits, the_longest_line_is_taken_and_one_byte_more_is_not)
{
    static char line[CONTROL_COMMAND_BYTES_MAX + 2];
    memset(line, 'x', sizeof line);
    memcpy(line, "size ", 5);
    for (size_t size = CONTROL_COMMAND_BYTES_MAX; size <= CONTROL_COMMAND_BYTES_MAX + 1; size++) {
        int fd = operator_open_session();
        line[size - 1] = 'x';
        line[size] = '\n';
        for (size_t sent = 0; sent <= size;) {
            ssize_t taken = send(fd, line + sent, size + 1 - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            cr_assert(taken > 0 || errno == EAGAIN);
            sent += taken > 0 ? (size_t)taken : 0;
            control_turn(1);
        }
        char answer[128];
        snprintf(answer, sizeof answer, "ok\nsize %d\n.\n", CONTROL_COMMAND_BYTES_MAX - 5);
        cr_expect_str_eq(operator_receive(fd),
                         size == CONTROL_COMMAND_BYTES_MAX
                             ? answer
                             : "error cannot execute: the command line is too long; send a shorter "
                               "one in another session"
                               "\n.\n");
        cr_expect_eq(operator_is_closed(fd), size > CONTROL_COMMAND_BYTES_MAX);
        close(fd);
    }
}

Test(control_limits, a_line_of_a_megabyte_ends_only_its_own_session)
{
    static char block[4096];
    memset(block, 'x', sizeof block);
    int fd = operator_open_session(), sent = 0;
    for (; sent < 1 << 20; sent += (int)sizeof block) {
        if (send(fd, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EPIPE)
            break;
        control_turn(1);
    }
    cr_expect_lt(sent, 1 << 20);
    cr_expect_str_eq(operator_receive(fd), "error cannot execute: the command line is too long; "
                                           "send a shorter one in another session\n.\n");
    cr_expect(operator_is_closed(fd));
    close(fd);
    operator_expect_service();
}

Test(control_limits, an_unterminated_line_is_an_error_and_is_not_run)
{
    int fd = operator_open_session();
    operator_send(fd, "ping\nwait");
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    cr_expect_str_eq(operator_receive(fd), "ok\nstate handed in\n.\n"
                                           "error cannot execute: the last line has no newline; "
                                           "send the whole line in another session\n.\n");
    cr_expect(operator_is_closed(fd));
    cr_expect_null(control_waiting);
    close(fd);
}

Test(control_limits, peers_that_connect_and_close_leave_nothing_behind)
{
    for (int i = 0; i < 200; i++) {
        int fd = control_client_open();
        if (i % 3 == 1)
            control_turn(1);
        if (i % 3 == 2)
            operator_send(fd, "ping\npi");
        close(fd);
        control_turn(i % 7 == 0 ? 7 : 0);
    }
    control_turn(10);
    operator_expect_service();
}

/* ---- many sessions ---- */

Test(control_limits, a_hundred_silent_peers_do_not_prevent_other_sessions)
{
    int served = operator_open_session(), silent[100];
    for (int i = 0; i < 100; i++) {
        silent[i] = operator_open_session();
        operator_expect(served, "ping\n", "ok\nstate handed in\n.\n");
    }
    cr_expect_str_eq(
        operator_receive(silent[0]),
        "error cannot keep the session: all sessions are in use; connect again later\n.\n");
    cr_expect(operator_is_closed(silent[0]));
    cr_expect_not(operator_is_closed(silent[99]));
    for (int i = 0; i < 100; i++)
        close(silent[i]);
    operator_expect(served, "ping\n", "ok\nstate handed in\n.\n");
    close(served);
}

Test(control_limits, the_longest_idle_session_is_evicted_and_a_busy_one_is_not)
{
    int fds[CONTROL_SESSIONS_MAX];
    for (int i = 0; i < CONTROL_SESSIONS_MAX; i++)
        fds[i] = operator_open_session();
    operator_expect(fds[0], "wait\n", "");
    operator_expect(fds[1], "ping\n", "ok\nstate handed in\n.\n");
    operator_expect_service();
    cr_expect_not(operator_is_closed(fds[0]), "busy");
    cr_expect_not(operator_is_closed(fds[1]), "used lately");
    operator_receive(fds[2]);
    cr_expect(operator_is_closed(fds[2]), "idle for longest");
    cr_expect_not(operator_is_closed(fds[3]));
    control_ok(control_waiting);
    control_end(control_waiting);
    cr_expect_str_eq(operator_receive(fds[0]), "ok\n.\n");
    for (int i = 0; i < CONTROL_SESSIONS_MAX; i++)
        close(fds[i]);
}

Test(control_limits, a_new_session_is_refused_when_all_are_busy)
{
    int fds[CONTROL_SESSIONS_MAX];
    struct control_session *held[CONTROL_SESSIONS_MAX];
    for (int i = 0; i < CONTROL_SESSIONS_MAX; i++) {
        fds[i] = operator_open_session();
        operator_expect(fds[i], "wait\n", "");
        held[i] = control_waiting;
    }
    int newcomer = operator_open_session();
    cr_expect_str_eq(
        operator_receive(newcomer),
        "error cannot keep the session: all sessions are in use; connect again later\n.\n");
    cr_expect(operator_is_closed(newcomer));
    close(newcomer);
    for (int i = 0; i < CONTROL_SESSIONS_MAX; i++) {
        control_ok(held[i]);
        control_end(held[i]);
        cr_expect_str_eq(operator_receive(fds[i]), "ok\n.\n");
        close(fds[i]);
    }
    operator_expect_service();
}

Test(control_limits, a_running_command_is_not_evicted_while_its_peer_does_not_read)
{
    int fd = operator_open_session();
    operator_send(fd, "list 30000\n");
    control_turn(1000); /* a part of it fills the socket, the rest waits in the server */
    cr_assert_lt(control_listing.written, 30000);
    int others[CONTROL_SESSIONS_MAX];
    for (int i = 0; i < CONTROL_SESSIONS_MAX; i++)
        others[i] = operator_open_session();
    cr_expect_not(operator_is_closed(others[1]));
    cr_expect_not(control_listing.peer_has_closed, "a running command continues");
    for (int i = 0; i < CONTROL_SESSIONS_MAX; i++)
        close(others[i]);
    operator_expect_list(fd, 30000);
    close(fd);
}

/* ---- no descriptors ---- */

/* Lowers the limit so that no descriptor is free. Returns the former limits. */
static struct rlimit use_up_descriptors(void)
{
    struct rlimit before, none;
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind has descriptors and limits of its own");
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    cr_assert_geq(next, 0);
    close(next);
    none = (struct rlimit){(rlim_t)next, before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

Test(control_limits, without_descriptors_the_longest_idle_session_is_evicted)
{
    int idle = operator_open_session(), newcomer = control_client_open();
    struct rlimit before = use_up_descriptors();
    operator_expect(newcomer, "ping\n", "ok\nstate handed in\n.\n");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_expect_str_eq(operator_receive(idle), "error cannot keep the session: the server is out of "
                                             "descriptors; connect again later\n.\n");
    cr_expect(operator_is_closed(idle));
    close(idle);
    close(newcomer);
}

/* Runs the loop for that time. Returns the CPU time that it took, in seconds. */
static double run_for(uint32_t ms)
{
    struct loop_timer timer;
    clock_t begin = clock();
    cr_assert_eq(loop_timer_open(control_loop, &timer, control_stop_loop, NULL), 0);
    loop_timer_once(&timer, (uint64_t)ms * 1000000);
    cr_assert_eq(loop_run_until_stopped(control_loop), 0);
    loop_timer_close(&timer);
    return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

Test(control_limits, without_descriptors_and_sessions_it_waits_and_accepts_later)
{
    struct loop_timer warm;
    cr_assert_eq(loop_timer_open(control_loop, &warm, control_stop_loop, NULL), 0);
    int newcomer = control_client_open();
    struct rlimit before = use_up_descriptors();
    control_turn(2);
    clock_t begin = clock();
    loop_timer_once(&warm, 300000000);
    cr_assert_eq(loop_run_until_stopped(control_loop), 0);
    cr_expect_lt((double)(clock() - begin) / CLOCKS_PER_SEC, 0.15, "it spins");
    loop_timer_close(&warm);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    operator_send(newcomer, "ping\n");
    run_for(1500);
    cr_expect_str_eq(operator_receive(newcomer), "ok\nstate handed in\n.\n");
    close(newcomer);
}

/* ---- start and end ---- */

Test(control_limits, the_end_removes_the_file_and_sends_an_error_to_waiting_sessions)
{
    int idle = operator_open_session(), busy = operator_open_session(),
        later_peer = operator_open_session();
    operator_expect(busy, "wait\n", "");
    operator_expect(later_peer, "ping\n", "ok\nstate handed in\n.\n");
    control_close(control_tested);
    control_tested = NULL;
    struct stat status;
    cr_expect_eq(stat(control_path, &status), -1);
    cr_expect_str_eq(operator_receive(busy), "error cannot keep the session: the server is "
                                             "stopping; connect again when it is running\n.\n");
    cr_expect_str_eq(operator_receive(idle), "");
    cr_expect(operator_is_closed(busy));
    cr_expect(operator_is_closed(idle));
    close(idle);
    close(busy);
    close(later_peer);
}

Test(control_limits, a_list_that_is_not_read_does_not_delay_the_end)
{
    int fd = operator_open_session();
    operator_send(fd, "list 1000000\n");
    control_turn(1000);
    control_close(control_tested);
    control_tested = NULL;
    close(fd);
}

Test(control_limits, the_socket_of_a_live_process_is_not_replaced)
{
    struct control *second;
    cr_expect_eq(control_open_another(&second), -EADDRINUSE);
    operator_expect_service();
}

Test(control_limits, a_failed_start_leaves_nothing_behind)
{
    struct control *second;
    strcat(control_path, "/nowhere"); /* a path below the socket, which is not a directory */
    cr_expect_eq(control_open_another(&second), -ENOTDIR);
}
