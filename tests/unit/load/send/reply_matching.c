/* Tests of matching datagrams to requests. */
#include "load/send/reply_matching.h"

#include <criterion/criterion.h>

enum { TIMEOUT = 1000, AUDI = 1, BMW = 2 };

static struct reply_match *match;

static void create_with_warm_up(uint32_t clients)
{
    match = reply_match_new(clients, TIMEOUT);
    cr_assert_not_null(match);
}

static void create(uint32_t clients)
{
    create_with_warm_up(clients);
    reply_match_measure(match);
}

static void free_match(void)
{
    reply_match_free(match);
}

/* Sends one request that is due at now_ns. Returns its client. */
static uint32_t send_at(uint64_t now_ns)
{
    uint32_t client = UINT32_MAX;
    cr_assert(reply_match_pick(match, true, &client));
    reply_match_sent(match, client, now_ns, now_ns);
    return client;
}

static struct reply_match_answer datagram(uint32_t client, uint32_t hash)
{
    return reply_match_datagram(match, client, hash, true);
}

static void expect_kind(uint32_t client, uint32_t hash, enum reply_match_kind kind)
{
    struct reply_match_answer answer = datagram(client, hash);
    cr_assert_eq(answer.kind, kind, "the kind is %d, not %d", (int)answer.kind, (int)kind);
}

TestSuite(reply_matching, .fini = free_match, .timeout = 30);

Test(reply_matching, sends_from_each_client_in_turn)
{
    create(3);
    for (uint32_t i = 0; i < 30; i++) {
        uint32_t client = send_at(i);
        cr_assert_eq(client, i % 3);
        expect_kind(client, AUDI, REPLY_MATCH_REPLY);
    }
    cr_assert(reply_match_is_exact(match));
}

Test(reply_matching, matches_replies_in_any_order)
{
    create(3);
    for (uint64_t i = 0; i < 3; i++) {
        uint32_t client;
        cr_assert(reply_match_pick(match, false, &client));
        reply_match_sent(match, client, 10 * i, 10 * i + 5);
    }
    static const uint32_t order[] = {2, 0, 1};
    for (int i = 0; i < 3; i++) {
        struct reply_match_answer answer = datagram(order[i], AUDI);
        cr_assert_eq(answer.kind, REPLY_MATCH_REPLY);
        cr_assert_eq(answer.intended_ns, 10 * order[i]);
        cr_assert_eq(answer.sent_ns, 10 * order[i] + 5);
    }
    cr_assert_eq(reply_match_open(match), 0);
}

Test(reply_matching, loses_a_request_at_its_timeout_and_not_before)
{
    create(1);
    send_at(100);
    cr_assert_eq(reply_match_deadline_ns(match), 100 + TIMEOUT);
    cr_assert_eq(reply_match_expire(match, 100 + TIMEOUT - 1), 0);
    cr_assert_eq(reply_match_expire(match, 100 + TIMEOUT), 1);
    cr_assert_eq(reply_match_open(match), 0);
    cr_assert_eq(reply_match_expire(match, 10000), 0);
    cr_assert_eq(reply_match_deadline_ns(match), UINT64_MAX);
}

Test(reply_matching, loses_only_requests_without_a_reply)
{
    create(100);
    for (uint64_t i = 0; i < 100; i++) {
        uint32_t client = send_at(i);
        if (i % 10 != 3)
            expect_kind(client, AUDI, REPLY_MATCH_REPLY);
    }
    cr_assert_eq(reply_match_open(match), 10);
    cr_assert_eq(reply_match_expire(match, 200 + TIMEOUT), 10);
}

Test(reply_matching, recognizes_a_late_reply_while_its_client_pauses)
{
    create(2);
    send_at(0);
    reply_match_expire(match, TIMEOUT);
    /* Client 0 pauses, so that only client 1 can send. */
    cr_assert_eq(send_at(TIMEOUT), 1);
    uint32_t client;
    cr_assert_not(reply_match_pick(match, false, &client));
    expect_kind(0, AUDI, REPLY_MATCH_LATE);
    /* The pause is over and the client is idle again; the same datagram again is a duplicate. */
    expect_kind(0, AUDI, REPLY_MATCH_DUPLICATE);
    cr_assert(reply_match_pick(match, false, &client));
    cr_assert_eq(client, 0);
}

