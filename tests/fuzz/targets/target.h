/* What the fuzz targets share: libFuzzer's entry, bytes as a script, and a way to fail that every
 * sanitizer and the replayer see. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define must(condition) \
    ((condition)        \
         ? (void)0      \
         : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), abort()))

/* Bytes that are taken from the front; behind the last come zeros. */
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
