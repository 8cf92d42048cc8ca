/* The position of a broadcast: clients that were skipped, clients that the walk returns to, and who
 * has a copy. */
#include "server/broadcast/blocked_sockets.h"

#include "registry_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

enum { CAPACITY = 512, SOCKETS = 3 };

static struct blocked_sockets sockets;
static struct registry_walk walk;

static void set_up(void)
{
    cr_assert_eq(blocked_sockets_init(&sockets, CAPACITY), 0);
    blocked_sockets_reset(&sockets);
    walk = registry_walk_all();
}

static void tear_down(void)
{
    blocked_sockets_free(&sockets);
}

TestSuite(blocked_sockets, .init = set_up, .fini = tear_down, .timeout = 60);

static struct client in_slot(uint32_t slot)
{
    return (struct client){.slot = slot};
}

static void mark_done(uint32_t slot)
{
    const struct client client = in_slot(slot);
    blocked_sockets_mark_done(&sockets, &client, 1);
}

static void return_to(uint32_t slot)
{
    const struct client client = in_slot(slot);
    blocked_sockets_return_to(&sockets, &walk, &client);
    cr_assert_eq(walk.next, slot);
    cr_assert_not(walk.ended);
}

static void expect_done(uint32_t begin, uint32_t end, bool expected)
{
    for (uint32_t slot = begin; slot < end; slot++)
        cr_assert_eq(blocked_sockets_is_done(&sockets, slot), expected, "slot %u", slot);
}

/* ---- the walk returns ---- */

Test(blocked_sockets, a_return_makes_all_clients_before_done)
{
    walk.next = 100;
    return_to(70);
    expect_done(0, 70, true);
    expect_done(70, 200, false);
    cr_assert_eq(sockets.blocked_count, 0);
    mark_done(71);
    mark_done(99);
    expect_done(70, 71, false);
    expect_done(71, 72, true);
    expect_done(72, 99, false);
    expect_done(99, 100, true);
    expect_done(100, 200, false);
}

Test(blocked_sockets, a_second_return_keeps_who_is_done)
{
    walk.next = 100;
    return_to(70);
    mark_done(90);
    walk.next = 130;
    return_to(110); /* the clients from 70 on are done only if they were recorded */
    expect_done(70, 90, false);
    expect_done(90, 91, true);
    expect_done(91, 130, false);
}

Test(blocked_sockets, a_return_after_a_skip_keeps_who_is_done)
{
    const struct client skipped = in_slot(20);
    walk.next = 64;
    blocked_sockets_skip(&sockets, &walk, 1, &skipped);
    mark_done(30);
    walk.next = 128;
    return_to(100);
    expect_done(0, 20, true);
    expect_done(20, 30, false);
    expect_done(30, 31, true);
    expect_done(31, 128, false);
    cr_assert_eq(sockets.blocked_count, 1);
    blocked_sockets_rewind(&sockets, &walk);
    cr_assert_eq(walk.next, 20);
}

Test(blocked_sockets, a_skip_after_a_return_keeps_who_is_done)
{
    const struct client skipped = in_slot(80);
    walk.next = 128;
    return_to(50);
    mark_done(60);
    walk.next = 100;
    blocked_sockets_skip(&sockets, &walk, 2, &skipped);
    expect_done(0, 50, true);
    expect_done(50, 60, false);
    expect_done(60, 61, true);
    expect_done(61, 128, false);
    blocked_sockets_rewind(&sockets, &walk);
    cr_assert_eq(walk.next, 80);
}

Test(blocked_sockets, a_walk_that_has_ended_goes_on_from_where_it_returns_to)
{
    walk.next = 300;
    walk.ended = true;
    return_to(5);
    expect_done(0, 5, true);
    expect_done(5, 300, false);
}

Test(blocked_sockets, of_the_next_job_nobody_is_done)
{
    walk.next = 300;
    return_to(64);
    mark_done(250);
    blocked_sockets_reset(&sockets);
    expect_done(0, 512, false);
    mark_done(3);
    expect_done(0, 512, false);
}

/* A copy that left past the sockets may be recorded after a skip of a later client. */
Test(blocked_sockets, a_client_before_the_first_skip_is_not_done_in_the_next_job)
{
    const struct client skipped = in_slot(200);
    walk.next = 256;
    blocked_sockets_skip(&sockets, &walk, 1, &skipped);
    mark_done(10);
    mark_done(199);
    mark_done(201);
    blocked_sockets_reset(&sockets);
    expect_done(0, 512, false);
    walk = registry_walk_all();
    walk.next = 64;
    return_to(0);
    expect_done(0, 512, false);
}

/* ---- a model: each client gets exactly one copy ---- */

enum { SLOTS = 400, MODEL_BATCH = 16, ROUNDS = 3000 };

