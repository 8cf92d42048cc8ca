/* The minimum cost of a broadcast: sendmmsg to COUNT addresses of 127/8, one datagram each, at one
 * port. Each line on standard input starts one, which prints "sent N" at its end. */
#include "bare.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOSTS = (1 << 24) - 2 };

static const uint32_t LOOPBACK = UINT32_C(127) << 24;

static void send_to_all(int udp, struct mmsghdr *out, uint64_t count)
{
    uint32_t ip = LOOPBACK;
    for (uint64_t left = count; left > 0;) {
        unsigned size = left < BARE_BATCH ? (unsigned)left : BARE_BATCH;
        for (unsigned i = 0; i < size; i++) {
            struct sockaddr_in *name = out[i].msg_hdr.msg_name;
            name->sin_addr.s_addr = htonl(++ip);
        }
        bare_send_all(udp, out, size);
        left -= size;
    }
}

int main(int argc, char **argv)
{
    static char payload[] = {'n', 'e', 'w', 's'};
    static struct sockaddr_in names[BARE_BATCH];
    static struct mmsghdr out[BARE_BATCH];
    struct iovec bytes = {payload, sizeof payload};
    const union bare_name name = {
        .ipv4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    if (argc != 3) {
        fprintf(stderr, "usage: %s PORT COUNT\n", argv[0]);
        return 2;
    }
    in_port_t port = htons((uint16_t)bare_number(argv[1], UINT16_MAX));
    uint64_t count = bare_number(argv[2], HOSTS);
    int udp = bare_open(&name, sizeof name.ipv4);

    for (int i = 0; i < BARE_BATCH; i++) {
        names[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
        out[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                         .msg_namelen = sizeof names[i],
                                         .msg_iov = &bytes,
                                         .msg_iovlen = 1};
    }
    printf("%s: ready 127.0.0.1:%u\n", argv[0], bare_port(udp));
    fflush(stdout);
    for (int c; (c = getchar()) != EOF;) {
        if (c != '\n')
            continue;
        bare_sent = 0;
        send_to_all(udp, out, count);
        printf("sent %llu\n", (unsigned long long)bare_sent);
        fflush(stdout);
    }
    return 0;
}
