#ifndef OFFLOAD_OFFLOAD_TABLES_H
#define OFFLOAD_OFFLOAD_TABLES_H

#include "base/token_bucket.h"
#include "offload/client_index.h"

#include <stdbool.h>
#include <stdint.h>

/* The memory that the server shares with its program in the kernel (src/net/offload), which answers
 * the datagrams of registered clients before the network stack sees them. Both sides include this
 * header, so it has no pointer and no type of the C library but those of <stdint.h> and
 * <stdbool.h>. The buckets of the rate limiter are in a table of their own
 * (admission/rate_buckets).
 *
 * The server decides which clients the program may answer for. For each of them it fills a record,
 * which has the client's addresses, and then enters it in an index, by which the program finds it
 * (offload/client_index). The program renews a client in its record: the server reads there when
 * the client's last datagram came. So neither the sweep nor a new client needs a system call, and a
 * client that both see in the same moment is either renewed or ended, and never both (seen).
 *
 * Everything that the program reads of a worker at once is one 64-bit word, so that it sees
 * settings from before or after a change, and no mixture. */

enum {
    /* Messages of the rotation that the program can send, and the bytes of each. With more or
     * longer ones the server answers all requests itself. A message of this size fits the least
     * MTU of IPv6 (1280, RFC 8200) with its headers, of 40 and 8 bytes. */
    OFFLOAD_MESSAGES_MAX = 64,
    OFFLOAD_MESSAGE_BYTES = 1232,

    /* Sets of messages. A reload fills one that nobody uses; a worker that has not applied the
     * reload yet uses the one before. */
    OFFLOAD_ROTATIONS = 4,

    /* The longest payload of a request that the program looks at: its checksum is computed. */
    OFFLOAD_REQUEST_BYTES = 512,

    OFFLOAD_WORKERS_MAX = 256,
};

/* For how many of each there is room in the tables, at least 1. */
struct offload_size {
    uint32_t records; /* clients that may be in the tables at the same time; below
                         2^OFFLOAD_RECORD_BITS */
    uint32_t workers; /* up to OFFLOAD_WORKERS_MAX */
    uint32_t senders; /* the first workers that can send copies (offload/copy_tables), likewise */
};

/* The record of a client. What the program reads for an IPv4 client is on one cache line. */
struct offload_record {
    /* The time of the last datagram that the program answered, or of the entry in the table, in ms
     * of CLOCK_BOOTTIME, shifted left by OFFLOAD_TAG_BITS, and the tag in the low bits. 0: it has
     * ended; the program passes its datagrams on. Both sides change it by compare and exchange. */
    _Alignas(128) uint64_t seen;
    uint32_t received;   /* datagrams that the program answered since the server last read it */
    uint32_t generation; /* of the worker's settings for which the client was admitted */
    /* The link from which the last datagram of the client came that the program saw: the Ethernet
     * address of the sender, its first byte the lowest one, and above it the low 16 bits of the
     * interface's index; 0: it is not known. And when that was, in ms of CLOCK_BOOTTIME. */
    uint64_t next_hop, next_hop_ms;
    /* The tags of the buckets that a datagram of the client takes tokens from
     * (admission/rate_buckets), under the settings of the generation; 0 if they have no rate. */
    uint64_t address_hash, prefix_hash;
    struct offload_key key; /* written before the client is in the index */
};

static inline uint64_t offload_seen(uint64_t now_ms, uint32_t tag)
{
    return now_ms << OFFLOAD_TAG_BITS | tag;
}

static inline uint64_t offload_seen_ms(uint64_t seen)
{
    return seen >> OFFLOAD_TAG_BITS;
}

static inline uint32_t offload_seen_tag(uint64_t seen)
{
    return (uint32_t)(seen & ((1u << OFFLOAD_TAG_BITS) - 1));
}

enum offload_reply {
    OFFLOAD_PASS,   /* nothing is answered: all datagrams are passed on */
    OFFLOAD_ROTATE, /* the next message of a rotation */
    OFFLOAD_ECHO,   /* the request's own bytes */
    OFFLOAD_SILENT, /* no reply: the datagram ends here */
};

/* The settings of one worker. */
struct offload_worker {
    uint64_t settings; /* below */
    /* A client that was seen as long ago as this has expired: its datagrams are passed on. It is
     * the ttl of all clients that have the generation of the settings. */
    uint64_t ttl_ms;
    /* The limits of an address and of a prefix, likewise. The program answers only if both have a
     * token left in the limiter's table. Without a limit neither is looked up. A datagram that
     * arrives at the moment of a change may be limited by the ones after it already. */
    struct token_bucket address_limit, prefix_limit;
};