Test(reply_matching, pauses_a_client_for_one_more_timeout)
{
    create(1);
    send_at(0);
    uint32_t client;
    reply_match_expire(match, TIMEOUT);
    cr_assert_eq(reply_match_deadline_ns(match), 2 * TIMEOUT);
    reply_match_expire(match, 2 * TIMEOUT - 1);
    cr_assert_not(reply_match_pick(match, false, &client));
    reply_match_expire(match, 2 * TIMEOUT);
    cr_assert(reply_match_pick(match, false, &client));
    reply_match_sent(match, client, 2 * TIMEOUT, 2 * TIMEOUT);
    expect_kind(client, AUDI, REPLY_MATCH_REPLY);
    cr_assert(reply_match_is_exact(match));
}

Test(reply_matching, does_not_match_an_unexpected_datagram_as_a_late_reply)
{
    create(1);
    send_at(0);
    reply_match_expire(match, TIMEOUT);
    cr_assert_eq(reply_match_datagram(match, 0, BMW, false).kind, REPLY_MATCH_UNSOLICITED);
    expect_kind(0, AUDI, REPLY_MATCH_LATE);
}

Test(reply_matching, distinguishes_duplicates_from_broadcasts)
{
    create(2);
    send_at(0);
    expect_kind(0, AUDI, REPLY_MATCH_REPLY);
    expect_kind(0, AUDI, REPLY_MATCH_DUPLICATE);
    expect_kind(0, BMW, REPLY_MATCH_UNSOLICITED);
    expect_kind(0, AUDI, REPLY_MATCH_DUPLICATE);
    expect_kind(1, AUDI, REPLY_MATCH_UNSOLICITED);
}

Test(reply_matching, does_not_match_a_broadcast_between_requests_as_a_reply)
{
    create(10);
    for (uint64_t i = 0; i < 100; i++) {
        uint32_t client = send_at(i);
        expect_kind(client, AUDI, REPLY_MATCH_REPLY);
        for (uint32_t other = 0; other < 10; other++)
            expect_kind(other, BMW, REPLY_MATCH_UNSOLICITED);
    }
    cr_assert_eq(reply_match_open(match), 0);
}

Test(reply_matching, matches_by_order_and_reports_it_when_all_clients_are_busy)
{
    create(2);
    for (uint64_t i = 0; i < 6; i++)
        cr_assert_eq(send_at(i), i % 2);
    cr_assert_not(reply_match_is_exact(match));
    cr_assert_eq(reply_match_open(match), 6);
    for (uint64_t i = 0; i < 3; i++) {
        cr_assert_eq(datagram(1, AUDI).intended_ns, 2 * i + 1);
        cr_assert_eq(datagram(0, AUDI).intended_ns, 2 * i);
    }
    expect_kind(0, AUDI, REPLY_MATCH_DUPLICATE);
    cr_assert_eq(reply_match_open(match), 0);
}

Test(reply_matching, loses_the_oldest_of_a_busy_client_first)
{
    create(1);
    send_at(0);
    send_at(500);
    cr_assert_eq(reply_match_expire(match, TIMEOUT), 1);
    cr_assert_eq(datagram(0, AUDI).intended_ns, 500);
    cr_assert_eq(reply_match_expire(match, 10 * TIMEOUT), 0);
    uint32_t client;
    cr_assert(reply_match_pick(match, false, &client));
}

Test(reply_matching, picks_no_busy_client_without_overlap)
{
    create(1);
    uint32_t client;
    send_at(0);
    cr_assert_not(reply_match_pick(match, false, &client));
    cr_assert(reply_match_is_exact(match));
}

Test(reply_matching, puts_a_client_back_whose_request_was_not_sent)
{
    create(2);
    uint32_t client;
    cr_assert(reply_match_pick(match, false, &client));
    reply_match_unpick(match, client);
    for (uint64_t i = 0; i < 10; i++) {
        client = send_at(i);
        expect_kind(client, AUDI, REPLY_MATCH_REPLY);
    }
    cr_assert_eq(reply_match_open(match), 0);
}

