/* Tests of the hellos of a fan-out's clients, which the test receives and answers. */
#include "load/confirm/hello_frames.h"

#include "net/message/datagram.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>

#include <string.h>

enum { CLIENTS = 100, OPEN_MAX = 30 };

static const uint64_t START_NS = 5000000000, SECOND_NS = 1000000000;

static int server;
static struct simulated_clients clients;
static struct confirming_clients *confirming;
static struct copy_counts *copies;
static struct hello_frames *hello;

static void begin(void)
{
    struct addr any = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}};
    struct udp_socket_options options = {.receive_buffer_bytes = 1 << 20};
    struct simulated_clients_plan plan = {.count = CLIENTS};
    char error[SIMULATED_CLIENTS_ERROR_BYTES];
    server = udp_socket_open(&any, &options, &plan.target);
    cr_assert_geq(server, 0);
    cr_assert_eq(simulated_clients_open(&clients, &plan, 0, CLIENTS, error), 0);
    confirming = confirming_clients_new(&clients, 0, 1);
    copies = copy_counts_new(CLIENTS);
    hello = hello_frames_new(&clients);
    cr_assert(confirming != NULL && copies != NULL && hello != NULL);
    for (uint32_t i = 0; i < CLIENTS; i++)
        if (i != 5) /* not registered */
            copy_counts_register(copies, i);
    hello_frames_start(hello, START_NS, OPEN_MAX);
}

static void end(void)
{
    hello_frames_free(hello);
    copy_counts_free(copies);
    confirming_clients_free(confirming);
    simulated_clients_close(&clients);
    socket_close(server);
}

static bool step(uint64_t now_ns)
{
    return hello_frames_step(hello, copies, confirming, now_ns);
}

/* Returns how many hellos the server received. */
static uint32_t receive(void)
{
    static const uint8_t expected[] = {0, 0x55, 0x44, 0x50, 8, 1};
    uint8_t bytes[64];
    uint64_t time_ms;
    uint32_t received = 0;
    for (ssize_t size; (size = datagram_receive(server, bytes, sizeof bytes, &time_ms)) >= 0;) {
        cr_assert_eq(size, sizeof expected);
        cr_assert_arr_eq(bytes, expected, sizeof expected);
        received++;
    }
    return received;
}

static void answer(uint32_t client, uint64_t now_ns)
{
    cr_assert(confirming_clients_greet(confirming, client));
    hello_frames_answer(hello, now_ns);
}

TestSuite(hello_frames, .init = begin, .fini = end, .timeout = 10);

Test(hello_frames, are_answered_a_limited_number_at_a_time)
{
    uint64_t now_ns = START_NS;
    uint32_t sent = 0;
    for (uint32_t client = 0; client < CLIENTS; client++) {
        if (client == 5)
            continue;
        cr_assert(step(now_ns));
        sent += receive();
        cr_assert_eq(sent, client < 5 && client + OPEN_MAX < CLIENTS ? client + OPEN_MAX
                           : client - 1 + OPEN_MAX < CLIENTS - 1     ? client - 1 + OPEN_MAX
                                                                     : CLIENTS - 1);
        answer(client, now_ns += 1000);
    }
    cr_assert_not(step(now_ns));
    cr_assert_eq(receive(), 0, "all have their answer but the one that is not registered");
}

Test(hello_frames, are_sent_again_without_an_answer_three_times_in_all)
{
    uint64_t now_ns = START_NS;
    for (int i = 0; i < 3; i++) {
        cr_assert(step(now_ns));
        cr_assert_eq(receive(), OPEN_MAX);
        cr_assert_eq(hello_frames_next_ns(hello), now_ns + SECOND_NS);
        cr_assert(step(now_ns + SECOND_NS - 1));
        cr_assert_eq(receive(), 0);
        now_ns += SECOND_NS;
    }
    cr_assert_not(step(now_ns));
    cr_assert_eq(receive(), 0);
}

Test(hello_frames, are_sent_again_only_by_clients_without_an_answer)
{
    cr_assert(step(START_NS));
    cr_assert_eq(receive(), OPEN_MAX);
    for (uint32_t client = 10; client < OPEN_MAX; client++)
        answer(client, START_NS + 1);
    cr_assert(step(START_NS + 1));
    cr_assert_eq(receive(), OPEN_MAX - 10);
    for (uint32_t client = 31; client < OPEN_MAX + 21; client++)
        answer(client, START_NS + 2);
    cr_assert(step(START_NS + 2 + SECOND_NS));
    /* Of clients 0 to 50, 0 to 4, 6 to 9 and 30 have no answer; 51 to 70 are new. */
    cr_assert_eq(receive(), OPEN_MAX);
}
