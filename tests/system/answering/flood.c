/* A flood from forged source addresses: the server's memory stays constant, clients get their
 * replies, and no address receives amplified traffic. The test runs in a network namespace in which
 * all of 10.0.0.0/8 is local. */

#include "harness.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(system_flood, .fini = harness_end, .timeout = 300);

enum {
    BATCH = 64,
    /* At most so many datagrams are unanswered at a time. The flood uses all the capacity that the
     * server has, but does not fill the receive queue, whose size depends on the host and in which
     * the kernel drops datagrams of any source. */
    UNANSWERED_MAX = 128,
    HEADER_BYTES = 28, /* of IPv4 and UDP */
    CHALLENGE_BYTES = 21,
    CLIENTS = 1000,
    PARTS = 8, /* of the flood; a broadcast begins with each */
};

struct flood {
    int udp;
    struct sockaddr_in to;
    uint32_t sources, sent, received;
    uint8_t *counts; /* of challenges, indexed by source */
};

/* Sends a datagram from a source address, which a control message (IP_PKTINFO) selects. */
static void send_from(struct flood *flood, uint32_t source)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr aligned;
    } control = {{0}};
    char text[] = "hi";
    struct iovec iovec = {text, 2};
    struct msghdr header = {.msg_name = &flood->to,
                            .msg_namelen = sizeof flood->to,
                            .msg_iov = &iovec,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    struct cmsghdr *message = CMSG_FIRSTHDR(&header);
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x0a000000 + 256 + source)};

    message->cmsg_level = IPPROTO_IP;
    message->cmsg_type = IP_PKTINFO;
    message->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(message), &info, sizeof info);
    expect(sendmsg(flood->udp, &header, 0) == 2, "expected to send: %s", strerror(errno));
    flood->sent++;
}

/* Receives one datagram within ms, counts it for its destination, and checks that it is a
 * challenge. Returns false if none was received. */
static bool receive_challenge(struct flood *flood, int ms)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr aligned;
    } control;
    char bytes[256];
    struct iovec iovec = {bytes, sizeof bytes};
    struct msghdr header = {.msg_iov = &iovec,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    struct pollfd readable = {.fd = flood->udp, .events = POLLIN};
    struct in_pktinfo info;
    uint32_t source;
    ssize_t size;

    if (ms > 0 && poll(&readable, 1, ms) == 0)
        return false;
    size = recvmsg(flood->udp, &header, MSG_DONTWAIT);
    if (size < 0)
        return false;
    memcpy(&info, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof info);
    source = ntohl(info.ipi_addr.s_addr) - 0x0a000000 - 256;
    expect(source < flood->sources, "expected an answer to one of the sources");
    harness_equal("bytes to an unverified source", size, CHALLENGE_BYTES);
    expect(memcmp(bytes, "\0UDP\1", 5) == 0, "expected a challenge and nothing else");
    flood->counts[source]++;
    flood->received++;
    return true;
}

