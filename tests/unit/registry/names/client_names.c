/* Tests of registry/names/client_names. */
#include "registry/names/client_names.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TTL_MS = 60000 };

static struct client_names *names;
static void *memory;

static void open_table_with_formers(uint32_t max, uint64_t former_ms)
{
    static const struct siphash_key key = {1, 2};
    size_t bytes = (client_names_bytes(max, former_ms > 0) + 63) / 64 * 64;
    memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    names = client_names_new(memory, max, &key, former_ms, 0);
}

static void open_table(uint32_t max)
{
    open_table_with_formers(max, 0);
}

static void close_table(void)
{
    client_names_free(names);
    free(memory);
}

static struct device_name named(const char *text)
{
    struct device_name name;
    cr_assert_null(device_name_set(&name, text, strlen(text)));
    return name;
}

/* A client of IPv4 on port `port`, the join_number-th of worker 0, whose claim was received at
 * now_ms and has that number. */
static struct name_holder client(uint16_t port, uint64_t join_number, uint64_t now_ms)
{
    const struct addr source = {.family = ADDR_IPV4, .ip = {192, 0, 2, 1}, .port = port};
    return (struct name_holder){
        .key = client_key_of(0, &source), .join_number = join_number, .number = now_ms};
}

static enum client_names_outcome claim_only(const char *text, const struct name_holder *holder,
                                            struct name_holder *before)
{
    struct device_name name = named(text);
    return client_names_claim(names, &name, holder, holder->number, holder->number + TTL_MS,
                              before);
}

static void settle(const char *text, const struct name_holder *holder, uint64_t number)
{
    struct device_name name = named(text);
    client_names_settle(names, &name, holder, number);
}

/* A claim, and the removal of the client that had the name. */
static enum client_names_outcome claim(const char *text, const struct name_holder *holder,
                                       struct name_holder *before)
{
    enum client_names_outcome outcome = claim_only(text, holder, before);
    if (outcome == CLIENT_NAMES_MOVED)
        settle(text, holder, holder->number);
    return outcome;
}

/* The port of the client that has the name, or 0. */
static uint16_t port_of(const char *text)
{
    struct device_name name = named(text);
    struct name_holder holder;
    return client_names_find(names, &name, &holder) ? client_key_source(&holder.key).port : 0;
}

static bool has_name(const struct name_holder *holder, const char *text)
{
    struct device_name name, wanted = named(text);
    return client_names_of(names, &holder->key, &name, NULL) && device_name_equal(&name, &wanted);
}

Test(client_names, leads_from_a_name_to_its_client_and_back, .fini = close_table)
{
    open_table(4);
    struct name_holder a = client(1, 1, 0), b = client(2, 2, 0), before;
    cr_assert_eq(claim("a", &a, &before), CLIENT_NAMES_ADDED);
    cr_assert_eq(claim("b", &b, &before), CLIENT_NAMES_ADDED);
    cr_assert_eq(claim("a", &a, &before), CLIENT_NAMES_KEPT);
    cr_assert_eq(client_names_count(names), 2);
    cr_assert_eq(port_of("a"), 1);
    cr_assert_eq(port_of("b"), 2);
    cr_assert_eq(port_of("c"), 0);
    cr_assert(has_name(&a, "a"));
    cr_assert(has_name(&b, "b"));
    struct name_holder other_listener = a;
    other_listener.key.head |= UINT64_C(1) << CLIENT_KEY_LISTENER_SHIFT;
    cr_assert_not(client_names_of(names, &other_listener.key, NULL, NULL));
}

Test(client_names, moves_a_name_to_the_client_that_claims_it, .fini = close_table)
{
    open_table(4);
    struct name_holder old = client(1, 7, 10), new = client(2, 8, 20), before;
    claim("a", &old, &before);
    cr_assert_eq(claim("a", &new, &before), CLIENT_NAMES_MOVED);
    cr_assert_eq(before.join_number, 7);
    cr_assert_eq(client_key_source(&before.key).port, 1);
    cr_assert_eq(port_of("a"), 2);
    cr_assert_not(client_names_of(names, &old.key, NULL, NULL));
    cr_assert_eq(client_names_count(names), 1);
}

Test(client_names, does_not_move_a_name_back_by_a_hello_that_is_handled_late, .fini = close_table)
{
    open_table(4);
    struct name_holder old = client(1, 1, 10), new = client(2, 2, 20), before;
    claim("a", &new, &before);
    cr_assert_eq(claim("a", &old, &before), CLIENT_NAMES_LATE);
    cr_assert_eq(port_of("a"), 2);
    cr_assert_not(client_names_of(names, &old.key, NULL, NULL));
}

