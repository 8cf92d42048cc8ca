/* Measures what was chosen in single modules beside what was rejected: hashes, a mailbox, the
 * shared capacity, groups of sockets, and the filter that drops. Prints one line for each figure:
 * CPU time in nanoseconds for one of what the line names, the median of 5 interleaved rounds, or a
 * share. An argument selects the figures of CPU time whose names begin with it. */
#include "../unit/fixtures/capacity_fixture.h"
#include "base/prng.h"
#include "base/siphash.h"
#include "net/socket/drop_filter.h"
#include "net/socket/shard_program.h"
#include "net/socket/socket_address.h"
#include "os/loop/mailbox.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS = 5,
    HASHES = 5000000,
    POSTS = 500000,
    BURST = 64,         /* messages, clients or datagrams at a time: a batch */
    PLACES = 5000000,   /* that each thread acquires and releases */
    DATAGRAMS = 200000, /* that are dropped */
    SHARDS = 4,
    CLIENTS = 500, /* sockets, below the usual limit on descriptors */
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t cpu_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Something to measure: returns the nanoseconds for one. */
struct candidate {
    const char *name;
    double (*measure)(void);
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The candidates take turns, so that a machine that becomes slower changes all of them. */
static void measure_all(const struct candidate *candidates, size_t count, const char *begin)
{
    double ns[16][ROUNDS];
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < count; i++)
            if (strncmp(candidates[i].name, begin, strlen(begin)) == 0)
                ns[i][round] = candidates[i].measure();
    for (size_t i = 0; i < count; i++) {
        if (strncmp(candidates[i].name, begin, strlen(begin)) != 0)
            continue;
        qsort(ns[i], ROUNDS, sizeof ns[i][0], compare);
        printf("%-52s %8.1f ns\n", candidates[i].name, ns[i][ROUNDS / 2]);
    }
}

/* ---- hashes of the key of an IPv4 client, which is one word ---- */

static const struct siphash_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static uint64_t siphash13_of(uint64_t word)
{
    struct siphash_state state = siphash_begin(&key);
    siphash_absorb(&state, word);
    return siphash_finish(&state);
}

static uint64_t siphash24_of(uint64_t word)
{
    struct siphash_state state = siphash_begin(&key);
    siphash_mac_absorb(&state, word);
    state.v2 ^= 0xff;
    return siphash_mac_half(&state);
}

/* FNV-1a, without a key. */
static uint64_t fnv_of(uint64_t word)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int i = 0; i < 64; i += 8)
        hash = (hash ^ (word >> i & 0xff)) * UINT64_C(1099511628211);
    return hash;
}

static volatile uint64_t result;

static inline double measure_hash(uint64_t (*hash)(uint64_t word))
{
    uint64_t start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID), sum = 0;
    for (uint64_t i = 0; i < HASHES; i++)
        sum += hash(i);
    result = sum;
    return (double)(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / HASHES;
}

static double measure_siphash13(void)
{
    return measure_hash(siphash13_of);
}

static double measure_siphash24(void)
{
    return measure_hash(siphash24_of);
}

static double measure_fnv(void)
{
    return measure_hash(fnv_of);
}

/* ---- a mailbox ---- */

static struct loop *loop;
static struct mailbox *mailbox;
static struct mailbox_message messages[BURST];

static void handle(struct mailbox_message *message)
{
    if (message == &messages[0])
        loop_stop(loop);
}

/* Posts some messages at a time, of which the first one wakes the loop. */
static double measure_posts(size_t burst)
{
    uint64_t start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < POSTS; i += burst) {
        for (size_t k = 0; k < burst; k++) {
            messages[k].handle = handle;
            mailbox_post(mailbox, &messages[k]);
        }
        if (loop_run_until_stopped(loop) != 0)
            die("loop");
    }
    return (double)(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / POSTS;
}

static double measure_single_posts(void)
{
    return measure_posts(1);
}

static double measure_bursts(void)
{
    return measure_posts(BURST);
}

/* The same through a pipe, of which the kernel copies each pointer. */
static double measure_pipe(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        die("pipe");
    uint64_t start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < POSTS; i += BURST) {
        const struct mailbox_message *message = &messages[0], *received[BURST];
        for (size_t k = 0; k < BURST; k++)
            if (write(ends[1], &message, sizeof message) < 0)
                die("write");
        if (read(ends[0], received, sizeof received) < 0)
            die("read");
    }
    double ns = (double)(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / POSTS;
    close(ends[0]);
    close(ends[1]);
    return ns;
}

