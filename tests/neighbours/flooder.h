#ifndef NEIGHBOURS_FLOODER_H
#define NEIGHBOURS_FLOODER_H

#include "neighbours.h"

#include <pthread.h>
#include <stdint.h>

enum { FLOODER_TEXT_BYTES_MAX = 64 };

/* Sends datagrams with forged source addresses at a steady rate, in its own thread. */
struct flooder {
    /* The caller sets these before flooder_start. */
    struct endpoint to;    /* as seen from the namespace of the flooder */
    struct endpoint first; /* the first source address and port; the other addresses follow it */
    uint32_t sources;      /* used in turn; each further round uses the next port */
    uint32_t rate_pps;     /* rates over 1,000 are sent in a burst each millisecond */
    uint32_t count;        /* number of datagrams to send */
    const void *text;      /* payload: an even number of bytes, at most FLOODER_TEXT_BYTES_MAX */
    size_t text_bytes;
    /* Private. */
    pthread_t thread;
    int raw;
    uint32_t sent; /* datagrams that the kernel accepted */
};

/* Starts to send from the far end of the link. Skips the test if the process may not open a raw
 * socket. */
void flooder_start(struct flooder *flooder, const struct neighbours *both);
/* Waits until all datagrams are sent. The test fails if the kernel rejected one. */
void flooder_wait(struct flooder *flooder);

#endif
