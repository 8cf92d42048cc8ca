#include "sim/core/draw.h"

static uint64_t states[DRAW_STREAMS][4];

/* SplitMix64, which the authors of xoshiro recommend for its seed. */
static uint64_t next_seed(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void draw_seed(uint64_t seed, uint64_t variant)
{
    for (size_t i = 0; i < DRAW_STREAMS; i++)
        for (size_t k = 0; k < 4; k++) {
            states[i][k] = next_seed(&seed);
            if (variant != 0 && i != DRAW_SETUP)
                states[i][k] ^= next_seed(&variant);
        }
}

static uint64_t rotate(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

uint64_t draw(enum draw_stream stream)
{
    uint64_t *s = states[stream];
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t draw_below(enum draw_stream stream, uint64_t limit)
{
    return draw(stream) % limit; /* the bias does not matter here */
}

uint64_t draw_range(enum draw_stream stream, uint64_t low, uint64_t high)
{
    return low + draw_below(stream, high - low + 1);
}

bool draw_chance(enum draw_stream stream, uint32_t per_million)
{
    return per_million > 0 && draw_below(stream, 1000000) < per_million;
}
