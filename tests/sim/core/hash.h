#ifndef SIM_CORE_HASH_H
#define SIM_CORE_HASH_H

#include "address/addr.h"

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
    uint64_t parts[2];
    _Static_assert(sizeof parts == sizeof addr->ip, "an address has two parts");
    memcpy(parts, addr->ip, sizeof parts);
    hash = hash_add(hash_add(hash, be64toh(parts[0])), be64toh(parts[1]));
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
