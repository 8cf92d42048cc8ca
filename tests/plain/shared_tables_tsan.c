/* The tables that all workers share (prefix counts and rate limiter) under ThreadSanitizer, with
 * four threads at once. Exits with 0 if the counts are right, and limits are exceeded by no more
 * than the headers permit. */
#include "admission/prefix_counts.h"
#include "admission/rate_limiter.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 100000, PREFIXES = 16, CAP = 1000, BURST = 5000 };

static struct prefix_counts *prefixes;
static struct rate_limiter *limiter;

struct worker {
    pthread_t thread;
    uint32_t held[PREFIXES];
    uint64_t passed;
    uint32_t random;
};

static struct addr source_of(uint32_t prefix, uint32_t host)
{
    return (struct addr){
        .family = ADDR_IPV4, .ip = {10, 0, (uint8_t)prefix, (uint8_t)host}, .port = 9};
}

static void *work(void *state)
{
    struct worker *worker = state;
    struct rate_limiter_limits limits = rate_limiter_limits(1, BURST);
    for (int i = 0; i < ROUNDS; i++) {
        worker->random = worker->random * 1664525 + 1013904223;
        uint32_t prefix = (worker->random >> 16) % PREFIXES;
        struct addr source = source_of(prefix, 1), shared = source_of(200, 1);
        if (worker->random >> 31) {
            worker->held[prefix] += prefix_counts_add(prefixes, &source, CAP);
        } else if (worker->held[prefix] > 0) {
            prefix_counts_remove(prefixes, &source);
            worker->held[prefix]--;
        }
        worker->passed += rate_limiter_take(limiter, &limits, &shared, RATE_LIMITER_VERIFIED, 1000);
    }
    return NULL;
}

static void *zeroed(size_t bytes)
{
    bytes = (bytes + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    if (memory == NULL)
        exit(EXIT_FAILURE);
    return memset(memory, 0, bytes);
}

int main(void)
{
    static const struct siphash_key key = {1, 2};
    static struct worker workers[THREADS];
    prefixes = prefix_counts_init(zeroed(prefix_counts_bytes(10000)), 10000, &key);
    limiter = rate_limiter_init(zeroed(rate_limiter_bytes()), &key);
    for (int i = 0; i < THREADS; i++) {
        workers[i].random = (uint32_t)i + 1;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return EXIT_FAILURE;
    }
    uint64_t passed = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        passed += workers[i].passed;
    }
    int wrong = 0;
    for (uint32_t prefix = 0; prefix < PREFIXES; prefix++) {
        uint32_t held = 0;
        for (int i = 0; i < THREADS; i++)
            held += workers[i].held[prefix];
        struct addr source = source_of(prefix, 1);
        wrong |= prefix_counts_count(prefixes, &source) != held || held > CAP + THREADS - 1;
    }
    /* Threads that take a token at the same moment may all get it; no other may. */
    wrong |= passed < BURST || passed > (uint64_t)BURST * THREADS;
    if (wrong)
        fprintf(stderr, "shared tables: the counts are wrong (%llu passed)\n",
                (unsigned long long)passed);
    free(prefixes);
    free(limiter);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
