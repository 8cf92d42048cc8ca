#ifndef NEIGHBOURS_FLOODER_H
#define NEIGHBOURS_FLOODER_H

#include "neighbours.h"

#include <pthread.h>
#include <stdint.h>

enum { FLOODER_TEXT_BYTES_MAX = 64 };

/* A sender of datagrams with forged sources, in a thread of its own. */
struct flooder {
    /* Set before the start. */
    struct endpoint to;    /* as its namespace knows it */
    struct endpoint first; /* the first source, and its port; the others follow it */
    uint32_t sources;      /* takes one after the other, then begins again with the next port */
    uint32_t rate_pps;     /* 1,000 and more are sent in bursts of a millisecond */
    uint32_t count;        /* how many to send */
    const void *text;      /* of each: an even number of bytes, at most FLOODER_TEXT_BYTES_MAX */
    size_t text_bytes;
    /* The flooder's own. */
    pthread_t thread;
    int raw;
    uint32_t sent; /* those that the kernel took */
};

/* Starts to send, from there; skips the test where no raw socket may be made. */
void flooder_start(struct flooder *flooder, const struct neighbours *both);
/* Waits until all are sent; each was taken by the kernel, or the test fails. */
void flooder_wait(struct flooder *flooder);

#endif
