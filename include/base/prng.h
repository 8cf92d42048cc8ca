#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include <stdint.h>

/* A fast generator of pseudo-random numbers that a seed makes repeatable: xoshiro256** (Blackman
 * and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018), seeded by splitmix64. No
 * secret may hang on it. */
struct prng {
    uint64_t state[4];
};

/* Equal seeds give equal sequences; any two others, sequences that have nothing in common. */
void prng_init(struct prng *prng, uint64_t seed);

/* 64 random bits. */
uint64_t prng_next(struct prng *prng);

/* From 0 up to but never 1, in steps of 2^-53. */
double prng_uniform(struct prng *prng);

/* Exponentially distributed, of mean 1. By von Neumann's method of comparisons ("Various techniques
 * used in connection with random digits", 1951), which needs no logarithm and is exact. */
double prng_exponential(struct prng *prng);

#endif