static uint64_t seed;
static bool exists[SLOTS];
static size_t socket_of[SLOTS];
static unsigned copies[SLOTS];
static unsigned returns, skips;

static bool one_in(uint32_t number)
{
    return random_below(&seed, number) == 0;
}

static void copy_to(const struct client *client)
{
    copies[client->slot]++;
}

/* As registry_walk_next. */
static uint32_t find_next(struct client *clients, uint32_t max)
{
    uint32_t count = 0;
    while (count < max) {
        while (walk.next < SLOTS && !exists[walk.next])
            walk.next++;
        if (walk.next >= SLOTS) {
            walk.ended = true;
            break;
        }
        clients[count++] = in_slot(walk.next++);
    }
    return count;
}

static uint32_t find_due(struct client *clients, uint32_t max)
{
    uint32_t count = find_next(clients, max), due = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!blocked_sockets_is_done(&sockets, clients[i].slot) &&
            !sockets.blocked[socket_of[clients[i].slot]])
            clients[due++] = clients[i];
    return due;
}

/* Each run of clients of one socket, which may be blocked in the midst of it. */
static void send_by_sockets(const struct client *clients, uint32_t count)
{
    for (uint32_t begin = 0, end = 0; begin < count; begin = end) {
        const size_t socket = socket_of[clients[begin].slot];
        while (end < count && socket_of[clients[end].slot] == socket)
            end++;
        if (sockets.blocked[socket])
            continue;
        const uint32_t sent = one_in(4) ? random_below(&seed, end - begin) : end - begin;
        for (uint32_t i = 0; i < sent; i++)
            copy_to(&clients[begin + i]);
        blocked_sockets_mark_done(&sockets, &clients[begin], sent);
        if (sent == end - begin)
            continue;
        skips++;
        blocked_sockets_skip(&sockets, &walk, socket, &clients[begin + sent]);
    }
}

/* Some of the copies leave past the sockets, and some of these fail: as in paced_copies. */
static void send_slice(void)
{
    struct client clients[MODEL_BATCH], framed[MODEL_BATCH] = {{.slot = 0}}, failed[MODEL_BATCH];
    uint32_t count = find_due(clients, 1 + random_below(&seed, MODEL_BATCH));
    uint32_t left = 0, sent = 0, failed_count = 0;
    const bool has_frames = one_in(2), fails = one_in(3);
    for (uint32_t i = 0; i < count; i++) {
        if (!has_frames || one_in(3))
            clients[left++] = clients[i];
        else if (fails && one_in(2))
            failed[failed_count++] = clients[i];
        else
            framed[sent++] = clients[i];
    }
    for (uint32_t i = 0; i < sent; i++)
        copy_to(&framed[i]);
    if (failed_count > 0) {
        returns++;
        blocked_sockets_return_to(&sockets, &walk,
                                  left > 0 && clients[0].slot < failed[0].slot ? &clients[0]
                                                                               : &failed[0]);
    }
    blocked_sockets_mark_done(&sockets, framed, sent);
    if (failed_count == 0)
        send_by_sockets(clients, left);
    blocked_sockets_mark_done(&sockets, framed, sent);
}

/* The next process has another blocked_sockets. */
static void hand_over(void)
{
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    blocked_sockets_hand_over(&sockets, &walk, &writer);
    handover_end(&writer);
    blocked_sockets_free(&sockets);
    set_up();
    struct handover_reader reader = {.bytes = writer.bytes, .size = writer.size};
    handover_next(&reader);
    cr_assert_eq(blocked_sockets_take_over(&sockets, &walk, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    handover_writer_free(&writer);
}

static void run_job(void)
{
    blocked_sockets_reset(&sockets);
    walk = registry_walk_all();
    memset(copies, 0, sizeof copies);
    const uint32_t density = 1 + random_below(&seed, 4);
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        exists[slot] = one_in(density);
        socket_of[slot] = random_below(&seed, SOCKETS);
    }
    while (!walk.ended || sockets.blocked_count > 0) {
        if (one_in(4))
            socket_of[random_below(&seed, SLOTS)] = random_below(&seed, SOCKETS);
        if (one_in(40))
            hand_over();
        if (sockets.blocked_count > 0 && (walk.ended || one_in(4)))
            blocked_sockets_rewind(&sockets, &walk);
        if (!walk.ended)
            send_slice();
    }
}

Test(blocked_sockets, each_client_gets_one_copy_whatever_is_skipped_and_fails)
{
    for (seed = 1; seed <= ROUNDS; seed++) {
        const uint64_t round = seed;
        run_job();
        for (uint32_t slot = 0; slot < SLOTS; slot++)
            cr_assert_eq(copies[slot], exists[slot], "round %u, slot %u: %u copies",
                         (unsigned)round, slot, copies[slot]);
        seed = round;
    }
    cr_assert_gt(returns, ROUNDS);
    cr_assert_gt(skips, ROUNDS);
}
