/* Input of framed streams: splitting into lines, limits, the end of input, pausing, discarding. */
#include "framed_stream_fixture.h"
#include "os/loop/timer.h"

/* ---- Splitting input into lines ---- */

Test(framed_stream, splits_lines_at_lf_and_crlf)
{
    struct owner owner;
    open_owner(&owner, 100);
    owner.stop_at = 4;
    send_text(&owner, "one\ntwo\r\n\nfo\rur\n");
    run(&owner);
    cr_assert_str_eq(owner.received, "[one][two][][fo\rur]");
    close_owner(&owner);
}

Test(framed_stream, joins_a_line_that_comes_in_pieces)
{
    struct owner owner;
    open_owner(&owner, 100);
    send_text(&owner, "sta");
    settle(&owner);
    cr_assert_eq(owner.lines, 0);
    send_text(&owner, "tus\r");
    settle(&owner);
    cr_assert_eq(owner.lines, 0);
    send_text(&owner, "\nst");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[status]");
    send_text(&owner, "op\n");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[status][stop]");
    close_owner(&owner);
}

Test(framed_stream, line_right_after_a_joined_one_is_found)
{
    struct owner owner;
    open_owner(&owner, 100);
    send_text(&owner, "status");
    settle(&owner);
    send_text(&owner, "\nstop\n");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[status][stop]");
    close_owner(&owner);
}

Test(framed_stream, line_may_contain_a_nul)
{
    struct owner owner;
    open_owner(&owner, 100);
    owner.stop_at = 1;
    cr_assert_eq(unix_client_write_all(owner.peer, "a\0b\n", 4), 0);
    run(&owner);
    cr_assert_eq(owner.last_size, 3);
    close_owner(&owner);
}

/* Sends a line of size bytes with the given end, and returns the error of closed, or 0. */
static int send_line(size_t max_line_bytes, size_t size, const char *end)
{
    struct owner owner;
    char *line = malloc(size);
    open_owner(&owner, max_line_bytes);
    owner.stop_at = 1;
    memset(line, 'x', size);
    cr_assert_eq(unix_client_write_all(owner.peer, line, size), 0);
    cr_assert_eq(unix_client_write_all(owner.peer, end, strlen(end)), 0);
    run(&owner);
    cr_assert_eq(owner.lines + owner.closes, 1);
    if (owner.lines)
        cr_assert_eq(owner.last_size, size);
    int error = owner.error;
    free(line);
    close_owner(&owner);
    return error;
}

Test(framed_stream, limit_counts_the_line_without_its_newline)
{
    /* Also around the initial size of the buffer. */
    static const size_t limits[] = {1, 4093, 4094, 4095, 4096, 4097, 20000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        cr_assert_eq(send_line(limits[i], limits[i], "\n"), 0, "%zu", limits[i]);
        cr_assert_eq(send_line(limits[i], limits[i], "\r\n"), 0, "%zu", limits[i]);
        cr_assert_eq(send_line(limits[i], limits[i] + 1, "\n"), -EMSGSIZE, "%zu", limits[i]);
        cr_assert_eq(send_line(limits[i], limits[i] + 2, ""), -EMSGSIZE, "%zu", limits[i]);
    }
}

Test(framed_stream, can_reply_after_a_line_that_was_too_long)
{
    struct owner owner;
    char reply[16] = {0};
    open_owner(&owner, 4);
    send_text(&owner, "much too long\n");
    run(&owner);
    cr_assert_eq(owner.error, -EMSGSIZE);
    cr_assert(framed_stream_write(owner.stream, "error\n", 6));
    framed_stream_finish(owner.stream);
    owner.stream = NULL;
    cr_assert_eq(recv(owner.peer, reply, sizeof reply, 0), 6);
    cr_assert_str_eq(reply, "error\n");
    cr_assert_eq(owner.lines, 0);
    close_owner(&owner);
}

/* ---- The end of input ---- */

Test(framed_stream, end_of_input_is_reported_after_its_lines)
{
    struct owner owner;
    open_owner(&owner, 100);
    send_text(&owner, "one\ntwo\n");
    shutdown(owner.peer, SHUT_WR);
    run(&owner);
    cr_assert_str_eq(owner.received, "[one][two]");
    cr_assert_eq(owner.closes, 1);
    cr_assert_eq(owner.error, 0);
    close_owner(&owner);
}

Test(framed_stream, line_without_a_newline_is_not_delivered)
{
    struct owner owner;
    open_owner(&owner, 100);
    send_text(&owner, "one\ntw");
    shutdown(owner.peer, SHUT_WR);
    run(&owner);
    cr_assert_str_eq(owner.received, "[one]");
    cr_assert_eq(owner.error, -EPROTO);
    close_owner(&owner);
}

static void pause_and_reply(struct owner *owner, char *line, size_t size)
{
    framed_stream_pause(owner->stream);
    cr_assert(framed_stream_write(owner->stream, line, size));
    cr_assert(framed_stream_write(owner->stream, ";", 1));
}

