#ifndef OFFLOAD_CLIENT_INDEX_H
#define OFFLOAD_CLIENT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

/* The index by which the program of the offload finds the record of a client
 * (offload/offload_tables), in memory that the server shares with it: a hash table, in which the
 * server enters and removes clients by single words (net/offload/offload_index), while the program
 * reads. Both sides include this header.
 *
 * A hash table of the kernel would do for the index, but has each client on four or five cache
 * lines, which all have to come from memory if there are a million clients (docs/performance.md,
 * "The offload"). Here they are two: one of the index and the record. */

enum {
    OFFLOAD_TAG_BITS = 20,    /* of what distinguishes the clients that a record has had */
    OFFLOAD_RECORD_BITS = 28, /* of a record's number */

    /* Of the index of an interface. The kernel counts up, one for each interface that is made: the
     * clients of the one that has the eight millionth stay on the sockets. */
    OFFLOAD_INTERFACE_BITS = 23,

    /* A line of the index has room for four times as many clients as there are records for it. They
     * are spread by a hash, so that about two of 10,000 clients do not get a place in the first of
     * their lines (its clients have a Poisson distribution with the mean 2), and of a billion some
     * hundred in neither: those stay on the sockets. */
    OFFLOAD_LINE_CLIENTS = 8,
    OFFLOAD_LINE_RECORDS = 2,
    OFFLOAD_LINES_EACH = 2, /* in which a client may be */
};

/* The addresses of a client, their bytes as they stand in the headers. The local address is the one
 * that the client sends to. The interface is the one by which the network stack receives what the
 * client sends (struct offload_ingress): from another one the same addresses are another client, so
 * that the program never answers, by a link or in a VLAN, a client of another one. */
struct offload_key {
    /* The source port; the local port, shifted left by 16; the index of the interface, by 32;
     * whether it is IPv6, by 55. In a record also the index of the client's worker, by 56. */
    uint64_t ports;
    /* IPv4: the source, and the local address shifted left by 32, in the first word; the others are
     * 0. IPv6: two words each. */
    uint64_t addresses[4];
};

enum { OFFLOAD_ADDRESS_WORDS4 = 1, OFFLOAD_ADDRESS_WORDS6 = 4 };

/* The index of an interface is below 2^OFFLOAD_INTERFACE_BITS. */
static inline uint64_t offload_ports(uint16_t source, uint16_t local, uint32_t interface,
                                     bool is_ipv6)
{
    return source | (uint64_t)local << 16 | (uint64_t)interface << 32 | (uint64_t)is_ipv6 << 55;
}

static inline bool offload_ports_is_ipv6(uint64_t ports)
{
    return (ports >> 55 & 1) != 0;
}

/* For the ports of a record. */
static inline uint64_t offload_ports_with_worker(uint64_t ports, uint32_t worker)
{
    return ports | (uint64_t)worker << 56;
}

static inline uint32_t offload_ports_worker(uint64_t ports)
{
    return (uint32_t)(ports >> 56);
}

static inline uint64_t offload_ports_without_worker(uint64_t ports)
{
    return ports & ((UINT64_C(1) << 56) - 1);
}
_Static_assert(32 + OFFLOAD_INTERFACE_BITS == 55,
               "the bits of the interface end below that of IPv6");

/* How a client is entered. */
struct offload_client {
    uint32_t record; /* its number */
    uint32_t worker;
    uint32_t
        tag; /* 1 to 2^OFFLOAD_TAG_BITS - 1; the record has it as long as it is this client's */
};

/* The first line. Senders choose their addresses, so the hash has a random secret, by which it
 * cannot be predicted who shares a line. It is no SipHash (base/siphash), which takes 15 ns more in
 * the program: nobody sees a result, and where too many share a line, the sockets answer some. */
struct offload_index_head {
    _Alignas(64) uint64_t secret[2]; /* the second word is odd */
    uint64_t lines;                  /* after this one, at least 1 */
};

/* The other lines: the entries of clients that may be in this line by their hash, in no order; 0:
 * free. Both sides read and write each as one word. An entry has a mark of the client's hash, so
 * that mostly no record of another client is looked at. No two in a line have the same mark, unless
 * two workers enter clients in the same moment: the program may then not find one of them, which
 * the sockets answer. It looks into the second line of a client if the first one does not have it.
 */
struct offload_index_line {
    _Alignas(64) uint64_t entries[OFFLOAD_LINE_CLIENTS];
};

/* The lines of a table, with the head: a power of two if the number of records is one, since the
 * kernel may round it up to one. */
static inline uint32_t offload_index_entries(uint32_t records)
{
    return records > 2 * OFFLOAD_LINE_RECORDS
               ? (records + OFFLOAD_LINE_RECORDS - 1) / OFFLOAD_LINE_RECORDS
               : 2;
}

static inline uint64_t offload_mix(uint64_t hash, uint64_t word, uint64_t factor)
{
    hash = (hash ^ word) * factor;
    return hash ^ hash >> 32;
}

/* The hash of a key without a worker, of which that many words are addresses. Each step maps a word
 * to another one that no other word is mapped to. */
static inline uint64_t offload_key_hash(const struct offload_index_head *head,
                                        const struct offload_key *key, uint64_t address_words)
{
    uint64_t hash = head->secret[0];
    for (uint64_t i = 0; i < address_words; i++)
        hash = offload_mix(hash, key->addresses[i], head->secret[1]);
    hash = offload_mix(hash, key->ports, head->secret[1]);
    return offload_mix(hash, address_words, head->secret[1]);
}

/* The number of a hash's first (0) or second (1) line in the table, which is 1 or more. Each is
 * chosen by other bits, but for some that decide little, and the mark is of other bits, too. */
static inline uint32_t offload_hash_line(uint64_t hash, int choice, uint64_t lines)
{
    const uint64_t chosen = choice == 0 ? hash >> 32 : hash >> 16 & 0xffffffff;
    return (uint32_t)(1 + (chosen * lines >> 32));
}

/* The mark of a hash, which is not 0. */
static inline uint64_t offload_hash_mark(uint64_t hash)
{
    return (hash & 0xffff) | 1;
}

static inline uint64_t offload_entry(const struct offload_client *client, uint64_t mark)
{
    return (uint64_t)client->record << (64 - OFFLOAD_RECORD_BITS) | (uint64_t)client->tag << 16 |
           mark;
}

static inline uint64_t offload_entry_mark(uint64_t entry)
{
    return entry & 0xffff;
}

static inline uint32_t offload_entry_record(uint64_t entry)
{
    return (uint32_t)(entry >> (64 - OFFLOAD_RECORD_BITS));
}

static inline uint32_t offload_entry_tag(uint64_t entry)
{
    return (uint32_t)(entry >> 16 & ((1u << OFFLOAD_TAG_BITS) - 1));
}
_Static_assert(16 + OFFLOAD_TAG_BITS + OFFLOAD_RECORD_BITS == 64, "an entry is one word");

#endif