/* ---- the shared capacity ---- */

static struct shared_capacity *capacity;
static _Atomic uint32_t counter; /* the alternative: one for all threads */
static pthread_barrier_t start_together;

static void *use_shares(void *shard)
{
    struct capacity_share *share = shared_capacity_share(capacity, *(const size_t *)shard);
    pthread_barrier_wait(&start_together);
    for (size_t i = 0; i < PLACES; i += BURST) {
        for (size_t k = 0; k < BURST; k++)
            if (!capacity_share_acquire(share))
                abort();
        for (size_t k = 0; k < BURST; k++)
            capacity_share_release(share);
    }
    return NULL;
}

static void *use_counter(void *shard)
{
    (void)shard;
    pthread_barrier_wait(&start_together);
    for (size_t i = 0; i < PLACES; i += BURST) {
        for (size_t k = 0; k < BURST; k++)
            if (atomic_fetch_add(&counter, 1) >= 1000000)
                abort();
        for (size_t k = 0; k < BURST; k++)
            atomic_fetch_sub(&counter, 1);
    }
    return NULL;
}

/* Two threads at once; the CPU time of both for a client that joins and leaves. */
static double measure_threads(void *(*use)(void *shard))
{
    static size_t shards[2] = {0, 1};
    pthread_t threads[2];
    uint64_t start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, use, &shards[i]) != 0)
            die("pthread_create");
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return (double)(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / (2.0 * PLACES);
}

static double measure_shares(void)
{
    return measure_threads(use_shares);
}

static double measure_counter(void)
{
    return measure_threads(use_counter);
}

/* The share of the places that are not in use when a shard with a fixed part of them refuses its
 * first client; the mean of 100 random sequences of clients. */
static void print_fixed_parts(uint32_t places)
{
    struct prng prng;
    uint64_t unused = 0;
    prng_init(&prng, 1);
    for (int run = 0; run < 100; run++) {
        uint32_t used[SHARDS] = {0}, count = 0;
        while (++used[prng_next(&prng) % SHARDS] <= places / SHARDS)
            count++;
        unused += places - count;
    }
    printf("fixed parts of %7u places: unused at the first refusal %4.2f %%\n", places,
           (double)unused / places);
}

/* ---- a group of sockets ---- */

static int open_socket(union socket_address *addr, bool is_shared)
{
    socklen_t size = sizeof *addr;
    int fd = socket(addr->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){is_shared}, sizeof(int)) != 0 ||
        bind(fd, &addr->any, size) != 0 || getsockname(fd, &addr->any, &size) != 0)
        die("socket");
    return fd;
}

static size_t receiver_of(const int *sockets, size_t count)
{
    char byte;
    for (size_t i = 0; i < count; i++)
        if (recv(sockets[i], &byte, 1, 0) == 1)
            return i;
    return SIZE_MAX;
}