Test(framed_stream, peer_that_only_stopped_sending_gets_every_reply)
{
    struct owner owner;
    char replies[16] = {0};
    open_owner(&owner, 100);
    owner.on_line = pause_and_reply;
    send_text(&owner, "one\ntwo\n");
    shutdown(owner.peer, SHUT_WR);
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one]");
    cr_assert_eq(owner.closes, 0);
    framed_stream_resume(owner.stream);
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one][two]");
    cr_assert_eq(owner.closes, 0);
    framed_stream_resume(owner.stream);
    run(&owner);
    cr_assert_eq(owner.closes, 1);
    cr_assert_eq(owner.error, 0);
    framed_stream_finish(owner.stream);
    owner.stream = NULL;
    cr_assert_eq(recv(owner.peer, replies, sizeof replies, MSG_WAITALL), 8);
    cr_assert_str_eq(replies, "one;two;");
    close_owner(&owner);
}

Test(framed_stream, closed_connection_is_reported_even_while_paused)
{
    struct owner owner;
    open_owner(&owner, 100);
    framed_stream_pause(owner.stream);
    close_peer(&owner);
    run(&owner);
    cr_assert_eq(owner.closes, 1);
    cr_assert_eq(owner.error, -EPIPE);
    cr_assert_not(framed_stream_write(owner.stream, "x", 1));
    settle(&owner);
    cr_assert_eq(owner.closes, 1);
    close_owner(&owner);
}

Test(framed_stream, lines_before_a_closed_connection_are_delivered)
{
    struct owner owner;
    open_owner(&owner, 100);
    send_text(&owner, "one\ntwo\n");
    close_peer(&owner);
    run(&owner);
    cr_assert_str_eq(owner.received, "[one][two]");
    cr_assert_eq(owner.error, 0);
    close_owner(&owner);
}

Test(framed_stream, failed_write_closes_from_the_loop_and_not_at_once)
{
    struct owner owner;
    open_owner(&owner, 100);
    close_peer(&owner);
    cr_assert_not(framed_stream_write(owner.stream, "x", 1));
    cr_assert_eq(owner.closes, 0);
    run(&owner);
    cr_assert_eq(owner.closes, 1);
    cr_assert_eq(owner.error, -EPIPE);
    close_owner(&owner);
}

static uint64_t cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* Returns the processor time that the loop uses in 300 ms without anything to do. */
static uint64_t idle_cpu_ns(struct owner *owner)
{
    struct loop_timer timer;
    settle(owner);
    cr_assert_eq(loop_timer_open(owner->loop, &timer, stop, owner->loop), 0);
    loop_timer_once(&timer, 300000000);
    uint64_t start_ns = cpu_ns();
    run(owner);
    uint64_t used_ns = cpu_ns() - start_ns;
    loop_timer_close(&timer);
    return used_ns;
}

Test(framed_stream, stream_that_is_not_freed_after_its_end_costs_nothing)
{
    struct owner owner;
    open_owner(&owner, 100);
    shutdown(owner.peer, SHUT_WR);
    run(&owner);
    cr_assert_lt(idle_cpu_ns(&owner), 150000000u);
    close_peer(&owner);
    cr_assert_lt(idle_cpu_ns(&owner), 150000000u);
    cr_assert_eq(owner.closes, 1);
    close_owner(&owner);
}

/* ---- Pausing ---- */

Test(framed_stream, paused_stream_delivers_nothing_until_resumed)
{
    struct owner owner;
    open_owner(&owner, 100);
    owner.on_line = pause_here;
    send_text(&owner, "one\ntwo\n");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one]");
    framed_stream_resume(owner.stream);
    cr_assert_str_eq(owner.received, "[one]");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one][two]");
    close_owner(&owner);
}

