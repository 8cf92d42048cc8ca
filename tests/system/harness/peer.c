/* UDP sockets of the test, and their addresses. */

#define HARNESS_INTERNAL
#include "harness.h"
#include "process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct endpoint endpoint_of(const char *text)
{
    const char *colon = strrchr(text, ':');
    const char *close_bracket = strchr(text, ']');
    bool plain6 = close_bracket == NULL && colon != strchr(text, ':');
    bool has_port = colon != NULL && !plain6 && (close_bracket == NULL || colon > close_bracket);
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found;
    struct endpoint endpoint;
    char host[ENDPOINT_TEXT_BYTES];
    int error;

    snprintf(host, sizeof host, "%.*s", has_port ? (int)(colon - text) : (int)strlen(text), text);
    if (host[0] == '[') {
        memmove(host, host + 1, strlen(host));
        host[strcspn(host, "]")] = '\0';
    }
    error = getaddrinfo(host, has_port ? colon + 1 : "0", &hints, &found);
    if (error != 0)
        harness_fail("expected an address, not '%s': %s", text, gai_strerror(error));
    endpoint = (struct endpoint){.size = found->ai_addrlen};
    memcpy(&endpoint.sockaddr, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return endpoint;
}

const char *endpoint_text(const struct endpoint *endpoint)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)&endpoint->sockaddr;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&endpoint->sockaddr;
    char host[INET6_ADDRSTRLEN] = "?";

    if (endpoint->sockaddr.ss_family == AF_INET) {
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        return harness_format("%s:%d", host, ntohs(four->sin_port));
    }
    inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
    if (six->sin6_scope_id == 0)
        return harness_format("[%s]:%d", host, ntohs(six->sin6_port));
    return harness_format("[%s%%%u]:%d", host, six->sin6_scope_id, ntohs(six->sin6_port));
}

/* The port has the same offset in both address families. */
uint16_t endpoint_port(const struct endpoint *endpoint)
{
    return ntohs(((const struct sockaddr_in *)&endpoint->sockaddr)->sin_port);
}

struct endpoint endpoint_with_port(const char *host, uint16_t port)
{
    struct endpoint endpoint = endpoint_of(host);

    ((struct sockaddr_in *)&endpoint.sockaddr)->sin_port = htons(port);
    return endpoint;
}

bool endpoint_same(const struct endpoint *a, const struct endpoint *b)
{
    return strcmp(endpoint_text(a), endpoint_text(b)) == 0;
}

/* Ports below those that the kernel chooses by default. */
enum { PORT_FIRST = 20000, PORT_COUNT = 12768 };

/* Returns the ports in turn; each test, which is a process, begins at another one. */
static uint16_t next_port(void)
{
    static uint32_t number;

    if (number == 0)
        number = (uint32_t)getpid() * 61;
    return (uint16_t)(PORT_FIRST + number++ % PORT_COUNT);
}

static bool bind_to(int udp, const struct endpoint *local)
{
    return bind(udp, (const struct sockaddr *)&local->sockaddr, local->size) == 0;
}

/* A port that the kernel chooses could be the one of a listener, whose server does not answer it,
 * and after it is closed that of any other socket: of this test, which would be the same client
 * then, or of another test, which would get what is sent to the client. */
static bool bind_to_next_port(int udp, struct endpoint local)
{
    for (int tries = 0; tries < PORT_COUNT; tries++) {
        ((struct sockaddr_in *)&local.sockaddr)->sin_port = htons(next_port());
        if (bind_to(udp, &local))
            return true;
        if (errno != EADDRINUSE)
            return false;
    }
    return false;
}