/* What the program answers, as one word: it answers for a client whose record has the same
 * generation. */
static inline uint64_t offload_settings(uint32_t generation, enum offload_reply reply,
                                        uint8_t rotation, uint16_t max_datagram_bytes)
{
    return (uint64_t)generation << 32 | (uint64_t)max_datagram_bytes << 16 |
           (uint64_t)rotation << 8 | (uint64_t)reply;
}

static inline uint32_t offload_settings_generation(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

static inline uint16_t offload_settings_max_bytes(uint64_t word)
{
    return (uint16_t)(word >> 16);
}

static inline uint8_t offload_settings_rotation(uint64_t word)
{
    return (uint8_t)(word >> 8);
}

static inline enum offload_reply offload_settings_reply(uint64_t word)
{
    return (enum offload_reply)(word & 0xff);
}

/* Where the program receives frames: each word is an interface, 0: none. The server keeps them as
 * the host has them (net/offload/offload_ingress). */
enum { OFFLOAD_INGRESS_MAX = 32 };

struct offload_ingress {
    _Alignas(64) uint64_t interfaces[OFFLOAD_INGRESS_MAX];
};

enum { OFFLOAD_MTU_MAX = UINT16_MAX };

/* index: of the interface that a frame of the program has. upper: of the one by which the network
 * stack receives its datagrams, and which the sockets report: the same, or the bond or bridge that
 * it is a port of. A datagram of a VLAN or another interface that divides this one is not among
 * them, although the program sees its frame, without the tag if the driver removes that. mtu: the
 * longest IP packet in bytes that may leave by it, up to OFFLOAD_MTU_MAX. is_generic: the program
 * runs in the generic receive path. The indexes are below 2^OFFLOAD_INTERFACE_BITS. */
static inline uint64_t offload_ingress_word(uint32_t index, uint32_t upper, uint32_t mtu,
                                            bool is_generic)
{
    return index | (uint64_t)upper << OFFLOAD_INTERFACE_BITS |
           (uint64_t)mtu << 2 * OFFLOAD_INTERFACE_BITS | (uint64_t)is_generic << 63;
}

enum { OFFLOAD_INTERFACE_MASK = (1 << OFFLOAD_INTERFACE_BITS) - 1 };

static inline uint32_t offload_ingress_index(uint64_t word)
{
    return (uint32_t)word & OFFLOAD_INTERFACE_MASK;
}

static inline uint32_t offload_ingress_upper(uint64_t word)
{
    return (uint32_t)(word >> OFFLOAD_INTERFACE_BITS) & OFFLOAD_INTERFACE_MASK;
}

static inline uint32_t offload_ingress_mtu(uint64_t word)
{
    return (uint32_t)(word >> 2 * OFFLOAD_INTERFACE_BITS) & OFFLOAD_MTU_MAX;
}

static inline bool offload_ingress_is_generic(uint64_t word)
{
    return word >> 63 != 0;
}

/* A set of messages: its turns, which the workers and the program take by atomic addition, on a
 * cache line of its own. */
struct offload_rotation {
    uint64_t turns;
    uint32_t count;     /* of messages, at least 1 */
    uint32_t max_bytes; /* of the longest one */
    uint32_t unused[12];
};

/* Message m of rotation r has the index r * OFFLOAD_MESSAGES_MAX + m. */
struct offload_message {
    uint32_t size;
    uint32_t sum; /* of its 16-bit words in the order of their bytes in memory, the last one filled
                     with 0, folded to 16 bits: a part of the checksum of UDP (RFC 1071) */
    uint8_t bytes[OFFLOAD_MESSAGE_BYTES]; /* zeros after the message, the padding of its frame */
};

/* The counters of the program, one of each for each processor and worker: index worker *
 * OFFLOAD_COUNTERS + counter. */
enum offload_counter {
    OFFLOAD_REPLIED,         /* answered by a reply */
    OFFLOAD_SILENCED,        /* ended by OFFLOAD_SILENT */
    OFFLOAD_PASSED_FRAME,    /* passed on: it begins like a frame */
    OFFLOAD_PASSED_SIZE,     /* passed on: longer than max_datagram_bytes or the program's limit */
    OFFLOAD_PASSED_CHECKSUM, /* passed on: its checksum is wrong */
    OFFLOAD_PASSED_SETTINGS, /* passed on: the settings have changed, or the client has ended */
    OFFLOAD_PASSED_ROOM,     /* passed on: the driver has no room for the reply, or the MTU */
    OFFLOAD_PASSED_RATE,     /* passed on: its address or prefix has no token, or no bucket */
    OFFLOAD_COUNTERS,
};

#endif
