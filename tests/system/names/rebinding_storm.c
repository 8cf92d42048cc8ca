/* A storm of NAT rebindings: all named clients of a server change their ports again and again, and
 * each name leads to its newest address.
 *
 * The clients of a round share one socket, whose port is theirs: each has an address of 127/8 of
 * its own, from which it sends (IP_PKTINFO). So a round takes one descriptor, and each client has
 * another port in each round. */

#include "hellos.h"
#include "subscriber.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(system_rebinding_storm, .fini = harness_end, .timeout = 120);

enum {
    CLIENTS = 10000,
    CLIENTS_SANITIZED = 1000,
    ROUNDS = 10,
    WINDOW = 250, /* hellos in flight: their answers fit into the default buffer of a socket */
    NAME_BYTES = 16,
};

static struct server server;
static int client_count;
static uint16_t ports[ROUNDS];
static int round_of[CLIENTS]; /* of the last answer: ports[] of it is the client's newest port */

static struct in_addr address_of(int client)
{
    return (struct in_addr){
        htonl(0x7f010000u | (uint32_t)(client / 200) << 8 | (uint32_t)(1 + client % 200))};
}

static int client_of(struct in_addr address)
{
    uint32_t ip = ntohl(address.s_addr);
    return (int)((ip >> 8 & 0xff) * 200 + (ip & 0xff)) - 1;
}

static const char *name_of(int client, char name[NAME_BYTES])
{
    snprintf(name, NAME_BYTES, "d%05d", client);
    return name;
}