int udp_open(const char *local)
{
    struct endpoint wanted = endpoint_of(local);
    int udp = socket(wanted.sockaddr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (udp < 0 ||
        !(endpoint_port(&wanted) != 0 ? bind_to(udp, &wanted) : bind_to_next_port(udp, wanted)))
        harness_fail("expected a UDP socket bound to %s: %s", local, strerror(errno));
    return udp;
}

struct endpoint udp_name(int udp)
{
    struct endpoint endpoint = {.size = sizeof endpoint.sockaddr};

    getsockname(udp, (struct sockaddr *)&endpoint.sockaddr, &endpoint.size);
    return endpoint;
}

void udp_send(int udp, const struct endpoint *to, const void *bytes, size_t size)
{
    ssize_t sent = sendto(udp, bytes, size, 0, (const struct sockaddr *)&to->sockaddr, to->size);

    if (sent != (ssize_t)size)
        harness_fail("expected to send %zu bytes to %s: %s", size, endpoint_text(to),
                     strerror(errno));
}

void udp_send_text(int udp, const struct endpoint *to, const char *text)
{
    udp_send(udp, to, text, strlen(text));
}

ssize_t udp_receive(int udp, void *bytes, size_t room, struct endpoint *from)
{
    int64_t deadline = harness_now_ms() + HARNESS_DEADLINE_MS;
    struct pollfd wait = {.fd = udp, .events = POLLIN};
    struct endpoint ignored;

    from = from != NULL ? from : &ignored;
    for (;;) {
        ssize_t size;
        int64_t left = deadline - harness_now_ms();

        from->size = sizeof from->sockaddr;
        size = recvfrom(udp, bytes, room, MSG_DONTWAIT, (struct sockaddr *)&from->sockaddr,
                        &from->size);
        if (size >= 0)
            return size;
        if ((errno != EAGAIN && errno != EINTR) || left <= 0)
            return -1;
        poll(&wait, 1, (int)left);
    }
}

void udp_expect(int udp, const struct endpoint *from, const char *text)
{
    static char bytes[65536];
    struct endpoint came;
    ssize_t size = udp_receive(udp, bytes, sizeof bytes - 1, &came);
    struct endpoint name = udp_name(udp);

    if (size < 0)
        harness_fail("expected '%s' at %s from %s, nothing came: %s", text, endpoint_text(&name),
                     from != NULL ? endpoint_text(from) : "anywhere", strerror(errno));
    bytes[size] = '\0';
    if ((size_t)size != strlen(text) || memcmp(bytes, text, (size_t)size) != 0 ||
        (from != NULL && !endpoint_same(from, &came)))
        harness_fail("expected '%s' at %s from %s, '%s' (%zd bytes) came from %s", text,
                     endpoint_text(&name), from != NULL ? endpoint_text(from) : "anywhere", bytes,
                     size, endpoint_text(&came));
}

void udp_ask(int udp, const struct endpoint *server, const char *text, const char *answer)
{
    udp_send_text(udp, server, text);
    udp_expect(udp, server, answer);
}

void udp_expect_nothing(int udp, const char *what)
{
    char bytes[2048];
    ssize_t size = recv(udp, bytes, sizeof bytes - 1, MSG_DONTWAIT);

    if (size >= 0) {
        bytes[size] = '\0';
        harness_fail("expected nothing (%s), '%s' (%zd bytes) came", what, bytes, size);
    }
    if (errno != EAGAIN)
        harness_fail("expected nothing (%s), not an error: %s", what, strerror(errno));
}

void udp_refuse(int udp)
{
    struct endpoint name = udp_name(udp);

    /* A connected socket receives only from its peer, which is itself. The kernel answers others
     * that the port is unreachable. */
    if (connect(udp, (const struct sockaddr *)&name.sockaddr, name.size) < 0)
        harness_fail("expected to connect a socket to its own address %s: %s", endpoint_text(&name),
                     strerror(errno));
}

void udp_send_from_new_client(const struct endpoint *to)
{
    static int passers;
    int udp = udp_open(harness_format("127.1.%d.%d", passers / 250 % 250, 1 + passers % 250));

    passers++;
    udp_send_text(udp, to, "hi");
    close(udp);
}

void udp_send_forged(const struct endpoint *from, const struct endpoint *to, const void *bytes,
                     size_t size)
{
    const struct sockaddr_in *source = (const struct sockaddr_in *)&from->sockaddr;
    const struct sockaddr_in *target = (const struct sockaddr_in *)&to->sockaddr;
    static int raw = -1;
    struct {
        struct iphdr ip;
        struct udphdr udp;
        uint8_t bytes[1400];
    } packet = {
        .ip = {.version = 4,
               .ihl = 5,
               .ttl = 64,
               .protocol = IPPROTO_UDP,
               .saddr = source->sin_addr.s_addr,
               .daddr = target->sin_addr.s_addr},
        .udp = {.source = source->sin_port,
                .dest = target->sin_port,
                .len = htons((uint16_t)(sizeof(struct udphdr) + size))},
    };
    size_t whole = sizeof packet.ip + sizeof packet.udp + size;

    if (raw < 0)
        raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (raw < 0)
        cr_skip_test("a raw socket cannot be made here: %s", strerror(errno));
    memcpy(packet.bytes, bytes, size);
    if (sendto(raw, &packet, whole, 0, (const struct sockaddr *)target, sizeof *target) !=
        (ssize_t)whole)
        harness_fail("expected to send a forged datagram: %s", strerror(errno));
}

bool harness_raise_file_limit(size_t count)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max < count)
        return false;
    if (limit.rlim_cur < count)
        limit.rlim_cur = count;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}
