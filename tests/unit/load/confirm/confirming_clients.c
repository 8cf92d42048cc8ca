/* Tests of the clients that confirm broadcasts: which messages they show, what --drop loses, and
 * what is counted. The confirmations go to a socket of the test. */
#include "load/confirm/confirming_clients.h"

#include "net/message/datagram.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"

#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>

enum { CLIENTS = 500, MS_NS = 1000000 };

static const uint64_t START_NS = 5000000000, SECOND_NS = 1000000000;

static int server;
static struct simulated_clients clients;
static struct confirming_clients *confirming;

static void begin_with(uint32_t drop_ppm, uint64_t seed)
{
    struct addr any = {.family = ADDR_IPV4, .ip = {127, 0, 0, 1}};
    struct udp_socket_options options = {.receive_buffer_bytes = 1 << 20};
    struct simulated_clients_plan plan = {.count = CLIENTS};
    char error[SIMULATED_CLIENTS_ERROR_BYTES];
    server = udp_socket_open(&any, &options, &plan.target);
    cr_assert_geq(server, 0);
    cr_assert_eq(simulated_clients_open(&clients, &plan, 0, CLIENTS, error), 0);
    confirming = confirming_clients_new(&clients, drop_ppm, seed);
    cr_assert_not_null(confirming);
}

static void begin(void)
{
    begin_with(0, 1);
}

static void end(void)
{
    confirming_clients_free(confirming);
    simulated_clients_close(&clients);
    socket_close(server);
}

static enum confirming_clients_result receive_job(uint32_t client, uint64_t job, uint64_t now_ns)
{
    const struct frame message = {.type = FRAME_MESSAGE, .job = job, .leisure = 5};
    return confirming_clients_receive(confirming, client, &message, now_ns);
}

static enum confirming_clients_result receive(uint32_t client, uint64_t now_ns)
{
    return receive_job(client, 9, now_ns);
}

/* Sends all that is due, and returns how many confirmations the server received. */
static uint32_t send_until(uint64_t now_ns)
{
    static const uint8_t expected[] = {0, 0x55, 0x44, 0x50, 7, 0, 0, 0, 0, 0, 0, 0, 9};
    uint8_t bytes[64];
    uint64_t time_ms;
    uint32_t received = 0;
    while (confirming_clients_next_ns(confirming) <= now_ns)
        confirming_clients_send(confirming, START_NS, confirming_clients_next_ns(confirming));
    for (ssize_t size; (size = datagram_receive(server, bytes, sizeof bytes, &time_ms)) >= 0;) {
        cr_assert_eq(size, sizeof expected);
        cr_assert_arr_eq(bytes, expected, sizeof expected);
        received++;
    }
    return received;
}

static struct confirming_clients_tally tally(void)
{
    struct confirming_clients_tally tally;
    confirming_clients_take_tally(confirming, &tally);
    return tally;
}

TestSuite(confirming_clients, .init = begin, .fini = end, .timeout = 10);
TestSuite(confirming_clients_drop, .fini = end);

Test(confirming_clients, confirm_each_message_within_its_leisure)
{
    for (uint32_t i = 0; i < CLIENTS; i++)
        cr_assert_eq(receive(i, START_NS), CONFIRMING_NEW);
    uint32_t early = send_until(START_NS + 250 * (uint64_t)MS_NS);
    cr_assert(early > CLIENTS / 3 && early < CLIENTS * 2 / 3, "%u in the first half", early);
    cr_assert_eq(early + send_until(START_NS + 501 * (uint64_t)MS_NS), CLIENTS);
    cr_assert_eq(confirming_clients_next_ns(confirming), UINT64_MAX);
    struct confirming_clients_tally all = tally();
    cr_assert_eq(all.clients, CLIENTS);
    cr_assert_eq(all.confirmed, CLIENTS);
    cr_assert_eq(all.confirmations, CLIENTS);
    cr_assert_eq(all.delays.count, CLIENTS);
    cr_assert(all.delays.max <= 501 * (uint64_t)MS_NS);
}

Test(confirming_clients, show_a_message_once_and_confirm_a_repeated_one_again)
{
    cr_assert_eq(receive(3, START_NS), CONFIRMING_NEW);
    cr_assert_eq(receive(3, START_NS), CONFIRMING_REPEATED);
    cr_assert_eq(send_until(START_NS + SECOND_NS), 1, "one is due already");
    cr_assert_eq(receive(3, START_NS + SECOND_NS), CONFIRMING_REPEATED);
    cr_assert_eq(send_until(START_NS + 2 * SECOND_NS), 1);
    struct confirming_clients_tally all = tally();
    cr_assert_eq(all.confirmed, 1);
    cr_assert_eq(all.confirmations, 2);
    cr_assert_eq(all.repeated, 2);
    cr_assert_eq(all.frames, 3);
    cr_assert(all.delays.count == 1 && all.delays.max <= 501 * (uint64_t)MS_NS,
              "only the first confirmation is timed");
}

