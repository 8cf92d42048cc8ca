#include "offload_fixture.h"

#include "base/prng.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* The program of the offload under a limit of the rate: it takes tokens from the same buckets as
 * the workers do, or passes a datagram on as it came. */

static const struct siphash_key key = {8, 9};

static struct clients clients;
static struct rate_limiter *limiter; /* in the memory of the offload */

static void set_up(void)
{
    clients = clients_or_skip();
    limiter = rate_limiter_init(offload_rate_limiter(clients.offload).memory, &key);
    set_rotation(&clients, 0, (const char *const[]){"a message that is longer than the request"},
                 1);
    for (size_t i = 0; i < CLIENTS; i++) {
        const struct rate_limiter_hashes hashes =
            rate_limiter_hashes(limiter, &clients.source[i], RATE_LIMITER_UNVERIFIED);
        record_of(&clients, i)->address_hash = hashes.address;
        record_of(&clients, i)->prefix_hash = hashes.prefix;
    }
}

static void tear_down(void)
{
    offload_close(clients.offload);
}

TestSuite(xdp_program_rate, .init = set_up, .fini = tear_down);

/* A rate at which no token comes back in a test. */
static struct rate_limiter_limits burst_of(uint32_t address, uint32_t prefix)
{
    const uint64_t day_ns = UINT64_C(86400) * 1000000000;

    return (struct rate_limiter_limits){.address = {day_ns, (address - 1) * day_ns},
                                        .prefix = {day_ns, (prefix - 1) * day_ns}};
}

static void set_reply_by_rate(enum offload_reply reply, const struct rate_limiter_limits *limits)
{
    set_reply(&clients, reply, 0, 400);
    set_limits(&clients, limits);
}

/* Takes a token as a worker does. */
static bool worker_takes(size_t client, const struct rate_limiter_limits *limits)
{
    return rate_limiter_take(limiter, limits, &clients.source[client], RATE_LIMITER_UNVERIFIED,
                             offload_now_ms());
}

/* The buckets of a client, which exist. */
static struct rate_bucket *find(uint64_t tag)
{
    struct rate_bucket *ways = rate_set_of(clients.offload, tag)->ways;
    size_t i = 0;

    while (i < RATE_LIMITER_WAYS && ways[i].tag != tag)
        i++;
    cr_assert_lt(i, (size_t)RATE_LIMITER_WAYS);
    return &ways[i];
}

static struct rate_bucket *address_of(size_t client)
{
    return find(record_of(&clients, client)->address_hash);
}

static struct rate_bucket *prefix_of(size_t client)
{
    return find(record_of(&clients, client)->prefix_hash);
}

/* Runs the program for a request of a client. If it passes that on, frame, buckets and the client
 * must be as they were. Returns the action. */
static int run(size_t client)
{
    struct frame frame = frame_of(&clients.source[client], &clients.local[client], "request", 7);
    const struct frame before = frame;
    const struct offload_record *record = record_of(&clients, client);
    const struct rate_bucket_set sets[] = {*rate_set_of(clients.offload, record->address_hash),
                                           *rate_set_of(clients.offload, record->prefix_hash)};
    const uint64_t seen = record->seen,
                   passed = offload_count(clients.offload, WORKER, OFFLOAD_PASSED_RATE);
    const int action = offload_run(clients.offload, &frame);

    if (action == PASSED) {
        cr_expect_eq(offload_count(clients.offload, WORKER, OFFLOAD_PASSED_RATE), passed + 1);
        cr_expect_eq(frame.size, before.size);
        cr_expect_arr_eq(frame.bytes, before.bytes, before.size);
        cr_expect_eq(record->seen, seen);
        cr_expect_arr_eq(rate_set_of(clients.offload, record->address_hash), &sets[0],
                         sizeof sets[0]);
        cr_expect_arr_eq(rate_set_of(clients.offload, record->prefix_hash), &sets[1],
                         sizeof sets[1]);
    }
    return action;
}

Test(xdp_program_rate, answers_until_the_burst_of_the_address_is_used_up)
{
    const enum offload_reply replies[] = {OFFLOAD_ROTATE, OFFLOAD_ECHO, OFFLOAD_SILENT};
    const int actions[] = {TRANSMITTED, TRANSMITTED, DROPPED};

    for (size_t client = 0; client < CLIENTS; client++)
        for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
            const struct rate_limiter_limits limits = burst_of(5, 100);
            memset(rate_set_of(clients.offload, 0), 0,
                   RATE_LIMITER_SETS * sizeof(struct rate_bucket_set));
            set_reply_by_rate(replies[i], &limits);
            cr_assert(worker_takes(client, &limits));
            for (int k = 0; k < 4; k++)
                cr_expect_eq(run(client), actions[i], "datagram %d", k);
            cr_expect_eq(run(client), PASSED);
            cr_expect_not(worker_takes(client, &limits), "a worker finds none left either");
        }
}

