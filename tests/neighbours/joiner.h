#ifndef NEIGHBOURS_JOINER_H
#define NEIGHBOURS_JOINER_H

#include "address_requester.h"

#include <pthread.h>
#include <stdint.h>

/* Clients that join an echo server as a client program does: each sends a request once a second
 * until it gets the reply, and answers challenges. */
struct joiner {
    int udp;                 /* used only by the joiner until it has joined or its time is over */
    int64_t start_ns;        /* time of the first request, by clock.h */
    int64_t next_request_ns; /* time of the next request */
    int64_t joined_ns;       /* 0 until it has joined */
    uint32_t requests;       /* number of requests sent */
    uint32_t challenged;
};

struct joiners {
    struct joiner *all;
    size_t count;
    struct endpoint to;
    int64_t limit_ns; /* time that each has, from its start_ns */
    /* Not NULL if each joiner simulates its own host: each then requests the server's link address
     * before its first datagram. */
    const struct address_requester *requester;
    pthread_t thread;
};

/* Runs until each has joined or its time is over. */
void joiners_run(struct joiners *joiners);
/* Does the same in a thread. */
void joiners_start(struct joiners *joiners);
void joiners_wait(struct joiners *joiners);
size_t joiners_joined(const struct joiners *joiners);
/* Closes the sockets. */
void joiners_close(struct joiners *joiners);

#endif
