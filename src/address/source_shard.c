#include "address/source_shard.h"

static uint32_t read_word(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t mix(const struct source_shard_key *key, uint32_t hash, uint32_t word)
{
    hash ^= word;
    hash *= key->multipliers[0];
    hash ^= hash >> SOURCE_SHARD_FIRST_SHIFT;
    hash *= key->multipliers[1];
    return hash ^ hash >> SOURCE_SHARD_SECOND_SHIFT;
}

void source_shard_key_init(struct source_shard_key *key,
                           const uint8_t random[SOURCE_SHARD_KEY_BYTES])
{
    *key = (struct source_shard_key){
        .start = read_word(random),
        .multipliers = {read_word(random + 4) | 1, read_word(random + 8) | 1},
    };
}

uint32_t source_shard(const struct source_shard_key *key, const struct addr *source, uint32_t count)
{
    uint32_t hash = mix(key, key->start, source->port);
    size_t address_bytes = source->family == ADDR_IPV4 ? 4 : 16;
    for (size_t i = 0; i < address_bytes; i += 4)
        hash = mix(key, hash, read_word(source->ip + i));
    return mix(key, hash, 0) % count;
}
