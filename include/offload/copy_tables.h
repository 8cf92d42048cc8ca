#ifndef OFFLOAD_COPY_TABLES_H
#define OFFLOAD_COPY_TABLES_H

#include "offload/offload_tables.h"

#include <stdint.h>

/* The memory that a worker shares with the program in the kernel for the copies of a broadcast: the
 * server writes what gets one, and runs the program that many times (net/offload/offload_copies).
 * Each run makes an Ethernet frame of the next copy, and has an interface send it. Both sides
 * include this header, as they do offload/offload_tables. Each worker has a part of the tables. */

enum {
    /* Copies of one call. It bounds how long the worker answers no datagram: a copy takes about a
     * seventh of the time that it takes by a socket, of which a batch has 64 (docs/performance.md,
     * "The offload"). */
    OFFLOAD_COPIES_MAX = 512,

    /* Messages of one call: a confirmed broadcast sends the payload to some clients, and a frame of
     * the protocol to the others. */
    OFFLOAD_COPY_MESSAGES = 2,
};

/* A copy to a client: addresses and ports as their bytes stand in the headers, an IPv4 address as
 * the first word. */
struct offload_copy {
    _Alignas(64) uint32_t to[4];
    uint32_t from[4];
    uint16_t to_port, from_port;
    uint16_t ethernet_to[3], ethernet_from[3];
    uint32_t interface; /* the index of the one that sends it */
    uint8_t is_ipv6;
    uint8_t message; /* the number of the message, below OFFLOAD_COPY_MESSAGES */
    uint8_t is_made; /* 0; the program writes 1 when the frame is made, and given to the interface
                      */
};

/* The run of a worker. */
struct offload_copy_run {
    uint32_t next;  /* the number of the copy that the program makes next */
    uint32_t token; /* random */
};

/* What is in front of a frame to be written, as metadata of XDP, and makes such a run different
 * from a frame that has arrived. */
struct offload_copy_tag {
    uint32_t worker; /* its index */
    uint32_t token;  /* of its run */
};

#endif