Test(client_names, stays_where_it_moves_until_the_former_client_is_removed, .fini = close_table)
{
    open_table(4);
    struct name_holder old = client(1, 1, 10), new = client(2, 2, 20), third = client(3, 3, 22),
                       before;
    claim("a", &old, &before);
    cr_assert_eq(claim_only("a", &new, &before), CLIENT_NAMES_MOVED);
    old.number = 21;
    cr_assert_eq(claim_only("a", &old, &before), CLIENT_NAMES_LATE, "it is to be removed");
    cr_assert_eq(claim_only("a", &third, &before), CLIENT_NAMES_LATE);
    cr_assert_eq(claim_only("b", &new, &before), CLIENT_NAMES_LATE, "it would give the name up");
    settle("a", &old, 30);
    cr_assert_eq(claim_only("a", &third, &before), CLIENT_NAMES_LATE, "that was another client");
    settle("a", &new, 30);
    old.number = 29;
    cr_assert_eq(claim_only("a", &old, &before), CLIENT_NAMES_LATE, "from before its removal");
    cr_assert_eq(claim_only("a", &new, &before), CLIENT_NAMES_KEPT);
    cr_assert_eq(port_of("a"), 2);
    third.number = 31;
    cr_assert_eq(claim_only("a", &third, &before), CLIENT_NAMES_MOVED);
    cr_assert_eq(before.join_number, 2);
}

Test(client_names, that_was_given_up_does_not_come_back_by_an_older_claim, .fini = close_table)
{
    open_table(4);
    struct name_holder old = client(1, 1, 10), new = client(2, 2, 20), before;
    claim("a", &old, &before);
    claim_only("a", &new, &before);
    settle("a", &new, 30);
    new.number = 31;
    claim("b", &new, &before);
    new.number = 32;
    cr_assert_eq(claim("a", &new, &before), CLIENT_NAMES_ADDED);
    old.number = 29;
    cr_assert_eq(claim("a", &old, &before), CLIENT_NAMES_LATE);
    cr_assert_eq(port_of("a"), 2);
}

/* A client that joined from the same source since, and whose hello another thread received. */
Test(client_names, is_not_given_to_an_earlier_client_of_the_same_source, .fini = close_table)
{
    open_table(4);
    struct name_holder earlier = client(1, 1, 10), later = client(1, 2, 20), before, holder;
    struct device_name name = named("a");
    claim("a", &later, &before);
    cr_assert_eq(claim("a", &earlier, &before), CLIENT_NAMES_LATE);
    cr_assert(client_names_find(names, &name, &holder));
    cr_assert_eq(holder.join_number, 2);
}

Test(client_names, does_not_go_back_to_a_former_source_too_early, .fini = close_table)
{
    enum { FORMER_MS = 120000 };
    open_table_with_formers(4, FORMER_MS);
    struct name_holder before;
    for (uint16_t port = 1; port <= 9; port++) {
        struct name_holder next = client(port, port, port * 1000u);
        cr_assert_neq(claim("a", &next, &before), CLIENT_NAMES_FORMER);
    }
    for (uint16_t port = 1; port <= 8; port++) {
        struct name_holder former = client(port, port + 10u, 10000);
        cr_assert_eq(claim("a", &former, &before), CLIENT_NAMES_FORMER, "%d", port);
        former.number = (port + 1u) * 1000 + FORMER_MS - 1;
        cr_assert_eq(claim("a", &former, &before), CLIENT_NAMES_FORMER, "%d", port);
    }
    cr_assert_eq(port_of("a"), 9);
    struct name_holder back = client(8, 18, 9000 + FORMER_MS + 1000);
    cr_assert_eq(claim("a", &back, &before), CLIENT_NAMES_MOVED);
    struct name_holder other = client(1, 11, 10000);
    cr_assert_eq(claim("b", &other, &before), CLIENT_NAMES_ADDED, "of another name");
}

Test(client_names, of_another_client_has_no_former_sources_of_the_one_before, .fini = close_table)
{
    open_table_with_formers(1, TTL_MS);
    struct name_holder a = client(1, 1, 1000), b = client(2, 2, 2000), back = client(1, 3, 3000),
                       before;
    claim("a", &a, &before);
    claim("a", &b, &before);
    cr_assert_eq(claim("a", &back, &before), CLIENT_NAMES_FORMER);
    cr_assert(client_names_remove(names, &b.key, 0, UINT64_MAX));
    cr_assert_eq(claim("c", &b, &before), CLIENT_NAMES_ADDED);
    cr_assert_eq(claim("c", &back, &before), CLIENT_NAMES_MOVED);
}