Test(xdp_program_rate, takes_a_token_of_the_prefix_as_well)
{
    const struct rate_limiter_limits limits = burst_of(100, 5);

    set_reply_by_rate(OFFLOAD_ROTATE, &limits);
    for (size_t client = 0; client < CLIENTS; client++) {
        cr_assert(worker_takes(client, &limits));
        for (int k = 0; k < 4; k++)
            cr_expect_eq(run(client), TRANSMITTED, "datagram %d", k);
        cr_expect_eq(run(client), PASSED, "and keeps that of the address");
        prefix_of(client)->full_ns = 0;
        cr_expect_eq(run(client), TRANSMITTED);
    }
}

/* The workers make the bucket, and may replace one. */
Test(xdp_program_rate, passes_on_what_has_no_bucket)
{
    const struct rate_limiter_limits limits = burst_of(100, 100);

    set_reply_by_rate(OFFLOAD_ROTATE, &limits);
    for (size_t client = 0; client < CLIENTS; client++) {
        cr_expect_eq(run(client), PASSED);
        cr_assert(worker_takes(client, &limits));
        cr_expect_eq(run(client), TRANSMITTED);
        address_of(client)->tag ^= 1;
        cr_expect_eq(run(client), PASSED);
        cr_assert(worker_takes(client, &limits));
        prefix_of(client)->tag ^= 1;
        cr_expect_eq(run(client), PASSED);
        cr_assert(worker_takes(client, &limits));
        cr_expect_eq(run(client), TRANSMITTED);
    }
}

Test(xdp_program_rate, finds_a_bucket_in_each_place_of_its_set)
{
    const struct rate_limiter_limits limits = burst_of(100, 100);

    set_reply_by_rate(OFFLOAD_ROTATE, &limits);
    for (size_t i = 0; i < RATE_LIMITER_WAYS * RATE_LIMITER_WAYS; i++) {
        struct offload_record *record = record_of(&clients, 0);
        record->address_hash = UINT64_C(0xffff000000000000) + i; /* in the last set */
        record->prefix_hash = 1 + i;                             /* in the first one */
        struct rate_bucket *address =
                               &rate_set_of(clients.offload, record->address_hash)->ways[i % 4],
                           *prefix =
                               &rate_set_of(clients.offload, record->prefix_hash)->ways[i / 4];
        *address = (struct rate_bucket){record->address_hash, 0};
        *prefix = (struct rate_bucket){record->prefix_hash, 0};
        cr_expect_eq(run(0), TRANSMITTED, "%zu", i);
        cr_expect_gt(address->full_ns, limits.address.interval_ns);
        cr_expect_gt(prefix->full_ns, limits.prefix.interval_ns);
    }
}

Test(xdp_program_rate, needs_no_bucket_without_a_limit)
{
    set_reply(&clients, OFFLOAD_ROTATE, 0, 400);
    for (size_t client = 0; client < CLIENTS; client++)
        for (int k = 0; k < 100; k++)
            cr_expect_eq(run(client), TRANSMITTED);
}

/* ---- at random, compared with the workers' limiter in memory of its own ---- */

enum { SOURCES = 12, ROUNDS = 20000, RECORD = 10 };

static struct addr sources[SOURCES];
static struct rate_limiter_hashes hashes[SOURCES];

/* Eight IPv4 addresses of two prefixes, and four IPv6 addresses of one. */
static void add_sources(void)
{
    for (uint32_t i = 0; i < SOURCES; i++) {
        const size_t family = i < 8 ? 0 : 1;
        const struct offload_client client = {RECORD + i, WORKER, FIRST_TAG + i};
        sources[i] = clients.source[family];
        sources[i].port = (uint16_t)(1000 + i);
        if (family == 0)
            sources[i].ip[2] = (uint8_t)(i / 4);
        sources[i].ip[family == 0 ? 3 : 7] = (uint8_t)i;
        hashes[i] = rate_limiter_hashes(limiter, &sources[i], RATE_LIMITER_UNVERIFIED);
        offload_records(clients.offload)[client.record] =
            (struct offload_record){.seen = offload_seen(1, client.tag),
                                    .generation = GENERATION,
                                    .address_hash = hashes[i].address,
                                    .prefix_hash = hashes[i].prefix};
        cr_assert_eq(offload_add(clients.offload, &sources[i], &clients.local[family], &client), 0);
    }
}

/* The limits change now and then, so that buckets of older ones are met. */
static struct rate_limiter_limits random_limits(struct prng *prng)
{
    struct rate_limiter_limits limits;

