#ifndef NEIGHBOURS_JOINER_H
#define NEIGHBOURS_JOINER_H

#include "announcer.h"

#include <pthread.h>
#include <stdint.h>

/* Clients of an echoing server that join it as a program would: each asks once a second until it is
 * answered, and answers a challenge. */
struct joiner {
    int udp;           /* nobody else's until it has joined or given up */
    int64_t start_ns;  /* by clock.h: when it begins */
    int64_t again_ns;  /* when it asks again */
    int64_t joined_ns; /* 0 until then */
    uint32_t asked;    /* how often it has asked */
    uint32_t challenged;
};

struct joiners {
    struct joiner *all;
    size_t count;
    struct endpoint to;
    int64_t limit_ns; /* how long each goes on from its start */
    /* NULL, or each is a host of its own, which has not spoken to the server's host before. */
    const struct announcer *announcer;
    pthread_t thread;
};

/* Runs them to their end: each has joined, or its time is over. */
void joiners_run(struct joiners *joiners);
/* The same in a thread. */
void joiners_start(struct joiners *joiners);
void joiners_wait(struct joiners *joiners);
size_t joiners_joined(const struct joiners *joiners);
/* Closes the sockets. */
void joiners_close(struct joiners *joiners);

#endif