Test(confirming_clients, take_a_message_with_another_number_for_a_new_one_and_do_not_confirm_it)
{
    cr_assert_eq(receive(3, START_NS), CONFIRMING_NEW);
    cr_assert_eq(receive_job(3, 10, START_NS), CONFIRMING_NEW);
    cr_assert_eq(receive_job(4, 10, START_NS), CONFIRMING_NEW);
    cr_assert_eq(receive(3, START_NS), CONFIRMING_REPEATED);
    cr_assert_eq(send_until(START_NS + SECOND_NS), 1, "of number 9");
    cr_assert_eq(tally().repeated, 1);
}

Test(confirming_clients, do_not_count_a_confirmation_that_the_kernel_refuses_as_confirmed)
{
    uint32_t ip, socket = simulated_clients_socket(&clients, 0, &ip);
    for (uint32_t i = 0; i < CLIENTS; i++)
        receive(i, START_NS);
    shutdown(clients.sockets[socket], SHUT_WR); /* each sendmsg then returns EPIPE */
    uint32_t received = send_until(START_NS + SECOND_NS);
    struct confirming_clients_tally all = tally();
    cr_assert_lt(received, CLIENTS);
    cr_assert_eq(all.confirmations, CLIENTS);
    cr_assert_eq(all.confirmations_failed, CLIENTS - received);
    cr_assert_eq(all.confirmed, received);
    cr_assert_eq(all.delays.count, received);
}

Test(confirming_clients, begin_anew_with_each_broadcast)
{
    cr_assert(confirming_clients_greet(confirming, 1));
    cr_assert_not(confirming_clients_greet(confirming, 1));
    receive_job(3, 8, START_NS);
    tally();
    cr_assert_eq(send_until(START_NS + SECOND_NS), 0, "what was not sent is forgotten");
    cr_assert_eq(receive_job(3, 8, START_NS), CONFIRMING_LATE);
    cr_assert_eq(receive(3, START_NS), CONFIRMING_NEW);
    cr_assert_eq(receive_job(3, 8, START_NS), CONFIRMING_LATE);
    cr_assert_eq(send_until(START_NS + SECOND_NS), 1);
    struct confirming_clients_tally all = tally();
    cr_assert_eq(all.clients, 2, "they go on asking for frames");
    cr_assert_eq(all.confirmed, 1);
    all = tally();
    cr_assert(all.confirmed == 0 && all.frames == 0 && all.confirmations == 0);
}

Test(confirming_clients_drop, know_exactly_what_drop_has_lost)
{
    begin_with(300000, 42);
    uint32_t shown = 0;
    for (uint32_t i = 0; i < CLIENTS; i++)
        shown += receive(i, START_NS) == CONFIRMING_NEW;
    uint32_t received = send_until(START_NS + SECOND_NS);
    struct confirming_clients_tally all = tally();
    cr_assert_eq(all.frames, CLIENTS);
    cr_assert_eq(all.frames_dropped, CLIENTS - shown);
    cr_assert_eq(all.confirmations, shown);
    cr_assert_eq(all.confirmations_dropped, shown - received);
    cr_assert_eq(all.confirmed, received);
    /* 30 % of 500: 150, with a standard deviation of 10.2. */
    cr_assert(all.frames_dropped > 90 && all.frames_dropped < 210);
    /* 30 % of some 350: 105, with one of 8.6. */
    cr_assert(all.confirmations_dropped > 50 && all.confirmations_dropped < 160);
}

Test(confirming_clients_drop, lose_the_same_with_the_same_seed)
{
    uint64_t dropped[3];
    for (int i = 0; i < 3; i++) {
        begin_with(500000, i < 2 ? 7 : 8);
        for (uint32_t client = 0; client < CLIENTS; client++)
            receive(client, START_NS);
        send_until(START_NS + SECOND_NS);
        struct confirming_clients_tally all = tally();
        dropped[i] = all.frames_dropped << 32 | all.confirmations_dropped;
        if (i < 2)
            end();
    }
    cr_assert_eq(dropped[0], dropped[1]);
    cr_assert_neq(dropped[1], dropped[2]);
}

/* Confirmations between the frames, as they come on a busy host, draw from a sequence of their own.
 */
Test(confirming_clients_drop, lose_as_many_whatever_the_order_of_frames_and_confirmations)
{
    uint64_t dropped[2];
    for (int i = 0; i < 2; i++) {
        begin_with(300000, 7);
        for (uint32_t client = 0; client < CLIENTS; client++) {
            receive(client, START_NS);
            if (i == 1 && client % 50 == 0)
                send_until(START_NS + SECOND_NS);
        }
        send_until(START_NS + 2 * SECOND_NS);
        struct confirming_clients_tally all = tally();
        dropped[i] = all.frames_dropped << 32 | all.confirmations_dropped;
        if (i == 0)
            end();
    }
    cr_assert_eq(dropped[0], dropped[1]);
}

Test(confirming_clients_drop, lose_all_at_100_percent)
{
    begin_with(1000000, 1);
    for (uint32_t client = 0; client < CLIENTS; client++)
        cr_assert_eq(receive(client, START_NS), CONFIRMING_DROPPED);
    cr_assert_eq(send_until(START_NS + SECOND_NS), 0);
    cr_assert_eq(tally().clients, CLIENTS, "a frame shows that the hello had its effect");
}
