/* What the registry costs by itself, with no kernel in between: COUNT clients join, speak again,
 * are refused, looked at, listed, and expire. Prints "bytes N", of memory for all of them, and a
 * line "PHASE NANOSECONDS", of CPU time, for each phase. callgrind can be told a phase's function.
 */
#include "registry/registry.h"
#include "os/process/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,        /* as net/message/datagram_batch */
    LOOKS = 32,        /* as a worker's sweep, between two looks at the clock */
    PERIOD_MS = 60000, /* in which all speak once */
    TTL_MS = 130000,   /* more than two such rounds, so that nobody is late in the second */
    SWEEP_MS = 1000,
    START_MS = 1000000,
    COUNT_MAX = 1 << 24, /* hosts of 10/8 */
};

struct crowd {
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

/* By steps of the golden section of their number all take their turn, neighbours far apart. */
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
    uint32_t name = net << 24 | number, first = ipv6 ? 12 : 0;
    for (uint32_t i = 0; i < 4; i++)
        addr.ip[first + i] = (uint8_t)(name >> (24 - 8 * i));
    return addr;
}

/* All of a net speak once, in so much time. */
static void speak(struct crowd *crowd, uint32_t net, uint32_t stride, uint32_t period_ms,
                  enum registry_outcome expected)
{
    static const struct addr unnamed = {.family = ADDR_NONE};
    struct addr sources[BATCH];
    struct registry_datagram visits[BATCH];
    uint64_t begin_ms = crowd->now_ms;
    uint32_t client = 0;
    for (uint32_t done = 0; done < crowd->count;) {
        uint32_t left = crowd->count - done, size = left < crowd->batch ? left : crowd->batch;
        for (uint32_t i = 0; i < size; i++) {
            sources[i] = address_of(crowd->ipv6, net, client);
            visits[i].source = &sources[i];
            visits[i].local = &unnamed;
            visits[i].verb = REGISTRY_JOIN;
            client += stride;
            client -= client >= crowd->count ? crowd->count : 0;
        }
        crowd->now_ms = begin_ms + (uint64_t)done * period_ms / crowd->count;
        registry_update(crowd->registry, 0, visits, size, crowd->now_ms);
        for (uint32_t i = 0; i < size; i++)
            if (visits[i].touched != expected)
                die("a datagram was not met as it should have been");
        done += size;
    }
    crowd->now_ms = begin_ms + period_ms;
}

/* Sweeps step by step until then. */
static void sweep(struct crowd *crowd, uint64_t end_ms, uint32_t step_ms, uint64_t expected)
{
    uint64_t expired = 0;
    while (crowd->now_ms < end_ms) {
        uint64_t left_ms = end_ms - crowd->now_ms;
        crowd->now_ms += left_ms < step_ms ? left_ms : step_ms;
        while (registry_sweep(crowd->registry, crowd->now_ms, LOOKS, &expired))
            continue;
    }
    if (expired != expected)
        die("not as many expired as should have");
}

/* ---- phases, in this order ---- */

static void phase_join(struct crowd *crowd)
{
    speak(crowd, 10, 1, PERIOD_MS, REGISTRY_JOINED);
}

static void phase_renew(struct crowd *crowd)
{
    speak(crowd, 10, stride_of(crowd->count), PERIOD_MS, REGISTRY_RENEWED);
}

/* Strangers, and it is full: they are looked for in vain. */
static void phase_refuse(struct crowd *crowd)
{
    speak(crowd, 11, stride_of(crowd->count), 0, REGISTRY_REFUSED);
}

/* Each would be due if it hadn't spoken again; none is. */
static void phase_look(struct crowd *crowd)
{
    sweep(crowd, START_MS + PERIOD_MS + TTL_MS - 1, SWEEP_MS, 0);
}

static void phase_list(struct crowd *crowd)
{
    struct registry_walk walk = registry_walk_all();
    struct client clients[BATCH];
    uint64_t listed = 0;
    while (!walk.ended)
        listed += registry_walk(crowd->registry, &walk, crowd->now_ms, clients, BATCH);
    if (listed != crowd->count)
        die("not all were listed");
}

static void phase_expire(struct crowd *crowd)
{
    sweep(crowd, START_MS + 2 * PERIOD_MS + TTL_MS + SWEEP_MS, SWEEP_MS, crowd->count);
}

static void phase_rejoin(struct crowd *crowd)
{
    speak(crowd, 10, stride_of(crowd->count), PERIOD_MS, REGISTRY_JOINED);
}

/* All at once. */
static void phase_storm(struct crowd *crowd)
{
    sweep(crowd, crowd->now_ms + TTL_MS + SWEEP_MS, TTL_MS + SWEEP_MS, crowd->count);
}

static const struct {
    const char *name;
    void (*run)(struct crowd *crowd);
} phases[] = {
    {"join", phase_join},     {"renew", phase_renew}, {"refuse", phase_refuse},
    {"look", phase_look},     {"list", phase_list},   {"expire", phase_expire},
    {"rejoin", phase_rejoin}, {"storm", phase_storm},
};

static void parse(struct crowd *crowd, int argc, char **argv)
{
    for (int option; (option = getopt(argc, argv, "6b:")) != -1;) {
        if (option == '6')
            crowd->ipv6 = true;
        else if (option == 'b')
            crowd->batch = (uint32_t)strtoul(optarg, NULL, 10);
        else
            exit(2);
    }
    crowd->count = optind == argc - 1 ? (uint32_t)strtoul(argv[optind], NULL, 10) : 0;
    if (crowd->count < 1 || crowd->count > COUNT_MAX || crowd->batch < 1 || crowd->batch > BATCH) {
        fprintf(stderr, "usage: %s [-6] [-b 1..%d] COUNT\n", argv[0], BATCH);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    struct crowd crowd = {.batch = BATCH, .now_ms = START_MS};
    parse(&crowd, argc, argv);
    unsigned long long before = resident_bytes();
    void *memory = memory_reserve(registry_bytes(crowd.count), registry_index_bytes(crowd.count));
    if (memory == NULL)
        die("there is not enough memory");
    crowd.registry = registry_init(memory, crowd.count, &key, TTL_MS, START_MS);
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        uint64_t began_ns = cpu_ns();
        phases[i].run(&crowd);
        printf("%s %llu\n", phases[i].name, (unsigned long long)(cpu_ns() - began_ns));
        if (i == 0)
            printf("bytes %llu\n", resident_bytes() - before);
    }
    memory_release(memory, registry_bytes(crowd.count));
    return 0;
}
