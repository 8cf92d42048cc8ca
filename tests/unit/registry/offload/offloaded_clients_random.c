/* A registry with an offload beside one without: the same datagrams, of which the program answers
 * some, make the same clients, with the same deadlines and counts. */
#include "offload_registry_fixture.h"

enum { SOURCES = 90, SEEDS = 20, STEPS = 3000 };

struct pair {
    struct offload *offload;
    struct shard model; /* without an offload */
    uint64_t random, now_ms, answered;
};

static void sweep_both(struct pair *pair)
{
    cr_assert_eq(sweep(&pair->offload->shard, pair->now_ms), sweep(&pair->model, pair->now_ms));
}

/* One datagram. A client that has expired and is not swept yet would be renewed by the program. */
static void send_both(struct pair *pair)
{
    struct offload *offload = pair->offload;
    bool is_frequent = random_below(&pair->random, 2) == 0;
    struct addr source =
        any_source(random_below(&pair->random, is_frequent ? 2 * RECORDS : SOURCES));
    struct addr local = local_of(&source, random_below(&pair->random, 10) == 0 ? 2 : 1);
    struct addr without_port = local;
    bool is_plain = random_below(&pair->random, 8) != 0;
    without_port.port = 0;
    if (!is_live(&pair->model, source, pair->now_ms))
        sweep_both(pair);
    enum registry_outcome expected = record_at(&pair->model, 0, source, without_port, pair->now_ms);
    if (is_plain &&
        program_receive(&offload->kernel, &source, &local, offload->generation, pair->now_ms)) {
        cr_assert_eq(expected, REGISTRY_RENEWED);
        pair->answered++;
        return;
    }
    struct registry_datagram datagram = {.source = &source, .local = &without_port};
    registry_update(offload->shard.registry, 0, &datagram, 1, pair->now_ms);
    cr_assert_eq(datagram.outcome, expected);
    if (expected == REGISTRY_RENEWED && is_plain)
        registry_offload(offload->shard.registry, &datagram, &local, pair->now_ms);
}

static void remove_both(struct pair *pair)
{
    struct addr source = any_source(random_below(&pair->random, SOURCES));
    sweep_both(pair);
    cr_assert_eq(remove_client(&pair->offload->shard, source), remove_client(&pair->model, source));
}

static void change_ttl_of_both(struct pair *pair)
{
    struct offload *offload = pair->offload;
    uint32_t ttl_ms = 1000 + random_below(&pair->random, TTL_MS);
    offload->generation = offloaded_clients_new_generation(&offload->clients);
    registry_set_ttl(offload->shard.registry, ttl_ms);
    registry_set_ttl(pair->model.registry, ttl_ms);
}

static void expire_both(struct pair *pair)
{
    registry_expire_all(pair->offload->shard.registry, pair->now_ms);
    registry_expire_all(pair->model.registry, pair->now_ms);
}

static void step(struct pair *pair)
{
    uint32_t kind = random_below(&pair->random, 1000);
    pair->now_ms += random_below(&pair->random, 200);
    if (kind < 900)
        send_both(pair);
    else if (kind < 940)
        sweep_both(pair);
    else if (kind < 980)
        remove_both(pair);
    else if (kind < 985)
        change_ttl_of_both(pair);
    else if (kind < 986)
        expire_both(pair);
    else if (kind < 990)
        while (offloaded_clients_withdraw(&pair->offload->clients, 3))
            continue;
    else
        pair->offload->kernel.refuses = kind < 992;
}

static void expect_same_clients(struct pair *pair)
{
    for (uint32_t n = 0; n < SOURCES; n++) {
        struct addr source = any_source(n);
        struct client client, expected;
        bool is_expected = registry_find(pair->model.registry, 0, &source, pair->now_ms, &expected);
        cr_assert_eq(
            registry_find(pair->offload->shard.registry, 0, &source, pair->now_ms, &client),
            is_expected);
        if (!is_expected)
            continue;
        cr_assert_eq(client.received, expected.received);
        cr_assert_eq(client.idle_ms, expected.idle_ms);
        cr_assert_eq(client.age_s, expected.age_s);
        cr_assert_eq(client.join_number, expected.join_number);
        cr_assert(addr_is_same(&client.local, &expected.local));
    }
}

Test(offloaded_clients_random, are_the_same_clients_as_without_an_offload)
{
    uint64_t answered = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct pair pair = {.offload = offload_new(), .random = seed, .now_ms = START_MS};
        pair.model = shard_new(CAPACITY, TTL_MS, START_MS);
        for (int i = 0; i < STEPS; i++) {
            step(&pair);
            if (i % 100 == 0)
                expect_same_clients(&pair);
        }
        expect_same_clients(&pair);
        answered += pair.answered;
        shard_free(&pair.model);
        offload_free(pair.offload);
    }
    cr_assert_gt(answered, SEEDS * STEPS / 50);
}