/* Prints how many clients change their socket until the group is complete. */
static void print_moved_clients(void)
{
    union socket_address addr = {
        .ipv4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    static int clients[CLIENTS];
    static size_t receivers[SHARDS][CLIENTS];
    int sockets[SHARDS];
    for (size_t i = 0; i < SHARDS; i++) {
        sockets[i] = open_socket(&addr, true);
        for (size_t k = 0; k < CLIENTS; k++) {
            union socket_address own = {
                .ipv4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
            if (i == 0)
                clients[k] = open_socket(&own, false);
            if (sendto(clients[k], "x", 1, 0, &addr.any, sizeof addr) != 1)
                die("sendto");
            receivers[i][k] = receiver_of(sockets, i + 1);
        }
    }
    for (size_t i = 0; i + 1 < SHARDS; i++) {
        unsigned moved = 0;
        for (size_t k = 0; k < CLIENTS; k++)
            moved += receivers[i][k] != receivers[SHARDS - 1][k];
        printf("first datagram when %zu of %d sockets were open: moved %3.0f %%\n", i + 1, SHARDS,
               100.0 * moved / CLIENTS);
    }
    for (size_t k = 0; k < CLIENTS; k++)
        close(clients[k]);
    for (size_t i = 0; i < SHARDS; i++)
        close(sockets[i]);
}

enum choice { SINGLE, BY_HASH, BY_SOURCE };

/* The CPU time of a datagram that is sent over loopback to one socket, or to a group of four, each
 * of which drops it: so what differs is the choice. */
static double measure_choice(enum choice choice, enum addr_family family)
{
    static const struct source_shard_key shard_key = {0x9e3779b9, {0x85ebca6b, 0xc2b2ae35}};
    bool is_ipv6 = family == ADDR_IPV6;
    union socket_address addr = {.ipv6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback}};
    if (!is_ipv6)
        addr.ipv4 =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    union socket_address own = addr;
    size_t count = choice == SINGLE ? 1 : SHARDS;
    int sockets[SHARDS], sender = open_socket(&own, false);
    for (size_t i = 0; i < count; i++) {
        sockets[i] = open_socket(&addr, choice != SINGLE);
        if (drop_filter_attach(sockets[i]) != 0)
            die("filter");
    }
    if (choice == BY_SOURCE && shard_program_attach(sockets[0], family, &shard_key, SHARDS) != 0)
        die("program");
    uint64_t start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < DATAGRAMS; i++)
        if (sendto(sender, "x", 1, 0, &addr.any, sizeof addr) != 1)
            die("sendto");
    double ns = (double)(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / DATAGRAMS;
    for (size_t i = 0; i < count; i++)
        close(sockets[i]);
    close(sender);
    return ns;
}

static double measure_single(void)
{
    return measure_choice(SINGLE, ADDR_IPV4);
}

static double measure_by_hash(void)
{
    return measure_choice(BY_HASH, ADDR_IPV4);
}

static double measure_by_source(void)
{
    return measure_choice(BY_SOURCE, ADDR_IPV4);
}

static double measure_ipv6_by_hash(void)
{
    return measure_choice(BY_HASH, ADDR_IPV6);
}

static double measure_ipv6_by_source(void)
{
    return measure_choice(BY_SOURCE, ADDR_IPV6);
}

/* ---- what is not wanted ---- */

/* The CPU time of a datagram that is sent over loopback, with all that the kernel does for its
 * reception, which runs in the sender's time. */
static double measure_drops(bool is_filtered, bool is_read)
{
    union socket_address addr = {
        .ipv4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    union socket_address own = addr;
    char byte;
    int receiver = open_socket(&addr, false), sender = open_socket(&own, false);
    if (is_filtered && drop_filter_attach(receiver) != 0)
        die("filter");
    uint64_t start = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < DATAGRAMS; i++) {
        if (sendto(sender, "x", 1, 0, &addr.any, sizeof addr) != 1)
            die("sendto");
        if (is_read && recv(receiver, &byte, 1, 0) != 1)
            die("recv");
    }
    double ns = (double)(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / DATAGRAMS;
    close(receiver);
    close(sender);
    return ns;
}

static double measure_filter(void)
{
    return measure_drops(true, false);
}

static double measure_full_buffer(void)
{
    return measure_drops(false, false);
}

static double measure_reading(void)
{
    return measure_drops(false, true);
}

int main(int argc, char **argv)
{
    static const struct candidate candidates[] = {
        {"hash of a word: SipHash-1-3", measure_siphash13},
        {"hash of a word: SipHash-2-4", measure_siphash24},
        {"hash of a word: FNV-1a, without a key", measure_fnv},
        {"message by a mailbox, one at a time", measure_single_posts},
        {"message by a mailbox, 64 at a time", measure_bursts},
        {"message by a pipe, 64 at a time", measure_pipe},
        {"place of a client, two threads: shares", measure_shares},
        {"place of a client, two threads: one counter", measure_counter},
        {"choice of a socket: there is only one", measure_single},
        {"choice of a socket of four: by the kernel's hash", measure_by_hash},
        {"choice of a socket of four: by the source", measure_by_source},
        {"choice of a socket of four, IPv6: by the kernel's hash", measure_ipv6_by_hash},
        {"choice of a socket of four, IPv6: by the source", measure_ipv6_by_source},
        {"datagram that is sent and dropped by the filter", measure_filter},
        {"datagram that is sent and finds a full buffer", measure_full_buffer},
        {"datagram that is sent, received and ignored", measure_reading},
    };
    loop = loop_new();
    mailbox = loop != NULL ? mailbox_new(loop) : NULL;
    capacity = capacity_new(1000000, SHARDS);
    if (mailbox == NULL || capacity == NULL || pthread_barrier_init(&start_together, NULL, 2) != 0)
        die("start");
    measure_all(candidates, sizeof candidates / sizeof candidates[0], argc > 1 ? argv[1] : "");
    if (argc == 1) {
        print_fixed_parts(1000);
        print_fixed_parts(1000000);
        print_moved_clients();
    }
    pthread_barrier_destroy(&start_together);
    free(capacity);
    mailbox_free(mailbox);
    loop_free(loop);
    return 0;
}
