/* Benchmark of the registry without sockets: COUNT clients join, are renewed, refused, checked by a
 * sweep, listed, and expire. Prints "bytes N", the memory for all of them, and for each phase a
 * line "PHASE NANOSECONDS" with its CPU time. Each phase is a function of its own, for callgrind.
 */
#include "registry/registry.h"
#include "os/process/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,        /* as in net/message/datagram_batch */
    SWEEP_BUDGET = 32, /* as in a worker's sweep, between two reads of the clock */
    PERIOD_MS = 60000, /* in which each client sends once */
    TTL_MS = 130000,   /* more than two periods, so that no client expires in the second one */
    SWEEP_MS = 1000,
    START_MS = 1000000,
    COUNT_MAX = 1 << 24, /* hosts of 10/8 */
};

struct population {
    struct registry *registry;
    uint32_t count, batch;
    bool ipv6;
    uint64_t now_ms;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "registry: %s\n", what);
    exit(1);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static unsigned long long resident_bytes(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*u %llu", &pages) != 1)
        die("cannot read /proc/self/statm");
    fclose(file);
    return pages * (unsigned long long)sysconf(_SC_PAGESIZE);
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

/* A step that datagrams all clients in turn, with neighbours far apart: about the golden section of
 * their number, and coprime to it. */
static uint32_t stride_of(uint32_t count)
{
    uint32_t stride = (uint32_t)((double)count * 0.618);
    while (stride > 1 && common_divisor(count, stride) != 1)
        stride--;
    return stride > 0 ? stride : 1;
}

static struct addr address_of(bool ipv6, uint32_t net, uint32_t number)
{
    struct addr addr = {.port = 4000, .family = ipv6 ? ADDR_IPV6 : ADDR_IPV4, .ip = {0xfd}};
    uint32_t host = net << 24 | number, first = ipv6 ? 12 : 0;
    for (uint32_t i = 0; i < 4; i++)
        addr.ip[first + i] = (uint8_t)(host >> (24 - 8 * i));
    return addr;
}

/* Each client of a network (10/8, 11/8) sends once, within period_ms. */
static void send_all(struct population *population, uint32_t net, uint32_t stride,
                     uint32_t period_ms, enum registry_outcome expected)
{
    static const struct addr unnamed = {.family = ADDR_NONE};
    struct addr sources[BATCH];
    struct registry_datagram datagrams[BATCH];
    uint64_t begin_ms = population->now_ms;
    uint32_t client = 0;
    for (uint32_t done = 0; done < population->count;) {
        uint32_t left = population->count - done,
                 size = left < population->batch ? left : population->batch;
        for (uint32_t i = 0; i < size; i++) {
            sources[i] = address_of(population->ipv6, net, client);
            datagrams[i].source = &sources[i];
            datagrams[i].local = &unnamed;
            datagrams[i].action = REGISTRY_JOIN;
            client += stride;
            client -= client >= population->count ? population->count : 0;
        }
        population->now_ms = begin_ms + (uint64_t)done * period_ms / population->count;
        registry_update(population->registry, 0, datagrams, size, population->now_ms);
        for (uint32_t i = 0; i < size; i++)
            if (datagrams[i].outcome != expected)
                die("a datagram had an unexpected outcome");
        done += size;
    }
    population->now_ms = begin_ms + period_ms;
}

/* Sweeps every step_ms until end_ms. */
static void sweep(struct population *population, uint64_t end_ms, uint32_t step_ms,
                  uint64_t expected)
{
    uint64_t expired = 0;
    while (population->now_ms < end_ms) {
        uint64_t left_ms = end_ms - population->now_ms;
        population->now_ms += left_ms < step_ms ? left_ms : step_ms;
        while (registry_sweep(population->registry, population->now_ms, SWEEP_BUDGET, &expired))
            continue;
    }
    if (expired != expected)
        die("an unexpected number of clients expired");
}

/* ---- phases, in this order ---- */

static void phase_join(struct population *population)
{
    send_all(population, 10, 1, PERIOD_MS, REGISTRY_JOINED);
}

static void phase_renew(struct population *population)
{
    send_all(population, 10, stride_of(population->count), PERIOD_MS, REGISTRY_RENEWED);
}

/* Unknown sources while the registry is full: unsuccessful searches. */
static void phase_refuse(struct population *population)
{
    send_all(population, 11, stride_of(population->count), 0, REGISTRY_REFUSED);
}

/* Each client is checked at its first deadline; none has expired, since all were renewed. */
static void phase_check(struct population *population)
{
    sweep(population, START_MS + PERIOD_MS + TTL_MS - 1, SWEEP_MS, 0);
}

static void phase_list(struct population *population)
{
    struct registry_walk walk = registry_walk_all();
    struct client clients[BATCH];
    uint64_t listed = 0;
    while (!walk.ended)
        listed +=
            registry_walk_next(population->registry, &walk, population->now_ms, clients, BATCH);
    if (listed != population->count)
        die("not all clients were listed");
}

static void phase_expire(struct population *population)
{
    sweep(population, START_MS + 2 * PERIOD_MS + TTL_MS + SWEEP_MS, SWEEP_MS, population->count);
}

static void phase_rejoin(struct population *population)
{
    send_all(population, 10, stride_of(population->count), PERIOD_MS, REGISTRY_JOINED);
}

/* All clients expire at once. */
static void phase_storm(struct population *population)
{
    sweep(population, population->now_ms + TTL_MS + SWEEP_MS, TTL_MS + SWEEP_MS, population->count);
}

static const struct {
    const char *name;
    void (*run)(struct population *population);
} phases[] = {
    {"join", phase_join},     {"renew", phase_renew}, {"refuse", phase_refuse},
    {"check", phase_check},   {"list", phase_list},   {"expire", phase_expire},
    {"rejoin", phase_rejoin}, {"storm", phase_storm},
};

static void parse(struct population *population, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "6b:")) != -1;) {
        if (option == '6')
            population->ipv6 = true;
        else if (option == 'b')
            population->batch = (uint32_t)strtoul(optarg, NULL, 10);
        else
            exit(2);
    }
    population->count = optind == argc - 1 ? (uint32_t)strtoul(argv[optind], NULL, 10) : 0;
    if (population->count < 1 || population->count > COUNT_MAX || population->batch < 1 ||
        population->batch > BATCH) {
        fprintf(stderr, "usage: %s [-6] [-b 1..%d] COUNT\n", argv[0], BATCH);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    struct population population = {.batch = BATCH, .now_ms = START_MS};
    parse(&population, argc, argv);
    unsigned long long before = resident_bytes();
    struct shared_memory memory; /* as the server has it */
    if (memory_reserve_shared(&memory, registry_bytes(population.count),
                              registry_index_bytes(population.count)) != 0)
        die("there is not enough memory");
    population.registry = registry_new(memory.memory, population.count, &key, TTL_MS, START_MS);
    if (population.registry == NULL)
        die("there is not enough memory");
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        uint64_t began_ns = cpu_ns();
        phases[i].run(&population);
        printf("%s %llu\n", phases[i].name, (unsigned long long)(cpu_ns() - began_ns));
        if (i == 0)
            printf("bytes %llu\n", resident_bytes() - before);
    }
    registry_free(population.registry);
    memory_release_shared(&memory);
    return 0;
}
