/* Stream listeners whose accept fails: this file replaces accept4 of libc. */
#include "net/socket/socket_descriptor.h"
#include "net/socket/tcp_socket.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "server/streams/stream_clients.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int accept_errno; /* of the next call; 0: it succeeds */

int failing_accept4(int listener, struct sockaddr *name, socklen_t *size,
                    int flags) __asm__("accept4");

int failing_accept4(int listener, struct sockaddr *name, socklen_t *size, int flags)
{
    if (accept_errno != 0) {
        errno = accept_errno;
        accept_errno = 0;
        return -1;
    }
    return (int)syscall(SYS_accept4, listener, name, size, flags);
}

static struct loop *loop;
static struct stream_clients *streams;
static struct datagram_decider datagram_decider;
static struct stats stats;
static struct stream_listener listeners[2];
static struct addr at[2];
static int last_errno;

static void set_up(void)
{
    static const struct message message = {(const uint8_t *)"yes", 3};
    struct addr any = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}};
    loop = loop_new();
    cr_assert_not_null(loop);
    static struct event_publisher nobody; /* there is no subscriber */
    datagram_decider = (struct datagram_decider){
        .events = &nobody, .reply = reply_rotation_new(REPLY_ROTATE, &message, 1), .stats = &stats};
    for (int i = 0; i < 2; i++) {
        listeners[i] = (struct stream_listener){.socket = tcp_listen(&any, &at[i]),
                                                .transport = TRANSPORT_TCP};
        cr_assert_geq(listeners[i].socket, 0);
    }
    const struct stream_clients_options options = {
        .loop = loop,
        .datagram_decider = &datagram_decider,
        .stats = &stats,
        .reply_errno = &last_errno,
        .listeners = listeners,
        .listener_count = 2,
        .max = 8,
        .files = 8,
        .buffer_bytes = 4096,
        .idle_ms = 60000,
        .max_message_bytes = 100,
    };
    cr_assert_eq(stream_clients_open(&streams, &options), 0);
}

static void tear_down(void)
{
    stream_clients_close(streams);
    for (int i = 0; i < 2; i++)
        socket_close(listeners[i].socket);
    reply_rotation_release(datagram_decider.reply);
    loop_free(loop);
}

TestSuite(stream_accept, .timeout = 20);

static void stop_if_both_joined(void *state)
{
    (void)state;
    if (stats.joined == 2)
        loop_stop(loop);
}

static void run_until_both_joined(void)
{
    struct loop_timer timer;
    cr_assert_eq(loop_timer_open(loop, &timer, stop_if_both_joined, NULL), 0);
    loop_timer_every(&timer, 10);
    cr_assert_eq(loop_run_until_stopped(loop), 0);
    loop_timer_close(&timer);
}

ParameterizedTestParameters(stream_accept, a_failed_accept_pauses_all_listeners_for_a_second)
{
    static int errors[] = {ENFILE, EMFILE, ENOMEM, ENOBUFS, EPERM};
    return cr_make_param_array(int, errors, sizeof errors / sizeof errors[0]);
}

ParameterizedTest(int *error, stream_accept, a_failed_accept_pauses_all_listeners_for_a_second)
{
    set_up();
    uint64_t start_ms = clock_now_ms();
    accept_errno = *error;
    int first = tcp_connect(&at[0]), second = tcp_connect(&at[1]);
    run_until_both_joined();
    uint64_t took_ms = clock_now_ms() - start_ms;
    cr_assert_eq(accept_errno, 0);
    cr_assert(took_ms >= 900 && took_ms <= 1500, "it took %d ms", (int)took_ms);
    socket_close(first);
    socket_close(second);
    tear_down();
}
