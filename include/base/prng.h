#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include <stdint.h>

/* A pseudo-random number generator with a seed, for load schedules, simulations and tests:
 * xoshiro256** (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018),
 * seeded by splitmix64. It is fast and repeatable, and must not be used for secrets: those are from
 * os/process/random. */
struct prng {
    uint64_t state[4];
};

/* Equal seeds give equal sequences; different seeds give independent ones. */
void prng_init(struct prng *prng, uint64_t seed);

/* 64 random bits. */
uint64_t prng_next(struct prng *prng);

/* A number from 0 to below 1, in steps of 2^-53. */
double prng_uniform(struct prng *prng);

/* A number of the exponential distribution with mean 1. It uses von Neumann's method of comparisons
 * ("Various techniques used in connection with random digits", 1951), which is exact and needs no
 * logarithm. */
double prng_exponential(struct prng *prng);

#endif
