/* Many clients of one service, that check what they receive: for tests/scale.
 *
 *   clients NETWORK COUNT SERVICE PORT HEARTBEAT
 *
 * COUNT clients have addresses from NETWORK on, each with PORTS ports; the host must have a local
 * route to that network, and the servers a route back. Each sends `h` to SERVICE:PORT once in
 * HEARTBEAT seconds, evenly distributed. What comes is either the echo of that, or a message, which
 * begins with its number from 1 to MESSAGES_MAX, in decimal.
 *
 * Each line of standard input is answered by one line of JSON; the program ends with its input:
 *   report          what was received
 *   missing         for each message that some clients lack: its number and the number of them
 *   answered AGE    how many clients got an echo in the last AGE milliseconds
 *   arrival NUMBER  how many clients have the message, and when the last of them got it, in ns of
 *                   CLOCK_MONOTONIC
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    PORTS = 64,
    FIRST_PORT = 20000,
    MESSAGES_MAX = 4096,
    BATCH = 64,
    DATAGRAM_BYTES = 64,
    RECEIVE_BUFFER_BYTES = 32 << 20,
    TICK_MS = 5,
};

struct client {
    uint32_t last; /* the highest message number received */
    uint32_t received, duplicates, disordered;
    uint64_t echoed_ms; /* when its last echo came; 0: never */
    uint8_t seen[MESSAGES_MAX / 8];
};

static struct client *clients;
static size_t client_count;
static uint32_t network; /* in host byte order */
static struct sockaddr_in service;
static int sockets[PORTS];
/* Of each message. */
static struct {
    uint64_t last_ns; /* when the last client got it for the first time */
    size_t count;
} arrivals[MESSAGES_MAX];

static uint64_t unknown; /* datagrams that are neither an echo nor a message */

static void fail(const char *attempt)
{
    fprintf(stderr, "clients: %s: %s\n", attempt, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t now_ms(void)
{
    return now_ns() / 1000000;
}

static int open_socket(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, bytes = RECEIVE_BUFFER_BYTES;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (fd < 0)
        fail("cannot open a socket");
    if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0)
        fail("cannot set IP_PKTINFO");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        fail("cannot set the receive buffer; root can");
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("cannot bind a port");
    return fd;
}

static void send_heartbeat(size_t i)
{
    char text[] = "h";
    struct iovec data = {text, 1};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {0};
    struct in_pktinfo source = {.ipi_spec_dst.s_addr = htonl(network + (uint32_t)(i / PORTS))};
    struct msghdr message = {
        .msg_name = &service,
        .msg_namelen = sizeof service,
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof source);
    memcpy(CMSG_DATA(header), &source, sizeof source);
    /* A heartbeat that is lost is followed by another one. */
    (void)!sendmsg(sockets[i % PORTS], &message, 0);
}

/* Sends the heartbeats that are due in a period of heartbeat_ms, of which tick passed. */
static void send_due(uint64_t heartbeat_ms)
{
    static uint64_t began, sent;
    if (began == 0)
        began = now_ms();
    uint64_t due = (now_ms() - began) * client_count / heartbeat_ms;
    /* After a stall, what was missed is left out, but for one tick of a second. */
    if (due - sent > client_count)
        sent = due - client_count;
    for (; sent < due; sent++)
        send_heartbeat(sent % client_count);
}

static void count_message(struct client *client, const char *text, uint64_t when_ns)
{
    unsigned long number = strtoul(text, NULL, 10);
    if (number == 0 || number >= MESSAGES_MAX) {
        unknown++;
        return;
    }
    uint8_t bit = (uint8_t)(1u << number % 8);
    if ((client->seen[number / 8] & bit) != 0) {
        client->duplicates++;
    } else {
        client->disordered += number < client->last;
        arrivals[number].last_ns = when_ns;
        arrivals[number].count++;
    }
    client->seen[number / 8] |= bit;
    client->received++;
    if (number > client->last)
        client->last = (uint32_t)number;
}

/* The client that a datagram was sent to, or NULL. */
static struct client *find_client(struct msghdr *message, size_t port)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        struct in_pktinfo destination;
        if (header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO)
            continue;
        memcpy(&destination, CMSG_DATA(header), sizeof destination);
        size_t i = (size_t)(ntohl(destination.ipi_addr.s_addr) - network) * PORTS + port;
        return i < client_count ? &clients[i] : NULL;
    }
    return NULL;
}

static void receive(size_t port)
{
    static char texts[BATCH][DATAGRAM_BYTES], controls[BATCH][64];
    struct iovec data[BATCH];
    struct mmsghdr messages[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        data[i] = (struct iovec){texts[i], DATAGRAM_BYTES - 1};
        messages[i] = (struct mmsghdr){.msg_hdr = {
                                           .msg_iov = &data[i],
                                           .msg_iovlen = 1,
                                           .msg_control = controls[i],
                                           .msg_controllen = sizeof controls[i],
                                       }};
    }
    int count = recvmmsg(sockets[port], messages, BATCH, 0, NULL);
    uint64_t now = now_ns();
    for (int i = 0; i < count; i++) {
        struct client *client = find_client(&messages[i].msg_hdr, port);
        texts[i][messages[i].msg_len] = '\0';
        if (client == NULL)
            unknown++;
        else if (strcmp(texts[i], "h") == 0)
            client->echoed_ms = now / 1000000;
        else
            count_message(client, texts[i], now);
    }
}

