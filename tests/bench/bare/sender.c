#include "sender.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Long enough for a server that shares its processor with other programs. */
enum { SILENCE_S = 10 };

static char request[BARE_BYTES] = "hi";
static char numbers[BARE_BATCH][24]; /* of a batch of requests, with -i */
static struct iovec number_bytes[BARE_BATCH];
static uint64_t began_ns;
static char bytes[BARE_BATCH][BARE_BYTES];
static struct iovec in_bytes[BARE_BATCH];

static void read_payload(struct sender *sender, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, request, sizeof request);
    if (size < 0)
        bare_die(path);
    close(file);
    sender->request.iov_len = (size_t)size;
}

static _Noreturn void wrong_usage(const char *name)
{
    fprintf(stderr,
            "usage: %s [-c CLIENTS] [-n COUNT] [-q OUTSTANDING] [-r RATE] [-b PORT] [-p FILE] [-i] "
            "[-t SILENCE] [-s] ADDR:PORT\n",
            name);
    exit(2);
}

void sender_parse(struct sender *sender, int argc, char **argv)
{
    *sender = (struct sender){.clients = 1,
                              .count = 1000,
                              .outstanding = 256,
                              .silence_s = SILENCE_S,
                              .request = {request, 2}};
    for (int option; (option = getopt(argc, argv, "b:c:in:q:p:r:st:")) != -1;) {
        if (option == 'b')
            sender->port = (uint16_t)bare_number(optarg, UINT16_MAX);
        else if (option == 'c')
            sender->clients = bare_number(optarg, UINT32_MAX);
        else if (option == 'n')
            sender->count = bare_number(optarg, UINT64_MAX);
        else if (option == 'q')
            sender->outstanding = bare_number(optarg, UINT32_MAX);
        else if (option == 'p')
            read_payload(sender, optarg);
        else if (option == 'r')
            sender->rate_pps = bare_number(optarg, 1000000);
        else if (option == 'i')
            sender->numbers = true;
        else if (option == 't')
            sender->silence_s = bare_number(optarg, 3600);
        else if (option == 's')
            sender->stays = true;
        else
            wrong_usage(argv[0]);
    }
    if (optind != argc - 1 || sender->clients == 0 || sender->outstanding == 0)
        wrong_usage(argv[0]);
    sender->target_size = bare_parse(&sender->target, argv[optind]);
}

int sender_open(const struct sender *sender)
{
    union bare_name name = {.any.sa_family = sender->target.any.sa_family};
    if (name.any.sa_family == AF_INET6)
        name.ipv6.sin6_port = htons(sender->port);
    else
        name.ipv4.sin_port = htons(sender->port);
    return bare_open(&name, sender->target_size);
}

void sender_prepare(struct sender *sender)
{
    for (int i = 0; i < BARE_BATCH; i++) {
        in_bytes[i] = (struct iovec){bytes[i], BARE_BYTES};
        sender->in[i].msg_hdr = (struct msghdr){.msg_iov = &in_bytes[i], .msg_iovlen = 1};
        sender->out[i].msg_hdr = (struct msghdr){
            .msg_iov = sender->numbers ? &number_bytes[i] : &sender->request, .msg_iovlen = 1};
    }
}

static void set_numbers(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int size =
            snprintf(numbers[i], sizeof numbers[i], "%llu", (unsigned long long)bare_sent + i);
        number_bytes[i] = (struct iovec){numbers[i], (size_t)size};
    }
}

/* ---- The rate ---- */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Returns how many of the requests that are left may have been sent by now. */
static uint64_t due(const struct sender *sender)
{
    uint64_t left = sender->count - bare_sent;
    if (sender->rate_pps == 0)
        return left;
    uint64_t by_now = (now_ns() - began_ns) / 1000 * sender->rate_pps / 1000000;
    uint64_t late = by_now > bare_sent ? by_now - bare_sent : 0;
    return late < left ? late : left;
}

/* Waits for a reply, at a constant rate for at most the time until the next request. Returns
 * whether there may be one. */
static bool await_reply(const struct sender *sender, int udp)
{
    struct pollfd ready = {.fd = udp, .events = POLLIN};
    return sender->rate_pps == 0 || bare_sent == sender->count || poll(&ready, 1, 1) > 0;
}

/* ---- The loop ---- */

/* Returns how many requests to send now. It waits until a batch may be sent, because a system call
 * for each few replies would cost more. */
static unsigned batch_size(const struct sender *sender)
{
    uint64_t open = bare_sent - bare_received, left = due(sender);
    uint64_t free = open < sender->outstanding ? sender->outstanding - open : 0;
    uint64_t least = sender->outstanding / 4 < BARE_BATCH ? sender->outstanding / 4 : BARE_BATCH;

    if (free < least && open > 0)
        return 0;
    free = free < left ? free : left;
    return free < BARE_BATCH ? (unsigned)free : BARE_BATCH;
}

/* ---- Datagrams after the last reply ---- */

static int copy_socket;
static uint64_t copies;

static uint32_t drops(void)
{
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof memory;
    getsockopt(copy_socket, SOL_SOCKET, SO_MEMINFO, memory, &size);
    return memory[SK_MEMINFO_DROPS];
}

static void print_copies(int signal)
{
    (void)signal;
    while (recv(copy_socket, NULL, 0, MSG_DONTWAIT) >= 0)
        copies++;
    dprintf(STDOUT_FILENO, "copies %llu drops %u\n", (unsigned long long)copies, drops());
    _exit(0);
}

/* SIGTERM is only handled during ppoll, so that it never interrupts counting. */
static _Noreturn void count_copies(struct sender *sender, int udp)
{
    struct pollfd ready = {.fd = udp, .events = POLLIN};
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    copy_socket = udp;
    if (sigprocmask(SIG_BLOCK, &blocked, NULL) != 0 || signal(SIGTERM, print_copies) == SIG_ERR)
        bare_die("signal");
    printf("ready %u\n", bare_port(udp));
    fflush(stdout);
    for (;;) {
        ppoll(&ready, 1, NULL, &none);
        int count = recvmmsg(udp, sender->in, BARE_BATCH, MSG_DONTWAIT, NULL);
        if (count < 0 && errno != EAGAIN)
            bare_die("recvmmsg");
        copies += count > 0 ? (uint64_t)count : 0;
    }
}

void sender_run(struct sender *sender, int udp, sender_address *address)
{
    const struct timeval silence = {.tv_sec = (time_t)sender->silence_s};
    if (setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) != 0)
        bare_die("setsockopt");
    began_ns = now_ns();
    while (bare_received < sender->count) {
        unsigned size = batch_size(sender);
        if (size > 0) {
            if (address)
                address(sender, size);
            if (sender->numbers)
                set_numbers(size);
            bare_send_all(udp, sender->out, size);
        }
        if (batch_size(sender) > 0 || !await_reply(sender, udp))
            continue;
        int count = recvmmsg(udp, sender->in, BARE_BATCH, MSG_WAITFORONE, NULL);
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (count < 0)
            bare_die("recvmmsg");
        bare_received += (unsigned)count;
    }
    printf("sent %llu received %llu\n", (unsigned long long)bare_sent,
           (unsigned long long)bare_received);
    fflush(stdout);
    if (sender->stays)
        count_copies(sender, udp);
}
