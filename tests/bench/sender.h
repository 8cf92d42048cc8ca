#ifndef BENCH_SENDER_H
#define BENCH_SENDER_H

#include "bare.h"

#include <stdbool.h>

/* What the bare senders have in common: so many requests, so many of them unanswered at a time,
 * and a count of what comes back, whatever it is and whomever it is for. */
struct sender {
    uint64_t clients;     /* sources of their own, in turn */
    uint64_t count;       /* requests */
    uint64_t outstanding; /* unanswered at a time */
    uint16_t port;        /* to send from, so that clients stay the same ones; 0: any */
    uint64_t silence_s;   /* after so much, what is unanswered is lost */
    bool stays;           /* and then counts what still comes, until SIGTERM */
    union bare_name target;
    socklen_t target_size;
    /* Of each request, in either direction. */
    struct iovec request;
    /* Headers of a batch, and room for what comes with a datagram. */
    struct mmsghdr in[BARE_BATCH], out[BARE_BATCH];
};

/* Reads "[-c CLIENTS] [-n COUNT] [-q OUTSTANDING] [-b PORT] [-p PAYLOAD-FILE] [-t SILENCE] [-s]
 * ADDR:PORT". */
void sender_parse(struct sender *sender, int argc, char **argv);

/* A socket of the target's family at the sender's port. */
int sender_open(const struct sender *sender);

/* Makes the headers point at the request, and at room to receive. */
void sender_prepare(struct sender *sender);

/* Says who sends the next count requests. */
typedef void sender_address(struct sender *sender, unsigned count);

/* Sends all, from a socket; prints "sent N received N". address may be NULL. Silence ends it. */
void sender_run(struct sender *sender, int udp, sender_address *address);

#endif
