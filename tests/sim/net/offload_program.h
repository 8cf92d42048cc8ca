#ifndef SIM_NET_OFFLOAD_PROGRAM_H
#define SIM_NET_OFFLOAD_PROGRAM_H

#include "admission/rate_buckets.h"
#include "offload/copy_tables.h"
#include "offload/offload_tables.h"
#include "sim/net/udp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the simulated kernel has of an offload: the program, its tables, and the interfaces that it
 * is attached to. It decides as src/net/offload/xdp_program.bpf.c does; it shares no code with it,
 * and reads decoded datagrams. It exists as long as a process has a descriptor of it. */

enum {
    PROGRAM_INTERFACES_MAX = 16,
    PROGRAM_NUMBER = 77, /* by which the kernel names each program */
    PROGRAM_RATE_BYTES = RATE_BUCKET_BLOCKS * (int)sizeof(struct rate_bucket_set),
};

struct program_entry {
    struct addr source, local; /* the scope of local is the interface, also in IPv4 */
    struct offload_client client;
};

/* An interface by which the program receives frames; the network stack receives their datagrams by
 * the same one. */
struct program_ingress {
    uint32_t index, mtu;
};

/* The part of the tables that a worker sends copies with. */
struct program_sender {
    struct offload_copy copies[OFFLOAD_COPIES_MAX];
    struct offload_message messages[OFFLOAD_COPY_MESSAGES];
    uint32_t refused; /* the broadcast whose frames this process was refused last; 0: none */
};

struct program {
    struct object object;
    uint32_t record_count, worker_count, sender_count;
    struct program_sender *senders;
    struct offload_record *records;
    struct offload_worker *workers;
    struct offload_rotation *rotations;
    struct offload_message *messages;
    struct rate_bucket_set *rate_blocks; /* of the rate limiter */
    int rate_file;                       /* of that memory (sim/os/process) */
    uint64_t *counters;                  /* worker * OFFLOAD_COUNTERS + counter */
    struct program_entry *entries;       /* in no order */
    size_t entry_count;
    uint32_t *places; /* a hash table of the numbers of entries + 1; 0: free */
    size_t place_count;
    uint32_t births[PROGRAM_INTERFACES_MAX];  /* of the interfaces */
    uint32_t indexes[PROGRAM_INTERFACES_MAX]; /* that they had when it was attached to them */
    bool is_native[PROGRAM_INTERFACES_MAX];   /* in the driver */
    size_t interface_count;
    struct program_ingress ingress[PROGRAM_INTERFACES_MAX]; /* as the server has read them last */
    size_t ingress_count;
    bool is_ingress_stale; /* the server could not read them the last time */
};

struct program *program_new(const struct offload_size *size);
/* The program that an offload has the descriptor of. */
struct offload;
struct program *program_of(const struct offload *offload);
/* The next one of all that exist; NULL: there is none. *i is 0 at first. */
struct program *program_next(size_t *i);

/* Whether a program is attached to the interface, by the number of its birth (net/host). */
bool program_is_attached(uint32_t birth);

/* The table of the interfaces by which the program receives frames gets those that it was attached
 * to and that are among the links. */
struct interface_link;
void program_set_ingress(struct program *program, const struct interface_link *links, size_t count);
/* NULL: the table does not have the interface. */
const struct program_ingress *program_ingress_of(const struct program *program, uint32_t index);

/* Enter and remove a client, as include/net/offload/offload.h has it. Return 0 or -errno. */
int program_add(struct program *program, const struct program_entry *entry);
void program_remove(struct program *program, uint32_t record);

enum program_action { PROGRAM_PASS, PROGRAM_REPLY, PROGRAM_DROP };

struct program_result {
    enum program_action action;
    uint32_t worker;      /* of the client; unless no client was found */
    bool is_noted;        /* the record has the link from which the datagram came */
    const uint8_t *bytes; /* of the reply, in the program or in the packet */
    size_t size;
};

/* Decides on a packet, at a time of the server's clock. has_room: the driver has room for a reply.
 */
struct program_result program_run(struct program *program, const struct packet *packet,
                                  uint64_t now_ms, bool has_room);

/* Has the records of all clients name a link, also of those that the program has not seen: a
 * mistake, for the self-test. */
void program_break_next_hops(struct program *program);

/* The frame of a packet has arrived by packet->link: if a program is attached there, it decides on
 * it. Returns whether it has taken the packet, which it frees then. */
bool program_takes(struct packet *packet);

/* Tests program_run and the tables. Returns whether all is right; reports what is not. */
bool program_test(void);

#endif