    token_bucket_init(&limits.address, 1000 + (uint32_t)(prng_next(prng) % 4000),
                      1 + (uint32_t)(prng_next(prng) % 9));
    token_bucket_init(&limits.prefix, 2000 + (uint32_t)(prng_next(prng) % 8000),
                      1 + (uint32_t)(prng_next(prng) % 19));
    return limits;
}

static struct rate_bucket_set *set_in(struct rate_limiter *memory, uint64_t tag)
{
    return (struct rate_bucket_set *)memory + rate_bucket_block_of(tag);
}

static bool has_bucket(struct rate_limiter *memory, uint64_t tag)
{
    const struct rate_bucket_set *set = set_in(memory, tag);

    for (size_t i = 0; i < RATE_LIMITER_WAYS; i++)
        if (set->ways[i].tag == tag)
            return true;
    return false;
}

static void copy_sets(struct rate_limiter *to, struct rate_limiter *from,
                      const struct rate_limiter_hashes *of)
{
    *set_in(to, of->address) = *set_in(from, of->address);
    *set_in(to, of->prefix) = *set_in(from, of->prefix);
}

static bool are_sets_equal(struct rate_limiter *a, struct rate_limiter *b,
                           const struct rate_limiter_hashes *of)
{
    return memcmp(set_in(a, of->address), set_in(b, of->address), 64) == 0 &&
           memcmp(set_in(a, of->prefix), set_in(b, of->prefix), 64) == 0;
}

/* What the program must do at a time: it answers if both buckets exist and a worker would admit the
 * datagram, and takes what the worker would take. */
static bool expected_answer(struct rate_limiter *expected, const struct rate_limiter_limits *limits,
                            size_t source, uint64_t now_ms)
{
    if (!has_bucket(expected, hashes[source].address) ||
        !has_bucket(expected, hashes[source].prefix))
        return false;
    if (rate_limiter_take(expected, limits, &sources[source], RATE_LIMITER_UNVERIFIED, now_ms))
        return true;
    copy_sets(expected, limiter, &hashes[source]);
    return false;
}

/* A datagram on both ways. Returns whether it was compared: its time is known if the clock shows
 * the same before and after. */
static bool compare(struct rate_limiter *expected, const struct rate_limiter_limits *limits,
                    size_t source, uint64_t outcomes[2])
{
    const size_t family = source < 8 ? 0 : 1;
    struct frame frame = frame_of(&sources[source], &clients.local[family], "x", 1);
    const uint64_t now_ms = offload_now_ms();
    const bool is_answered = expected_answer(expected, limits, source, now_ms);
    const int action = offload_run(clients.offload, &frame);

    if (offload_now_ms() != now_ms) {
        copy_sets(expected, limiter, &hashes[source]);
        return false;
    }
    outcomes[is_answered]++;
    cr_assert_eq(action, is_answered ? DROPPED : PASSED);
    cr_assert(are_sets_equal(expected, limiter, &hashes[source]));
    if (!is_answered)
        cr_assert_eq(
            rate_limiter_take(expected, limits, &sources[source], RATE_LIMITER_UNVERIFIED, now_ms),
            rate_limiter_take(limiter, limits, &sources[source], RATE_LIMITER_UNVERIFIED, now_ms));
    cr_assert(are_sets_equal(expected, limiter, &hashes[source]));
    return true;
}

Test(xdp_program_rate, takes_what_a_worker_would_take)
{
    struct rate_limiter *expected = aligned_alloc(64, rate_limiter_bytes());
    struct rate_limiter_limits limits = rate_limiter_limits(1, 1);
    uint64_t outcomes[2] = {0, 0};
    size_t compared = 0;
    struct prng prng;

    cr_assert_not_null(expected);
    memcpy(expected, limiter, rate_limiter_bytes());
    prng_init(&prng, 21);
    add_sources();
    for (size_t round = 0; round < ROUNDS; round++) {
        const size_t source = prng_next(&prng) % SOURCES;
        if (round % 500 == 0) {
            limits = random_limits(&prng);
            set_reply_by_rate(OFFLOAD_SILENT, &limits);
        }
        if (prng_next(&prng) % 200 == 0) { /* a worker has replaced a bucket */
            set_in(limiter, hashes[source].address)->ways[0].tag ^= 1;
            copy_sets(expected, limiter, &hashes[source]);
        }
        compared += compare(expected, &limits, source, outcomes);
    }
    cr_expect_geq(compared, (size_t)ROUNDS / 2);
    cr_expect_geq(outcomes[0], ROUNDS / 20);
    cr_expect_geq(outcomes[1], ROUNDS / 100);
    cr_expect_arr_eq(expected, limiter, rate_limiter_bytes());
    free(expected);
}