Test(reply_matching, allows_a_client_picked_twice_whose_first_request_is_refused)
{
    create(1);
    uint32_t first, second, third;
    cr_assert(reply_match_pick(match, true, &first));
    cr_assert(reply_match_pick(match, true, &second));
    reply_match_unpick(match, first);
    reply_match_sent(match, second, 0, 0);
    cr_assert_not(reply_match_pick(match, false, &third));
    expect_kind(second, AUDI, REPLY_MATCH_REPLY);
    cr_assert(reply_match_pick(match, false, &third));
    cr_assert_not(reply_match_pick(match, false, &second));
}

Test(reply_matching, does_not_measure_the_warm_up)
{
    create_with_warm_up(4);
    send_at(0);
    send_at(0);
    send_at(0);
    expect_kind(0, AUDI, REPLY_MATCH_REPLY);
    reply_match_measure(match);
    send_at(10);
    cr_assert_not(datagram(0, AUDI).measured); /* a duplicate */
    cr_assert_not(datagram(1, AUDI).measured); /* a reply */
    cr_assert_eq(reply_match_expire(match, TIMEOUT), 0);
    cr_assert_not(datagram(2, AUDI).measured); /* a late reply */
    cr_assert(datagram(2, BMW).measured);      /* a broadcast */
    cr_assert_eq(reply_match_expire(match, 10 + TIMEOUT), 1);
}

Test(reply_matching, ignores_overlap_only_in_the_warm_up)
{
    create_with_warm_up(1);
    send_at(0);
    send_at(0);
    reply_match_measure(match);
    cr_assert(reply_match_is_exact(match));
    send_at(1); /* overlaps two of the warm-up */
    cr_assert_not(reply_match_is_exact(match));
}

/* Compares with a model that visits all clients in each step. */
Test(reply_matching, agrees_with_a_simple_model_over_a_long_random_run)
{
    enum { CLIENTS = 50, STEPS = 200000 };
    static struct {
        uint64_t sent_ns;
        bool open;
    } model[CLIENTS];
    uint64_t sent = 0, replied = 0, lost = 0, model_lost = 0, random = 88172645463325252u;
    create(CLIENTS);
    for (uint64_t now = 0; now < STEPS; now++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint32_t client = (uint32_t)(random >> 32) % CLIENTS;
        lost += reply_match_expire(match, now);
        for (uint32_t i = 0; i < CLIENTS; i++) {
            if (model[i].open && model[i].sent_ns + TIMEOUT <= now) {
                model[i].open = false;
                model_lost++;
            }
        }
        cr_assert_eq(lost, model_lost);
        if (random % 8 < 4 && reply_match_pick(match, false, &client)) {
            cr_assert_not(model[client].open);
            reply_match_sent(match, client, now, now);
            model[client].open = true;
            model[client].sent_ns = now;
            sent++;
        } else if (random % 8 == 4) {
            struct reply_match_answer answer = datagram(client, (uint32_t)random % 3);
            cr_assert_eq(answer.kind == REPLY_MATCH_REPLY, model[client].open);
            if (model[client].open)
                cr_assert_eq(answer.sent_ns, model[client].sent_ns);
            replied += model[client].open;
            model[client].open = false;
        }
        cr_assert_eq(reply_match_open(match), sent - replied - lost);
    }
    cr_assert(replied > 1000 && lost > 10, "%d replied, %d lost", (int)replied, (int)lost);
}

Test(reply_matching, grows_beyond_its_first_capacity)
{
    enum { CLIENTS = 100000 };
    create(CLIENTS);
    for (uint64_t i = 0; i < CLIENTS; i++)
        send_at(i / 100);
    for (uint32_t i = 0; i < CLIENTS; i += 2)
        cr_assert_eq(datagram(i, AUDI).sent_ns, i / 100);
    cr_assert_eq(reply_match_expire(match, 5 * TIMEOUT), CLIENTS / 2);
}