Test(client_names, gives_a_client_one_name, .fini = close_table)
{
    open_table(4);
    struct name_holder a = client(1, 1, 0), b = client(2, 2, 0), before;
    claim("old", &a, &before);
    cr_assert_eq(claim("new", &a, &before), CLIENT_NAMES_ADDED);
    cr_assert_eq(port_of("old"), 0);
    cr_assert_eq(port_of("new"), 1);
    claim("b", &b, &before);
    cr_assert_eq(claim("b", &a, &before), CLIENT_NAMES_MOVED);
    cr_assert_eq(port_of("new"), 0);
    cr_assert_eq(port_of("b"), 1);
    cr_assert_eq(client_names_count(names), 1);
}

Test(client_names, refuses_a_name_only_if_it_needs_a_place_and_there_is_none, .fini = close_table)
{
    open_table(2);
    struct name_holder a = client(1, 1, 0), b = client(2, 2, 0), c = client(3, 3, 0), before;
    claim("a", &a, &before);
    claim("b", &b, &before);
    cr_assert_eq(claim("c", &c, &before), CLIENT_NAMES_FULL);
    cr_assert_not(client_names_of(names, &c.key, NULL, NULL));
    cr_assert_eq(claim("a", &a, &before), CLIENT_NAMES_KEPT, "it has a place");
    cr_assert_eq(claim("a2", &a, &before), CLIENT_NAMES_ADDED, "its other name's place is free");
    cr_assert_eq(claim("b", &c, &before), CLIENT_NAMES_MOVED, "it takes the name's place");
    cr_assert(client_names_remove(names, &a.key, 0, UINT64_MAX));
    cr_assert_eq(claim("b2", &b, &before), CLIENT_NAMES_ADDED);
    cr_assert_eq(client_names_count(names), 2);
}

Test(client_names, frees_the_name_of_a_client_that_is_gone_and_of_no_later_one, .fini = close_table)
{
    open_table(1);
    struct name_holder a = client(1, 7, 0), before;
    claim("a", &a, &before);
    cr_assert_not(client_names_remove(names, &a.key, 0, 7), "an earlier client of this address");
    cr_assert_not(client_names_remove(names, &a.key, 1, 8), "a client of another shard");
    struct name_holder b = client(2, 8, 0);
    cr_assert_not(client_names_remove(names, &b.key, 0, 9), "a client without a name");
    cr_assert_eq(port_of("a"), 1);
    cr_assert(client_names_remove(names, &a.key, 0, 8));
    cr_assert_eq(client_names_count(names), 0);
    cr_assert_eq(claim("b", &b, &before), CLIENT_NAMES_ADDED, "its place is free");
}

Test(client_names, frees_a_name_that_is_moving_to_a_client_that_is_gone_once_the_former_is_removed,
     .fini = close_table)
{
    open_table(1);
    struct name_holder a = client(1, 1, 10), b = client(2, 2, 20), c = client(3, 3, 30), before;
    claim("a", &a, &before);
    cr_assert_eq(claim_only("a", &b, &before), CLIENT_NAMES_MOVED);
    cr_assert(client_names_remove(names, &b.key, 0, 3));
    cr_assert_eq(claim_only("a", &c, &before), CLIENT_NAMES_LATE);
    a.number = 40;
    cr_assert_eq(claim_only("a", &a, &before), CLIENT_NAMES_LATE, "it is still to be removed");
    settle("a", &b, 50);
    cr_assert_eq(client_names_count(names), 0);
    cr_assert_eq(claim_only("a", &c, &before), CLIENT_NAMES_ADDED);
    settle("a", &c, 60);
    cr_assert_eq(port_of("a"), 3, "its own client is registered");
}

Test(client_names, forgets_a_name_whose_client_is_not_registered_any_more, .fini = close_table)
{
    open_table(4);
    struct name_holder a = client(1, 1, 0), b = client(2, 2, 0), due, before;
    claim("a", &a, &before);
    claim("b", &b, &before);
    cr_assert_not(client_names_take_due(names, TTL_MS - 200, &due));
    for (int i = 0; i < 2; i++) {
        cr_assert(client_names_take_due(names, TTL_MS + 200, &due));
        client_names_checked(names, &due, due.join_number == 1, 2 * TTL_MS);
    }
    cr_assert_not(client_names_take_due(names, TTL_MS + 200, &due));
    cr_assert_eq(port_of("a"), 1);
    cr_assert_eq(port_of("b"), 0);
    cr_assert_not(client_names_take_due(names, 2 * TTL_MS - 200, &due));
    cr_assert(client_names_take_due(names, 2 * TTL_MS + 200, &due));
    cr_assert_eq(due.join_number, 1);
}

Test(client_names, checks_a_name_at_its_time_also_beyond_a_lap_of_the_wheel, .fini = close_table)
{
    enum { LAP_MS = 8192 * 128, CHECK_MS = 3 * LAP_MS + 5 };
    open_table(1);
    struct name_holder a = client(1, 1, 0), due, before;
    struct device_name name = named("a");
    client_names_claim(names, &name, &a, 0, CHECK_MS, &before);
    for (uint64_t now_ms = 0; now_ms < CHECK_MS; now_ms += 1000)
        cr_assert_not(client_names_take_due(names, now_ms, &due), "%llu",
                      (unsigned long long)now_ms);
    cr_assert(client_names_take_due(names, CHECK_MS + 128, &due));
}

