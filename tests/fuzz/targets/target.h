/* Shared by the fuzz targets: the entry function of libFuzzer, an assertion that aborts (so that
 * sanitizers and the replay program report it), and a reader of the input as a script. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define must(condition)                                                                       \
    ((condition)                                                                              \
         ? (void)0                                                                            \
         : (fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition), \
            abort()))

/* The input, taken byte by byte. After its end all bytes are 0. */
struct script {
    const uint8_t *next, *end;
};

static inline uint32_t take(struct script *script)
{
    return script->next < script->end ? *script->next++ : 0;
}

static inline uint32_t take_two(struct script *script)
{
    uint32_t high = take(script);
    return high << 8 | take(script);
}

#endif