Test(framed_stream, paused_stream_reads_nothing_from_the_kernel)
{
    struct owner owner;
    char bytes[4096] = {0};
    open_owner(&owner, 100);
    framed_stream_pause(owner.stream);
    /* The send of the peer succeeds until the buffers of the kernel are full, and they stay full.
     */
    while (send(owner.peer, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    settle(&owner);
    struct pollfd wait = {.fd = owner.peer, .events = POLLOUT};
    cr_assert_eq(poll(&wait, 1, 0), 0);
    cr_assert_eq(owner.closes, 0);
    close_owner(&owner);
}

Test(framed_stream, paused_stream_with_waiting_input_costs_nothing)
{
    struct owner owner;
    open_owner(&owner, 100);
    framed_stream_pause(owner.stream);
    send_text(&owner, "one\n");
    cr_assert_lt(idle_cpu_ns(&owner), 150000000u);
    cr_assert_eq(owner.lines, 0);
    close_owner(&owner);
}

static void pause_and_resume(struct owner *owner, char *line, size_t size)
{
    (void)line;
    (void)size;
    framed_stream_pause(owner->stream);
    framed_stream_resume(owner->stream);
}

Test(framed_stream, stream_that_is_resumed_in_its_callback_continues)
{
    struct owner owner;
    open_owner(&owner, 100);
    owner.on_line = pause_and_resume;
    owner.stop_at = 3;
    send_text(&owner, "one\ntwo\nthree\n");
    run(&owner);
    cr_assert_str_eq(owner.received, "[one][two][three]");
    close_owner(&owner);
}

/* ---- A last line without its newline ---- */

Test(framed_stream, accepts_a_last_line_without_a_newline_if_asked_to)
{
    struct owner owner;
    open_owner(&owner, 100);
    framed_stream_accept_partial_line(owner.stream);
    send_text(&owner, "one\nlast");
    close_peer(&owner);
    run(&owner);
    cr_assert_str_eq(owner.received, "[one][last]");
    cr_assert_eq(owner.closes, 1);
    cr_assert_eq(owner.error, 0);
    close_owner(&owner);
}

Test(framed_stream, empty_rest_is_no_line)
{
    struct owner owner;
    open_owner(&owner, 100);
    framed_stream_accept_partial_line(owner.stream);
    send_text(&owner, "one\n");
    close_peer(&owner);
    run(&owner);
    cr_assert_str_eq(owner.received, "[one]");
    cr_assert_eq(owner.error, 0);
    close_owner(&owner);
}

Test(framed_stream, last_line_has_the_limit_of_a_line)
{
    for (size_t size = 99; size <= 102; size++) {
        struct owner owner;
        char line[103];
        memset(line, 'x', sizeof line);
        line[size] = '\0';
        open_owner(&owner, 100);
        framed_stream_accept_partial_line(owner.stream);
        send_text(&owner, line);
        close_peer(&owner);
        run(&owner);
        cr_assert_eq(owner.lines, size <= 100, "%zu", size);
        cr_assert_eq(owner.error, size <= 100 ? 0 : -EMSGSIZE, "%zu", size);
        close_owner(&owner);
    }
}

Test(framed_stream, last_line_waits_while_paused)
{
    struct owner owner;
    open_owner(&owner, 100);
    framed_stream_accept_partial_line(owner.stream);
    owner.on_line = pause_here;
    send_text(&owner, "one\nlast");
    cr_assert_eq(shutdown(owner.peer, SHUT_WR), 0);
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one]");
    framed_stream_resume(owner.stream);
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one][last]");
    cr_assert_eq(owner.closes, 0);
    framed_stream_resume(owner.stream);
    run(&owner);
    cr_assert_eq(owner.closes, 1);
    close_owner(&owner);
}

/* ---- Discarding input ---- */

static void discard_here(struct owner *owner)
{
    cr_assert(framed_stream_write(owner->stream, "too long\n", 9));
    framed_stream_discard_input(owner->stream);
}

Test(framed_stream, discarded_input_is_read_so_that_the_peer_can_read_the_reason)
{
    struct owner owner;
    char bytes[64];
    open_owner(&owner, 100);
    memset(bytes, 'x', sizeof bytes);
    cr_assert_eq(fcntl(owner.peer, F_SETFL, O_NONBLOCK), 0);
    size_t sent = 0;
    while (owner.closes == 0) {
        ssize_t result = send(owner.peer, bytes, sizeof bytes, MSG_NOSIGNAL);
        sent += result > 0 ? (size_t)result : 0;
        run_round(&owner);
    }
    cr_assert_eq(owner.error, -EMSGSIZE);
    discard_here(&owner);
    while (sent < 4 << 20) {
        ssize_t result = send(owner.peer, bytes, sizeof bytes, MSG_NOSIGNAL);
        cr_assert(result > 0 || errno == EAGAIN);
        sent += result > 0 ? (size_t)result : 0;
        if (result < 0)
            run_round(&owner);
    }
    cr_assert_eq(recv(owner.peer, bytes, sizeof bytes, 0), 9);
    cr_assert_arr_eq(bytes, "too long\n", 9);
    cr_assert_eq(recv(owner.peer, bytes, sizeof bytes, 0), 0);
    cr_assert_eq(owner.drains, 0);
    close_peer(&owner);
    while (owner.drains == 0)
        run_round(&owner);
    cr_assert_eq(owner.lines, 0);
    close_owner(&owner);
}

Test(framed_stream, discarding_ends_at_once_if_the_input_has_ended)
{
    struct owner owner;
    char line[105];
    memset(line, 'x', sizeof line);
    open_owner(&owner, 100);
    owner.discard_when_closed = true;
    cr_assert_eq(unix_client_write_all(owner.peer, line, sizeof line), 0);
    cr_assert_eq(shutdown(owner.peer, SHUT_WR), 0);
    run(&owner);
    settle(&owner);
    cr_assert_eq(owner.error, -EMSGSIZE);
    cr_assert_eq(owner.drains, 1);
    cr_assert_eq(recv(owner.peer, line, sizeof line, 0), 0);
    close_owner(&owner);
}