static int open_round(int round)
{
    const int on = 1;
    int udp = udp_open("0.0.0.0");
    struct endpoint at = udp_name(udp);
    ports[round] = endpoint_port(&at);
    expect(setsockopt(udp, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0, "expected IP_PKTINFO");
    return udp;
}

union control {
    char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct cmsghdr align;
};

static void send_from(int udp, int client, const void *bytes, size_t size)
{
    union control control = {.bytes = {0}};
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    struct msghdr message = {.msg_name = &server.at[0].sockaddr,
                             .msg_namelen = server.at[0].size,
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    struct in_pktinfo info = {.ipi_spec_dst = address_of(client)};
    head->cmsg_level = IPPROTO_IP;
    head->cmsg_type = IP_PKTINFO;
    head->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(head), &info, sizeof info);
    expect(sendmsg(udp, &message, 0) == (ssize_t)size, "expected to send %zu bytes: %s", size,
           strerror(errno));
}

/* A request registers the client, which then asks for its name. */
static void send_hello(int udp, int client)
{
    char hello[6 + NAME_BYTES] = "\0UDP\10\1";
    name_of(client, hello + 6);
    send_from(udp, client, "hi", 2);
    send_from(udp, client, hello, 6 + strlen(hello + 6));
}

/* Receives the answer to a hello, and returns the client that it came to. */
static int receive_named(int udp)
{
    union control control;
    char bytes[64], name[NAME_BYTES];
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct pollfd wait = {.fd = udp, .events = POLLIN};
    expect(poll(&wait, 1, HARNESS_DEADLINE_MS) == 1, "expected the answer to a hello");
    ssize_t size = recvmsg(udp, &message, 0);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    struct in_pktinfo info;
    expect(size > 6 && head != NULL, "expected the answer to a hello, of %zd bytes", size);
    memcpy(&info, CMSG_DATA(head), sizeof info);
    int client = client_of(info.ipi_addr);
    expect(memcmp(bytes, "\0UDP\11\1", 6) == 0 && size == 12 &&
               memcmp(bytes + 6, name_of(client, name), 6) == 0,
           "expected that client %d is named, the status is %d", client, bytes[5]);
    return client;
}

/* ---- the events ---- */

/* Expects that an event says that this client has moved to this round's address. */
static void check_moved(const char *line, int round)
{
    char from[32], to[32], name[NAME_BYTES], expected[NAME_BYTES], at[32];
    expect(sscanf(line, "event %*s moved address=%31s to=%31s name=%15s", from, to, name) == 3,
           "expected a moved, '%s' came", line);
    int client = atoi(name + 1);
    const char *ip = inet_ntoa(address_of(client));
    cr_assert_str_eq(name, name_of(client, expected));
    snprintf(at, sizeof at, "%s:%d", ip, ports[round]);
    cr_assert_str_eq(to, at);
    snprintf(at, sizeof at, "%s:%d", ip, ports[round - 1]);
    cr_assert_str_eq(from, at);
}

/* Reads the events of all moves so far, delivered or reported as lost. */
static void read_moves(struct subscriber *events, int round, int64_t moves)
{
    while (events->delivered + events->lost < moves) {
        const char *line = subscriber_line(events);
        if (strncmp(line, "event ", 6) == 0)
            check_moved(line, round);
    }
    harness_equal("moves that were delivered or lost", events->delivered + events->lost, moves);
}

/* ---- the storm ---- */

static void run_round(int round, struct subscriber *events)
{
    int udp = open_round(round);
    for (int first = 0; first < client_count; first += WINDOW) {
        int end = first + WINDOW < client_count ? first + WINDOW : client_count;
        for (int client = first; client < end; client++)
            send_hello(udp, client);
        for (int i = first; i < end; i++)
            round_of[receive_named(udp)] = round;
        if (round > 0)
            read_moves(events, round, (int64_t)(round - 1) * client_count + end);
    }
    close(udp);
    for (int client = 0; client < client_count; client++)
        harness_equal("the round of a client", round_of[client], round);
}

/* Expects that `clients` has each name once, with its newest address, and nothing else. */
static void check_list(void)
{
    static bool seen[CLIENTS];
    const char *at = ctl_ok(&server, "--json", "clients", NULL);
    int count = 0;
    for (; (at = strstr(at, "\"address\":\"")) != NULL; count++) {
        char address[32], name[NAME_BYTES], expected[32];
        expect(sscanf(at, "\"address\":\"%31[^\"]", address) == 1, "expected an address");
        at = strstr(at, "\"name\":\"");
        expect(at != NULL && sscanf(at, "\"name\":\"%15[^\"]", name) == 1, "expected a name");
        int client = atoi(name + 1);
        expect(client >= 0 && client < client_count && !seen[client], "expected %s once", name);
        seen[client] = true;
        snprintf(expected, sizeof expected, "%s:%d", inet_ntoa(address_of(client)),
                 ports[ROUNDS - 1]);
        expect(strcmp(address, expected) == 0, "expected %s at %s, it is at %s", name, expected,
               address);
    }
    harness_equal("clients in the list", count, client_count);
}

/* names-max has no place for one more than the clients: a name that moves needs none. */
static void storm(int workers)
{
    struct subscriber events;
    client_count = harness_sanitized() ? CLIENTS_SANITIZED : CLIENTS;
    server_start(&server,
                 harness_format("[server]\nworkers = %d\n[reply]\nmode = none\n[clients]\n"
                                "ttl = 10m\nnames = trusted\nnames-max = %d\n",
                                workers, client_count),
                 "-l", "127.0.0.1:0", NULL);
    subscriber_open(&events, &server, "events kinds=moved");
    for (int round = 0; round < ROUNDS; round++)
        run_round(round, &events);
    int64_t moves = (int64_t)(ROUNDS - 1) * client_count;
    server_await_stat(&server, "moved", moves);
    harness_equal("moved", server_stat(&server, "moved"), moves);
    harness_equal("joined", server_stat(&server, "joined"), (int64_t)ROUNDS * client_count);
    harness_equal("clients", server_stat(&server, "clients"), client_count);
    harness_equal("refused_names", server_stat(&server, "refused_names"), 0);
    harness_equal("bad_names", server_stat(&server, "bad_names"), 0);
    check_list();
    expect_balance("stats", server_ask(&server, "stats"));
    subscriber_close(&events);
    server_stop(&server);
}

Test(system_rebinding_storm, leads_each_name_to_its_newest_address_on_one_worker)
{
    storm(1);
}

Test(system_rebinding_storm, leads_each_name_to_its_newest_address_on_four_workers)
{
    storm(4);
}
