/* Messages as lines, one at a time. */
#include "net/message/line_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct line_socket lines;
static char bytes[LINE_SOCKET_BYTES_MAX];
static int peer;

static void open_pair(void)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    line_socket_open(&lines, fds[0]);
    peer = fds[1];
}

static void close_pair(void)
{
    close(lines.fd);
    if (peer >= 0)
        close(peer);
}

TestSuite(line_socket, .init = open_pair, .fini = close_pair, .timeout = 10);

static ssize_t receive(void)
{
    uint64_t time_ms = 0;
    ssize_t size = line_socket_receive(&lines, bytes, sizeof bytes, &time_ms);
    cr_assert_eq(time_ms > 0, size >= 0);
    return size;
}

static void expect(const char *text)
{
    cr_assert_eq(receive(), (ssize_t)strlen(text));
    cr_assert_arr_eq(bytes, text, strlen(text));
}

static void peer_sends(const char *text)
{
    cr_assert_eq(send(peer, text, strlen(text), 0), (ssize_t)strlen(text));
}

Test(line_socket, returns_line_by_line_and_the_rest_at_the_end)
{
    peer_sends("one\ntwo\r\n\nla");
    expect("one");
    expect("two");
    expect("");
    cr_assert_eq(receive(), -EAGAIN);
    peer_sends("st");
    cr_assert_eq(receive(), -EAGAIN);
    close(peer);
    peer = -1;
    expect("last");
    cr_assert_eq(receive(), -ENODATA);
    cr_assert_eq(receive(), -ENODATA);
}

Test(line_socket, receives_a_line_that_is_too_long_in_pieces)
{
    static char text[LINE_SOCKET_BYTES_MAX + 1000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\n';
    cr_assert_eq(send(peer, text, sizeof text, 0), (ssize_t)sizeof text);
    cr_assert_eq(receive(), LINE_SOCKET_BYTES_MAX);
    cr_assert_eq(receive(), 999);
    cr_assert_eq(receive(), -EAGAIN);
}

Test(line_socket, receives_the_longest_line_whole)
{
    static char text[LINE_SOCKET_BYTES_MAX + 2];
    memset(text, 'x', sizeof text);
    memcpy(text + LINE_SOCKET_BYTES_MAX, "\r\n", 2);
    cr_assert_eq(send(peer, text, sizeof text, 0), (ssize_t)sizeof text);
    cr_assert_eq(receive(), LINE_SOCKET_BYTES_MAX);
    cr_assert_eq(receive(), -EAGAIN);
}

Test(line_socket, sends_a_message_as_one_line)
{
    cr_assert_eq(line_socket_send(&lines, "a\nb\n", 4), 0);
    cr_assert_eq(line_socket_send(&lines, "", 0), 0);
    cr_assert_eq(recv(peer, bytes, sizeof bytes, 0), 6);
    cr_assert_arr_eq(bytes, "a b \n\n", 6);
    cr_assert_eq(line_socket_send(&lines, bytes, LINE_SOCKET_BYTES_MAX + 1), -EMSGSIZE);
    line_socket_finish(&lines);
    cr_assert_eq(recv(peer, bytes, sizeof bytes, 0), 0);
}

Test(line_socket, sends_later_what_did_not_fit_and_loses_nothing)
{
    size_t sent = 0, received = 0;
    cr_assert_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    while (line_socket_send(&lines, bytes, 1000) == 0)
        sent++;
    cr_assert_eq(line_socket_flush(&lines), -EAGAIN);
    cr_assert_eq(line_socket_send(&lines, bytes, 1000), -EAGAIN);
    while (line_socket_flush(&lines) != 0) {
        ssize_t got;
        while ((got = recv(peer, bytes, sizeof bytes, 0)) > 0)
            received += (size_t)got;
    }
    for (ssize_t got; (got = recv(peer, bytes, sizeof bytes, 0)) > 0;)
        received += (size_t)got;
    cr_assert_eq(received, sent * 1001);
}

Test(line_socket, closed_connection_is_an_error_and_no_signal)
{
    close(peer);
    peer = -1;
    cr_assert_eq(line_socket_send(&lines, "x", 1), -EPIPE);
}
