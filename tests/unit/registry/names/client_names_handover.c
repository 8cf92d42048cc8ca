/* A table of names that is handed over: the next process goes on with it as the first one would
 * have, with the same memory or with a copy of its names. */
#include "registry/names/client_names.h"

#include "base/prng.h"
#include "handover_fixture.h"
#include "os/process/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 40, CLIENTS = 60, FORMER_MS = 120000, TTL_MS = 60000 };

static const struct siphash_key key = {1, 2}, other_key = {3, 4};

/* A number below a limit. */
static uint32_t below(struct prng *prng, uint32_t limit)
{
    return (uint32_t)(prng_next(prng) % limit);
}

struct table {
    struct shared_memory memory;
    struct client_names *names;
};

static struct table first_table(uint32_t max)
{
    struct table table;
    cr_assert_eq(memory_reserve_shared(&table.memory, client_names_bytes(max, true), 0), 0);
    table.names = client_names_new(table.memory.memory, max, &key, FORMER_MS, 0);
    return table;
}

static struct table mapped_table(const struct table *first)
{
    struct table table;
    cr_assert_eq(
        memory_map_shared(&table.memory, dup(first->memory.descriptor), first->memory.bytes, 0), 0);
    table.names = client_names_new(table.memory.memory, NAMES_MAX, &other_key, FORMER_MS, 777);
    return table;
}

static void free_table(struct table *table)
{
    client_names_free(table->names);
    memory_release_shared(&table->memory);
}

