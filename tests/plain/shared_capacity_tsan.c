/* Shared capacity under ThreadSanitizer: eight threads acquire places of one capacity, release
 * some, and at the end acquire until they are refused. It is a program of its own because Criterion
 * crashes when it is built with -fsanitize=thread. Prints one line; exits with 0 if the places in
 * use never exceeded the capacity, and all were in use at the end. */
#include "../unit/fixtures/capacity_fixture.h"
#include "os/loop/thread.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

enum { SHARDS = 8, ROUNDS = 40, PLACES = 20000 };

struct trial {
    struct shared_capacity *capacity;
    /* Incremented after a place is acquired and decremented before it is released, so that it never
     * exceeds the places in use. */
    atomic_int used;
    atomic_bool too_many;
};

struct shard {
    struct trial *trial;
    struct capacity_share *share;
    int used;
};

static bool acquire(struct shard *shard)
{
    if (!capacity_share_acquire(shard->share))
        return false;
    shard->used++;
    if (atomic_fetch_add(&shard->trial->used, 1) + 1 > PLACES)
        shard->trial->too_many = true;
    return true;
}

static void release(struct shard *shard)
{
    atomic_fetch_sub(&shard->trial->used, 1);
    shard->used--;
    capacity_share_release(shard->share);
}

static void fill_and_empty(void *state)
{
    struct shard *shard = state;
    for (int round = 0; round < ROUNDS; round++) {
        while (acquire(shard))
            continue;
        while (shard->used > round * 10)
            release(shard);
    }
    while (acquire(shard))
        continue;
}

int main(void)
{
    static struct trial trial;
    struct shard shards[SHARDS];
    struct thread *threads[SHARDS];

    trial.capacity = capacity_new(PLACES, SHARDS);
    for (size_t i = 0; i < SHARDS; i++) {
        shards[i] = (struct shard){&trial, shared_capacity_share(trial.capacity, i), 0};
        threads[i] = thread_start("shard", fill_and_empty, &shards[i]);
    }
    int used = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        thread_join(threads[i]);
        used += shards[i].used;
    }
    bool good = used == PLACES && !trial.too_many && shared_capacity_unused(trial.capacity) == 0;
    printf("shared capacity: %d of %d places used by %d threads: %s\n", used, PLACES, SHARDS,
           good ? "good" : "BAD");
    free(trial.capacity);
    return good ? 0 : 1;
}
