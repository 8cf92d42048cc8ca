/* Which sources the drawn address blocks deny. */
#include "sim/world/settings.h"

static bool contains(const struct block *block, const struct addr *source)
{
    if (block->addr.family != source->family)
        return false;
    for (unsigned bit = 0; bit < block->bits; bit++)
        if ((block->addr.ip[bit / 8] ^ source->ip[bit / 8]) >> (7 - bit % 8) & 1)
            return false;
    return true;
}

bool settings_deny(const struct settings *rules, const struct addr *source)
{
    const struct block *longest = NULL;
    bool has_allow = false;
    for (size_t i = 0; i < rules->block_count; i++) {
        const struct block *block = &rules->blocks[i];
        has_allow |= block->allow;
        if (contains(block, source) && (longest == NULL || block->bits > longest->bits))
            longest = block;
    }
    return longest != NULL ? !longest->allow : has_allow;
}
