/* Sending and receiving single datagrams. */
#include "net/message/datagram.h"

#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static int server, client;

/* Waits for a datagram or an error. */
static void await(int socket)
{
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    cr_assert_eq(poll(&wait, 1, 5000), 1);
}

static void begin(void)
{
    struct udp_socket_options options = {.receive_buffer_bytes = 4096, .send_buffer_bytes = 4096};
    struct addr loopback = {.ip = {127, 0, 0, 1}, .family = ADDR_IPV4}, bound;
    server = udp_socket_open(&loopback, &options, &bound);
    client = udp_socket_connect(&bound);
    cr_assert(server >= 0 && client >= 0);
}

static void end(void)
{
    socket_close(client);
    if (server >= 0)
        socket_close(server);
}

TestSuite(datagram, .init = begin, .fini = end, .timeout = 10);

Test(datagram, sends_and_receives_each_whole)
{
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    char bytes[16];
    uint64_t time_ms = 0;

    cr_assert_eq(datagram_send(client, "hello", 5), 0);
    await(server);
    cr_assert_eq(recvfrom(server, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &size), 5);
    cr_assert_eq(sendto(server, "hi", 2, 0, (struct sockaddr *)&from, size), 2);
    cr_assert_eq(sendto(server, "", 0, 0, (struct sockaddr *)&from, size), 0);
    await(client);
    cr_assert_eq(datagram_receive(client, bytes, sizeof bytes, &time_ms), 2);
    cr_assert_arr_eq(bytes, "hi", 2);
    cr_assert_gt(time_ms, 1700000000000, "milliseconds since 1970 are more");
    await(client);
    cr_assert_eq(datagram_receive(client, bytes, sizeof bytes, &time_ms), 0);
}

Test(datagram, reports_that_there_is_none)
{
    char byte;
    uint64_t time_ms;
    cr_assert_eq(datagram_receive(client, &byte, 1, &time_ms), -EAGAIN);
}

Test(datagram, reports_one_that_is_too_long)
{
    static const char bytes[DATAGRAM_BYTES_MAX];
    cr_assert_eq(datagram_send(client, bytes, sizeof bytes), -EMSGSIZE);
}

Test(datagram, reports_a_refusal_once)
{
    char byte;
    uint64_t time_ms;
    socket_close(server);
    server = -1;
    cr_assert_eq(datagram_send(client, "a", 1), 0);
    await(client);
    cr_assert_eq(datagram_receive(client, &byte, 1, &time_ms), -ECONNREFUSED);
    cr_assert_eq(datagram_receive(client, &byte, 1, &time_ms), -EAGAIN);
}
