#ifndef REGISTRY_LOCALS_H
#define REGISTRY_LOCALS_H

#include "base/addr.h"
#include "base/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The addresses of ours that clients spoke to, each kept once and known by a number: a host has few
 * of them and clients in millions, and 2 bytes a client are a quarter of what IPv6 would take. */
struct locals {
    struct siphash_key key;
    uint16_t *places; /* hash table of numbers, 0 for an empty place */
    struct addr *addrs;
    uint32_t count;
};

enum {
    LOCALS_MAX = UINT16_MAX, /* addresses; those beyond are not told apart */
};

/* The memory for it: zero bytes, aligned to 8, the caller's, touched as far as addresses come. */
size_t locals_bytes(void);
void locals_init(struct locals *locals, void *memory, const struct siphash_key *key);

/* The number of an address (its IP and scope; the port is left out), which it has for good. 0 for
 * family ADDR_NONE, and for a new one when there is no room: then the kernel is left to choose. */
uint16_t locals_number(struct locals *locals, const struct addr *addr);

/* Whether the address has that number. */
static inline bool locals_is(const struct locals *locals, uint16_t number, const struct addr *addr)
{
    const struct addr *known = &locals->addrs[number];
    return memcmp(known->ip, addr->ip, sizeof addr->ip) == 0 && known->scope == addr->scope &&
           known->family == addr->family;
}

/* The address of a number that locals_number gave. */
struct addr locals_addr(const struct locals *locals, uint16_t number);

#endif
