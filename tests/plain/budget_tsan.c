/* Eight threads take places of one budget, give some back, and in the end take until they are
 * refused: to be built with -fsanitize=thread, under which Criterion doesn't run. Prints one line;
 * exit 0 if at no time more places were in use than there are, and in the end just as many. */
#include "os/loop/thread.h"
#include "registry/shared_capacity.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

enum { SHARDS = 8, ROUNDS = 40, PLACES = 20000 };

struct office {
    struct shared_capacity *budget;
    /* Counted up behind a taking and down before a giving, so never more than are in use. */
    atomic_int used;
    atomic_bool too_many;
};

struct shard {
    struct office *office;
    struct capacity_share *allowance;
    int used;
};

static bool come(struct shard *shard)
{
    if (!capacity_share_take(shard->allowance))
        return false;
    shard->used++;
    if (atomic_fetch_add(&shard->office->used, 1) + 1 > PLACES)
        shard->office->too_many = true;
    return true;
}

static void go(struct shard *shard)
{
    atomic_fetch_sub(&shard->office->used, 1);
    shard->used--;
    capacity_share_give(shard->allowance);
}

static void crowd(void *state)
{
    struct shard *shard = state;
    for (int round = 0; round < ROUNDS; round++) {
        while (come(shard))
            continue;
        while (shard->used > round * 10)
            go(shard);
    }
    while (come(shard))
        continue;
}

int main(void)
{
    static struct office office;
    struct shard shards[SHARDS];
    struct thread *threads[SHARDS];

    office.budget = shared_capacity_new(PLACES, SHARDS);
    for (size_t i = 0; i < SHARDS; i++) {
        shards[i] = (struct shard){&office, shared_capacity_share(office.budget, i), 0};
        threads[i] = thread_start("shard", crowd, &shards[i]);
    }
    int used = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        thread_join(threads[i]);
        used += shards[i].used;
    }
    bool good = used == PLACES && !office.too_many && shared_capacity_unused(office.budget) == 0;
    printf("budget: %d of %d places used by %d threads: %s\n", used, PLACES, SHARDS,
           good ? "good" : "BAD");
    shared_capacity_free(office.budget);
    return good ? 0 : 1;
}