static void report(void)
{
    uint64_t total = 0, duplicates = 0, disordered = 0, echoed = 0;
    uint32_t least = UINT32_MAX, most = 0;
    for (size_t i = 0; i < client_count; i++) {
        uint32_t once = clients[i].received - clients[i].duplicates;
        total += clients[i].received;
        duplicates += clients[i].duplicates;
        disordered += clients[i].disordered;
        echoed += clients[i].echoed_ms != 0;
        least = once < least ? once : least;
        most = once > most ? once : most;
    }
    printf("{\"clients\": %zu, \"echoed\": %" PRIu64 ", \"received\": %" PRIu64
           ", \"least\": %" PRIu32 ", \"most\": %" PRIu32 ", \"duplicates\": %" PRIu64
           ", \"disordered\": %" PRIu64 ", \"unknown\": %" PRIu64 "}\n",
           client_count, echoed, total, least, most, duplicates, disordered, unknown);
}

static void report_missing(void)
{
    uint32_t last = 0;
    for (size_t i = 0; i < client_count; i++)
        last = clients[i].last > last ? clients[i].last : last;
    printf("{\"last\": %" PRIu32 ", \"missing\": {", last);
    bool first = true;
    for (uint32_t number = 1; number <= last; number++) {
        size_t missing = 0;
        for (size_t i = 0; i < client_count; i++)
            missing += (clients[i].seen[number / 8] >> number % 8 & 1) == 0;
        if (missing > 0) {
            printf("%s\"%" PRIu32 "\": %zu", first ? "" : ", ", number, missing);
            first = false;
        }
    }
    printf("}}\n");
}

static void report_answered(uint64_t age_ms)
{
    uint64_t now = now_ms();
    size_t answered = 0;
    for (size_t i = 0; i < client_count; i++)
        answered += clients[i].echoed_ms != 0 && now - clients[i].echoed_ms <= age_ms;
    printf("{\"answered\": %zu}\n", answered);
}

static void report_arrival(unsigned long number)
{
    number %= MESSAGES_MAX;
    printf("{\"count\": %zu, \"last_ns\": %" PRIu64 "}\n", arrivals[number].count,
           arrivals[number].last_ns);
}

/* Returns false at the end of the input. */
static bool read_command(void)
{
    char line[64];
    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    if (strcmp(line, "report\n") == 0)
        report();
    else if (strcmp(line, "missing\n") == 0)
        report_missing();
    else if (strncmp(line, "answered ", 9) == 0)
        report_answered(strtoull(line + 9, NULL, 10));
    else if (strncmp(line, "arrival ", 8) == 0)
        report_arrival(strtoul(line + 8, NULL, 10));
    else
        printf("{\"error\": \"unknown command\"}\n");
    fflush(stdout);
    return true;
}

static void watch(int poller, int fd, uint64_t data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = data};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("cannot watch a descriptor");
}

static int open_timer(void)
{
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct itimerspec each = {
        .it_interval.tv_nsec = TICK_MS * 1000000L,
        .it_value.tv_nsec = TICK_MS * 1000000L,
    };
    if (timer < 0 || timerfd_settime(timer, 0, &each, NULL) != 0)
        fail("cannot make a timer");
    return timer;
}

static void run(uint64_t heartbeat_ms)
{
    int poller = epoll_create1(EPOLL_CLOEXEC), timer = open_timer();
    if (poller < 0)
        fail("cannot make an epoll instance");
    for (size_t i = 0; i < PORTS; i++) {
        sockets[i] = open_socket((uint16_t)(FIRST_PORT + i));
        watch(poller, sockets[i], i);
    }
    watch(poller, timer, PORTS);
    watch(poller, STDIN_FILENO, PORTS + 1);
    for (;;) {
        struct epoll_event events[PORTS + 2];
        int count = epoll_wait(poller, events, PORTS + 2, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.u64 < PORTS) {
                receive(events[i].data.u64);
            } else if (events[i].data.u64 == PORTS) {
                uint64_t expirations;
                (void)!read(timer, &expirations, sizeof expirations);
                send_due(heartbeat_ms);
            } else if (!read_command()) {
                return;
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct in_addr first;
    if (argc != 6 || inet_pton(AF_INET, argv[1], &first) != 1 ||
        inet_pton(AF_INET, argv[3], &service.sin_addr) != 1) {
        fprintf(stderr, "usage: clients NETWORK COUNT SERVICE PORT HEARTBEAT\n");
        return 2;
    }
    network = ntohl(first.s_addr);
    client_count = strtoul(argv[2], NULL, 10);
    service.sin_family = AF_INET;
    service.sin_port = htons((uint16_t)strtoul(argv[4], NULL, 10));
    uint64_t heartbeat_ms = strtoull(argv[5], NULL, 10) * 1000;
    if (client_count == 0 || heartbeat_ms == 0) {
        fprintf(stderr, "clients: COUNT and HEARTBEAT must be greater than 0\n");
        return 2;
    }
    clients = calloc(client_count, sizeof *clients);
    if (clients == NULL)
        fail("cannot allocate the clients");
    setvbuf(stdin, NULL, _IONBF, 0);
    run(heartbeat_ms);
    return 0;
}
