#ifndef BENCH_SENDER_H
#define BENCH_SENDER_H

#include "bare.h"

#include <stdbool.h>

/* The closed loop of the bare senders: sends a number of requests with a limit of unanswered ones
 * and, if wanted, at a constant rate, and counts the datagrams received without matching them. */
struct sender {
    uint64_t clients;     /* sources, used in turn */
    uint64_t count;       /* requests */
    uint64_t outstanding; /* unanswered at a time */
    uint64_t rate_pps;    /* requests a second; 0: as many as are answered */
    bool numbers;         /* each request is its number in decimal, from 0 */
    uint16_t port;        /* the source port, so that clients stay the same; 0: any */
    uint64_t silence_s;   /* seconds without a reply after which open requests are lost */
    bool stays;           /* then counts further datagrams until SIGTERM */
    union bare_name target;
    socklen_t target_size;
    /* Of each request, in either direction. */
    struct iovec request;
    /* Headers of a batch of datagrams. */
    struct mmsghdr in[BARE_BATCH], out[BARE_BATCH];
};

/* Parses "[-c CLIENTS] [-n COUNT] [-q OUTSTANDING] [-r RATE] [-b PORT] [-p PAYLOAD-FILE] [-i]
 * [-t SILENCE] [-s] ADDR:PORT". */
void sender_parse(struct sender *sender, int argc, char **argv);

/* Opens a socket of the target's family at the sender's port. */
int sender_open(const struct sender *sender);

/* Makes the headers point at the request and at receive buffers. */
void sender_prepare(struct sender *sender);

/* Sets the source addresses of the next count requests. */
typedef void sender_address(struct sender *sender, unsigned count);

/* Sends all requests from a socket and prints "sent N received N". Ends early if no reply arrives
 * for silence_s. address may be NULL. */
void sender_run(struct sender *sender, int udp, sender_address *address);

#endif
