#include "bare.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char bare_reply[4] = {'a', 'u', 'd', 'i'};
volatile uint64_t bare_received, bare_sent;

_Noreturn void bare_die(const char *what)
{
    perror(what);
    exit(1);
}

uint64_t bare_number(const char *text, uint64_t max)
{
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || number > max) {
        errno = EINVAL;
        bare_die(text);
    }
    return number;
}

socklen_t bare_parse(union bare_name *name, const char *text)
{
    char host[INET6_ADDRSTRLEN + 2] = "";
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;

    memset(name, 0, sizeof *name);
    if (length == 0 || length >= sizeof host) {
        errno = EINVAL;
        bare_die(text);
    }
    memcpy(host, text, length);
    in_port_t port = htons((uint16_t)bare_number(colon + 1, UINT16_MAX));
    if (host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        name->ipv6.sin6_family = AF_INET6;
        name->ipv6.sin6_port = port;
        if (inet_pton(AF_INET6, host + 1, &name->ipv6.sin6_addr) == 1)
            return sizeof name->ipv6;
    }
    name->ipv4.sin_family = AF_INET;
    name->ipv4.sin_port = port;
    if (inet_pton(AF_INET, host, &name->ipv4.sin_addr) == 1)
        return sizeof name->ipv4;
    errno = EINVAL;
    bare_die(text);
}

void bare_set(int socket, int level, int option, int value)
{
    if (setsockopt(socket, level, option, &value, sizeof value) != 0)
        bare_die("setsockopt");
}

/* Ignores net.core.[rw]mem_max if the program may (CAP_NET_ADMIN). */
static void set_buffer(int socket, int force_option, int option, int bytes)
{
    if (setsockopt(socket, SOL_SOCKET, force_option, &bytes, sizeof bytes) != 0)
        bare_set(socket, SOL_SOCKET, option, bytes);
}

int bare_open(const union bare_name *name, socklen_t size)
{
    int udp = socket(name->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (udp < 0)
        bare_die("socket");
    set_buffer(udp, SO_RCVBUFFORCE, SO_RCVBUF, BARE_RECEIVE_BYTES);
    set_buffer(udp, SO_SNDBUFFORCE, SO_SNDBUF, BARE_SEND_BYTES);
    /* As udpsrv: without path MTU discovery, which costs time. */
    if (name->any.sa_family == AF_INET)
        bare_set(udp, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
    if (bind(udp, &name->any, size) != 0)
        bare_die("bind");
    return udp;
}

uint16_t bare_port(int socket)
{
    union bare_name name = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof name;
    if (getsockname(socket, &name.any, &size) != 0)
        bare_die("getsockname");
    return ntohs(name.any.sa_family == AF_INET6 ? name.ipv6.sin6_port : name.ipv4.sin_port);
}

/* The loops only make system calls, so that printing in the handler is safe. */
static void print_counts(int signal)
{
    (void)signal;
    dprintf(STDOUT_FILENO, "received %llu sent %llu\n", (unsigned long long)bare_received,
            (unsigned long long)bare_sent);
    _exit(0);
}

int bare_serve(int argc, char **argv)
{
    union bare_name name;
    if (argc != 2) {
        fprintf(stderr, "usage: %s ADDR:PORT\n", argv[0]);
        exit(2);
    }
    socklen_t size = bare_parse(&name, argv[1]);
    int udp = bare_open(&name, size);
    if (signal(SIGTERM, print_counts) == SIG_ERR)
        bare_die("signal");
    *strrchr(argv[1], ':') = '\0';
    printf("%s: ready %s:%u\n", argv[0], argv[1], bare_port(udp));
    fflush(stdout);
    return udp;
}

void bare_send_all(int socket, struct mmsghdr *batch, unsigned count)
{
    for (unsigned done = 0; done < count;) {
        int sent = sendmmsg(socket, batch + done, count - done, 0);
        if (sent < 0)
            bare_die("sendmmsg");
        done += (unsigned)sent;
        bare_sent += (unsigned)sent;
    }
}