static void open_flood(struct flood *flood, const struct endpoint *to, uint32_t sources)
{
    int on = 1, buffer_bytes = 8 << 20;

    *flood = (struct flood){.udp = udp_open("0.0.0.0"), .sources = sources};
    memcpy(&flood->to, &to->sockaddr, sizeof flood->to);
    flood->counts = calloc(sources, 1);
    setsockopt(flood->udp, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    setsockopt(flood->udp, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
}

/* Sends one datagram from each source from `from` up to but not including `to`. */
static void flood_from_sources(struct flood *flood, uint32_t from, uint32_t to)
{
    for (uint32_t source = from; source < to;) {
        for (int i = 0; i < BATCH && source < to; i++)
            send_from(flood, source++);
        while (receive_challenge(flood, 0))
            continue;
        /* A lost datagram delays the flood by at most one second. */
        while (flood->sent - flood->received > UNANSWERED_MAX && receive_challenge(flood, 1000))
            continue;
    }
    while (flood->received < flood->sent && receive_challenge(flood, 1000))
        continue;
}

/* Returns the memory in use by the server in KiB, without files such as the program itself. The
 * kernel counts the pages for each call; the totals in "status" may lag behind. */
static int64_t memory_kib(const struct server *server)
{
    const char *path = harness_format("/proc/%d/smaps_rollup", (int)server->process.pid);

    return strtoll(
        run_ok(NULL, "awk", "/^Pss_(Anon|Shmem):/ { kib += $2 } END { print kib }", path, NULL),
        NULL, 10);
}

Test(system_flood, a_flood_costs_neither_memory_nor_replies_and_is_not_amplified)
{
    uint32_t sources = harness_sanitized() ? 50000 : 1000000;
    const char *file = harness_path("report.json"), *json;
    struct server server = {0};
    struct process load;
    struct flood flood;
    int64_t before_kib = 0, growth_kib;

    netns_enter();
    netns_shell("ip route add local 10.0.0.0/8 dev lo");
    /* What the load sends in 8 s has space: other programs of the host may take the processors. */
    server_start(&server,
                 "[admission]\npolicy = cookie\n[clients]\nttl = 10m\n[reply]\nmessage = yes\n"
                 "[server]\nreceive-buffer = 64M\n",
                 "-l", "127.0.0.1:0", NULL);
    open_flood(&flood, &server.at[0], sources);
    /* Full batches, for which the server allocates memory. */
    process_kill(&server.process, SIGSTOP);
    for (uint32_t source = 0; source < 2 * BATCH; source++)
        send_from(&flood, source);
    process_kill(&server.process, SIGCONT);
    process_start(&load, NULL,
                  (const char *[]){"udpload", "-Q", "10000", "-c", "1000", "-l", "10m", "-t", "5s",
                                   "--json", file, endpoint_text(&server.at[0]), NULL});
    server_await_stat(&server, "joined", CLIENTS);
    for (uint32_t part = 0, from = 2 * BATCH; part < PARTS; part++) {
        uint32_t to = sources / PARTS * (part + 1);
        ctl_ok(&server, "broadcast", "--no-wait", "news", NULL);
        flood_from_sources(&flood, from, to);
        from = to;
        if (part == 0) /* the server has allocated all memory that it needs under this load */
            before_kib = memory_kib(&server);
    }
    growth_kib = memory_kib(&server) - before_kib;
    process_kill(&load, SIGINT); /* it still waits for outstanding replies */
    process_wait(&load);

    /* With headers, a challenge has 49 bytes for a datagram of 30 bytes. */
    for (uint32_t i = 0; i < sources; i++)
        expect(flood.counts[i] * (CHALLENGE_BYTES + HEADER_BYTES) <= 3 * (2 + HEADER_BYTES),
               "expected at most three times the bytes that source %u sent, it got %u challenges",
               i, flood.counts[i]);
    expect(flood.received >= sources / 100 * 99,
           "expected nearly all sources to be challenged, %u were", flood.received);
    harness_equal("clients", server_stat(&server, "clients"), CLIENTS);
    harness_equal("joined", server_stat(&server, "joined"), CLIENTS);
    expect(server_stat(&server, "challenged") <= sources + 2 * CLIENTS,
           "expected no more challenges than unverified sources");
    expect_balance("stats", server_ask(&server, "stats"));
    if (!harness_sanitized())
        expect(growth_kib <= 64, "expected constant memory, it grew by %lld KiB",
               (long long)growth_kib);
    json = run_ok(NULL, "cat", file, NULL);
    /* udpload counts a broadcast copy that it receives first as the reply, and then the reply as
     * unsolicited, so only the lost ones are checked. */
    expect(json_integer(json, "lost") * 1000 <= json_integer(json, "sent"),
           "expected 99.9 %% of %lld to be answered, %lld were lost; %lld datagrams before the "
           "server read them, %lld before the client did",
           (long long)json_integer(json, "sent"), (long long)json_integer(json, "lost"),
           (long long)server_stat(&server, "kernel_drops"),
           (long long)json_integer(json, "own_drops"));
    free(flood.counts);
    server_stop(&server);
}
