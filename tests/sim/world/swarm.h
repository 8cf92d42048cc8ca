#ifndef SIM_WORLD_SWARM_H
#define SIM_WORLD_SWARM_H

#include <stdbool.h>
#include <stdint.h>

/* Rare situations, of which a run draws few, so that the runs that have one get deep into it (Groce
 * et al., "Swarm Testing", ISSTA 2012). They lead to the branches of tests/sim/marks/marks.txt that
 * no other draw reaches. They are drawn from a sequence of their own, and floods from another one:
 * a run without any of them is the same as before an option was added at the end. */

struct swarm {
    bool stops_early;       /* the stop comes while broadcasts, commands and faults are going on */
    bool kicks_streams;     /* operators ask for clients of streams, and kick them */
    bool changes_fixed;     /* reloads change keys that need a restart */
    bool stalls_operators;  /* operators do not read their answers for some seconds */
    bool wrong_commands;    /* operators send what is not a command, or not whole */
    bool wrong_files;       /* other mistakes in the configuration file of a reload */
    bool cancels;           /* broadcasts are slow, and operators cancel them */
    bool long_ttl;          /* longer than a lap of the timer wheel, as leaps of the clock are */
    bool more_blocks;       /* many blocks of addresses, one within the other */
    bool mixed_bursts;      /* bursts of a client have frames between the requests */
    bool silent_links;      /* many clients vanish from their link at once, again and again */
    bool selects;           /* operators restrict their commands to some clients */
    bool many_subscribers;  /* more than the server accepts */
    bool confirms;          /* operators ask for confirmations, and clients for frames */
    bool reloads_snapshots; /* a reload comes when a snapshot of the state file has begun */
    bool floods;            /* hundreds of requests of a client while send buffers are full */
    bool lacks_programs;    /* the kernel chooses the worker of a datagram by its own hash */
    bool upgrades;          /* another process takes over, again and again */
    bool publishes;         /* broadcasts have keys, which come again */
    bool offload;           /* the kernel answers registered clients */
    bool fans_out;          /* and most of them, so that copies leave as frames; many broadcasts */
    bool churns;            /* many clients leave, join and claim names while a snapshot is taken */
    uint32_t missing_files; /* so many descriptors fewer than the server asks for; 0: all */
    uint32_t spare_files;   /* so many descriptors more than are open may be opened; 0: all */
};

extern struct swarm swarm;

void swarm_draw(void);

#endif