/* A whole pass, in which one name is due. */
static void take_the_one_due(uint64_t now_ms, struct name_holder *due)
{
    struct name_holder other;
    cr_assert(client_names_take_due(names, now_ms, due));
    cr_assert_not(client_names_take_due(names, now_ms, &other));
}

Test(client_names, ignores_the_end_of_a_check_that_another_claim_has_overtaken, .fini = close_table)
{
    open_table(4);
    struct name_holder a = client(1, 1, 0), rejoined = client(1, 9, TTL_MS), due, before;
    claim("a", &a, &before);
    take_the_one_due(TTL_MS + 200, &due);
    claim("a", &rejoined, &before);
    client_names_checked(names, &due, false, 0);
    cr_assert_eq(port_of("a"), 1, "the client has joined again, and claimed the name");

    take_the_one_due(2 * TTL_MS + 200, &due);
    struct name_holder moved = client(2, 10, 2 * TTL_MS);
    claim("a", &moved, &before);
    client_names_checked(names, &due, false, 0);
    cr_assert_eq(port_of("a"), 2, "the name has moved");

    take_the_one_due(3 * TTL_MS + 200, &due);
    cr_assert(client_names_remove(names, &due.key, 0, UINT64_MAX));
    client_names_checked(names, &due, true, 9 * TTL_MS);
    cr_assert_eq(client_names_count(names), 0, "the name was removed");
}

Test(client_names, lists_each_name_once, .fini = close_table)
{
    open_table(8);
    struct name_holder before;
    uint32_t position = 0;
    struct device_name name;
    cr_assert_not(client_names_next(names, &position, &name));
    for (uint16_t i = 1; i <= 5; i++) {
        char text[8];
        struct name_holder holder = client(i, i, 0);
        snprintf(text, sizeof text, "n%d", i);
        claim(text, &holder, &before);
    }
    struct name_holder third = client(3, 3, 0);
    client_names_remove(names, &third.key, 0, UINT64_MAX);
    unsigned seen = 0;
    for (position = 0; client_names_next(names, &position, &name);) {
        cr_assert_eq(name.size, 2);
        cr_assert_eq(seen >> (name.bytes[1] - '0') & 1, 0);
        seen |= 1u << (name.bytes[1] - '0');
    }
    cr_assert_eq(seen, 0x36, "1, 2, 4 and 5: %x", seen);
}

/* Random claims, removals and checks, compared with a table of which each search reads all. */
Test(client_names, agrees_with_a_plain_table, .fini = close_table)
{
    enum { NAMES = 40, PORTS = 60, MAX = 24, STEPS = 100000 };
    int owner[NAMES] = {0}; /* by name: the port of its client; 0: none */
    int count = 0;
    open_table(MAX);
    srand(16);
    for (int step = 0; step < STEPS; step++) {
        int number = rand() % NAMES, port = 1 + rand() % PORTS, mine = -1;
        uint64_t now_ms = (uint64_t)step;
        for (int i = 0; i < NAMES; i++)
            mine = owner[i] == port ? i : mine;
        char text[8];
        struct name_holder holder = client((uint16_t)port, (uint64_t)port, now_ms), before;
        if (rand() % 4 == 0) {
            cr_assert_eq(client_names_remove(names, &holder.key, 0, UINT64_MAX), mine >= 0);
            count -= mine >= 0;
            if (mine >= 0)
                owner[mine] = 0;
            continue;
        }
        snprintf(text, sizeof text, "n%d", number);
        enum client_names_outcome expected = mine == number             ? CLIENT_NAMES_KEPT
                                             : owner[number] != 0       ? CLIENT_NAMES_MOVED
                                             : mine < 0 && count == MAX ? CLIENT_NAMES_FULL
                                                                        : CLIENT_NAMES_ADDED;
        cr_assert_eq(claim(text, &holder, &before), expected, "step %d", step);
        if (expected == CLIENT_NAMES_MOVED)
            cr_assert_eq(client_key_source(&before.key).port, owner[number]);
        if (expected == CLIENT_NAMES_FULL || expected == CLIENT_NAMES_KEPT)
            continue;
        count += (expected == CLIENT_NAMES_ADDED) - (mine >= 0);
        if (mine >= 0)
            owner[mine] = 0;
        owner[number] = port;
        cr_assert_eq(client_names_count(names), (uint32_t)count);
        cr_assert_eq(port_of(text), port);
        cr_assert(has_name(&holder, text));
    }
}
