#ifndef SIM_CORE_HASH_H
#define SIM_CORE_HASH_H

#include "address/addr.h"

#include <stddef.h>
#include <stdint.h>

/* A hash for the tables of the simulator, by the finalizer of MurmurHash3. */
static inline uint64_t hash_add(uint64_t hash, uint64_t value)
{
    hash ^= value;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
    return hash ^ hash >> 33;
}

/* Of an endpoint: address and port. */
static inline uint64_t hash_add_addr(uint64_t hash, const struct addr *addr)
{
    for (size_t i = 0; i < sizeof addr->ip; i += 8) {
        uint64_t part = 0;
        for (size_t k = 0; k < 8; k++)
            part = part << 8 | addr->ip[i + k];
        hash = hash_add(hash, part);
    }
    return hash_add(hash, addr->port);
}

/* Of bytes, in which each LF counts as that byte. */
static inline uint64_t hash_bytes(const void *bytes, size_t size, char newline)
{
    uint64_t hash = hash_add(0, size);
    for (size_t i = 0; i < size; i++) {
        char byte = ((const char *)bytes)[i];
        hash = hash_add(hash, (uint8_t)(byte == '\n' ? newline : byte));
    }
    return hash;
}

#endif