static void hand_on(struct table *table)
{
    struct table next = mapped_table(table);
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    client_names_hand_over(table->names, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(client_names_take_over(next.names, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    handover_forget(&reader);
    handover_writer_free(&writer);
    free_table(table);
    *table = next;
}

static struct device_name name_of(uint32_t n)
{
    struct device_name name;
    char text[24];
    snprintf(text, sizeof text, "lamp-%u", n);
    cr_assert_null(device_name_set(&name, text, strlen(text)));
    return name;
}

static struct name_holder holder_of(uint32_t n, uint64_t number)
{
    const struct addr source = {
        .family = ADDR_IPV4, .ip = {192, 0, 2, 1}, .port = (uint16_t)(1000 + n)};
    return (struct name_holder){
        .key = client_key_of(0, &source), .join_number = n, .number = number, .worker = n % 2};
}

static enum client_names_outcome claim(struct client_names *names, uint32_t name, uint32_t client,
                                       uint64_t number, uint64_t now_ms, struct name_holder *before)
{
    const struct device_name text = name_of(name);
    const struct name_holder holder = holder_of(client, number);
    return client_names_claim(names, &text, &holder, now_ms, now_ms + TTL_MS, before);
}

static bool is_same(const struct name_holder *a, const struct name_holder *b)
{
    return client_key_equal(&a->key, &b->key) && a->join_number == b->join_number &&
           a->number == b->number && a->worker == b->worker;
}

static void expect_same_names(struct client_names *a, struct client_names *b)
{
    cr_assert_eq(client_names_count(a), client_names_count(b));
    for (uint32_t n = 0; n < 2 * NAMES_MAX; n++) {
        const struct device_name name = name_of(n);
        struct name_holder ours, theirs;
        bool has = client_names_find(a, &name, &ours);
        cr_assert_eq(client_names_find(b, &name, &theirs), has);
        if (has)
            cr_assert(is_same(&ours, &theirs));
    }
}

/* A pass of the checks: a third of the clients are not registered any more. */
static void check_both(struct client_names *a, struct client_names *b, uint64_t now_ms)
{
    struct name_holder ours, theirs;
    while (client_names_take_due(a, now_ms, &ours)) {
        cr_assert(client_names_take_due(b, now_ms, &theirs));
        cr_assert(is_same(&ours, &theirs));
        bool is_registered = ours.join_number % 3 != 0;
        client_names_checked(a, &ours, is_registered, now_ms + TTL_MS);
        client_names_checked(b, &ours, is_registered, now_ms + TTL_MS);
    }
    cr_assert_not(client_names_take_due(b, now_ms, &theirs));
}

static void claim_both(struct client_names *a, struct client_names *b, struct prng *prng,
                       uint64_t *number, uint64_t now_ms)
{
    uint32_t name = below(prng, 2 * NAMES_MAX), client = below(prng, CLIENTS);
    struct name_holder ours, theirs;
    enum client_names_outcome outcome = claim(a, name, client, ++*number, now_ms, &ours);
    cr_assert_eq(claim(b, name, client, *number, now_ms, &theirs), outcome);
    if (outcome != CLIENT_NAMES_MOVED)
        return;
    cr_assert(is_same(&ours, &theirs));
    const struct device_name text = name_of(name);
    const struct name_holder holder = holder_of(client, *number);
    ++*number;
    client_names_settle(a, &text, &holder, *number);
    client_names_settle(b, &text, &holder, *number);
}

Test(client_names_handover, goes_on_as_a_table_that_was_never_handed_over)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct prng prng;
        uint64_t number = 0, now_ms = 1000;
        prng_init(&prng, seed);
        struct table model = first_table(NAMES_MAX), handed = first_table(NAMES_MAX);
        for (int step = 0; step < 2000; step++) {
            uint32_t kind = below(&prng, 100);
            if (kind < 70) {
                claim_both(model.names, handed.names, &prng, &number, now_ms);
            } else if (kind < 85) {
                struct name_holder gone = holder_of(below(&prng, CLIENTS), 0);
                cr_assert_eq(client_names_remove(model.names, &gone.key, gone.worker, UINT64_MAX),
                             client_names_remove(handed.names, &gone.key, gone.worker, UINT64_MAX));
            } else if (kind < 90) {
                check_both(model.names, handed.names, now_ms);
            } else if (kind < 95) {
                hand_on(&handed);
            }
            now_ms += below(&prng, 500);
        }
        expect_same_names(model.names, handed.names);
        free_table(&model);
        free_table(&handed);
    }
}

Test(client_names_handover, to_a_table_of_another_size_is_refused_and_changes_nothing)
{
    struct table first = first_table(NAMES_MAX), other = first_table(NAMES_MAX + 1);
    struct name_holder before;
    const struct device_name name = name_of(7);
    claim(other.names, 7, 7, 1, 0, &before);
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    client_names_hand_over(first.names, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(client_names_take_over(other.names, &reader), -EPROTO);
    cr_assert(client_names_find(other.names, &name, NULL));
    cr_assert_neq(client_names_layout(NAMES_MAX, true), client_names_layout(NAMES_MAX + 1, true));
    cr_assert_neq(client_names_layout(NAMES_MAX, true), client_names_layout(NAMES_MAX, false));
    handover_forget(&reader);
    handover_writer_free(&writer);
    free_table(&first);
    free_table(&other);
}

/* As an upgrade does whose clients are copied: the key first, then names, then former sources. */
static int copy_names(struct client_names *from, struct client_names *to)
{
    struct handover_writer writer = {.size = 0};
    struct name_holder holder, before;
    struct device_name name;
    uint32_t position = 0;
    uint64_t number = 0;
    handover_begin(&writer, 1);
    client_names_hand_over_key(from, &writer);
    client_names_hand_over_formers(from, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    int error = client_names_take_over_key(to, &reader);
    while (client_names_next(from, &position, &name)) {
        cr_assert(client_names_find(from, &name, &holder));
        holder.number = ++number;
        client_names_claim(to, &name, &holder, 0, TTL_MS, &before);
    }
    if (error == 0)
        error = client_names_take_over_formers(to, &reader);
    cr_assert(error != 0 || handover_is_at_end(&reader));
    handover_forget(&reader);
    handover_writer_free(&writer);
    return error;
}

/* Name 5 moves from client 1 to client 2. */
static void move_name(struct client_names *names)
{
    struct name_holder before;
    const struct device_name name = name_of(5);
    const struct name_holder holder = holder_of(2, 2);
    cr_assert_eq(claim(names, 5, 1, 1, 1000, &before), CLIENT_NAMES_ADDED);
    cr_assert_eq(claim(names, 5, 2, 2, 2000, &before), CLIENT_NAMES_MOVED);
    client_names_settle(names, &name, &holder, 3);
}

Test(client_names_handover, of_copied_names_keeps_their_former_sources)
{
    struct table first = first_table(NAMES_MAX), next = first_table(2 * NAMES_MAX);
    struct name_holder before;
    client_names_free(next.names);
    next.names = client_names_new(next.memory.memory, 2 * NAMES_MAX, &other_key, FORMER_MS, 0);
    move_name(first.names);
    claim(first.names, 6, 3, 4, 2000, &before);
    cr_assert_eq(copy_names(first.names, next.names), 0);
    cr_assert_eq(client_names_count(next.names), 2);
    cr_assert_eq(claim(next.names, 5, 1, 100, 3000, &before), CLIENT_NAMES_FORMER);
    cr_assert_eq(claim(next.names, 6, 1, 101, 3000, &before), CLIENT_NAMES_MOVED);
    cr_assert_eq(claim(next.names, 5, 4, 102, 2000 + FORMER_MS + 2000, &before),
                 CLIENT_NAMES_MOVED);
    free_table(&first);
    free_table(&next);
}

Test(client_names_handover, of_former_sources_can_go_to_no_table)
{
    struct table first = first_table(NAMES_MAX);
    struct handover_writer writer = {.size = 0};
    move_name(first.names);
    handover_begin(&writer, 1);
    client_names_hand_over_formers(first.names, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(client_names_take_over_formers(NULL, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    handover_forget(&reader);
    handover_writer_free(&writer);
    free_table(&first);
}

Test(client_names_handover, of_the_key_is_refused_where_names_are)
{
    struct table first = first_table(NAMES_MAX);
    move_name(first.names);
    cr_assert_eq(copy_names(first.names, first.names), -EPROTO);
    free_table(&first);
}
