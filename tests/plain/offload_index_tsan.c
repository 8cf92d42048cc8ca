/* The index of the offload's clients under ThreadSanitizer: workers enter and remove clients in the
 * same lines, some of them with the same addresses, and each sees at each moment that its own
 * client is there unless another worker has replaced it. It is a program of its own because
 * Criterion crashes when it is built with -fsanitize=thread. Prints one line; exits with 0 if all
 * is right. */
#include "net/offload/offload_index.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { THREADS = 4, RECORDS = 3, ROUNDS = 100000, ADDRESSES = 5 };

static struct offload_index_line table[2];
static struct offload_record records[THREADS * RECORDS];
static const struct offload_index server = {(void *)table, records};

static struct worker {
    pthread_t thread;
    uint32_t number;
    uint64_t entered, refused, wrong;
} workers[THREADS];

static size_t count_entries(uint32_t record)
{
    size_t count = 0;
    for (size_t i = 0; i < OFFLOAD_LINE_CLIENTS; i++) {
        uint64_t entry = __atomic_load_n(&table[1].entries[i], __ATOMIC_ACQUIRE);
        count += entry != 0 && offload_entry_record(entry) == record;
    }
    return count;
}

/* Client 0 has the addresses of no other worker, so it must stay; the others may be replaced. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t own = round % RECORDS, record = worker->number * RECORDS + own;
        uint16_t port = (uint16_t)(own == 0 ? 1000 + worker->number : round % ADDRESSES + 1);
        const struct addr source = {{192, 0, 2, 1}, 0, port, ADDR_IPV4},
                          local = {{192, 0, 2, 2}, 0, 3000, ADDR_IPV4};
        const struct offload_client client = {record, worker->number, round + 1};
        bool is_entered = offload_index_add(&server, &source, &local, &client) == 0;
        size_t count = count_entries(record);
        worker->entered += is_entered;
        worker->refused += !is_entered;
        worker->wrong += own == 0 ? count != is_entered : count > is_entered;
        offload_index_remove(&server, record);
        worker->wrong += count_entries(record) != 0;
    }
    return NULL;
}

int main(void)
{
    uint64_t entered = 0, refused = 0, wrong = 0;
    if (offload_index_init(server.head, 1) != 0)
        return 1;
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i].number = i;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 1;
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        entered += workers[i].entered;
        refused += workers[i].refused;
        wrong += workers[i].wrong;
    }
    for (size_t i = 0; i < OFFLOAD_LINE_CLIENTS; i++)
        wrong += table[1].entries[i] != 0;
    bool good = wrong == 0 && entered > 0;
    printf("index of the offload: %llu clients entered and removed, %llu refused, %llu wrong: %s\n",
           (unsigned long long)entered, (unsigned long long)refused, (unsigned long long)wrong,
           good ? "good" : "BAD");
    return good ? 0 : 1;
}
